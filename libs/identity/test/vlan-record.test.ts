import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { type VlanId, WakunetError } from '@wakunet/interface'
import fc from 'fast-check'
import {
  createVlanKey,
  decodeVlanRecord,
  MAX_VLAN_RECORD_BYTES,
  signVlanRecord,
  type VlanRecordFields,
  vlanIdFromPublicKey,
  vlanNameFault,
} from '../src/index.ts'
import { type CborValue, cbor, forge, head, nodePublicKey, nodeVerify, V2 } from './support.ts'

interface Vector {
  readonly privateKey: string
  readonly publicKey: string
  readonly id: VlanId
  readonly fields: VlanRecordFields
  readonly record: string
}
const vectors = JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8')) as Vector[]
const NOW = 1_800_000_000_000
const { fields } = vectors[0]!
/** Of version 2, with every field of a plan. */
const planned = Uint8Array.from(Buffer.from(vectors[2]!.record, 'hex'))
const privateKey = Buffer.from(vectors[0]!.privateKey, 'hex')
const publicKey = Buffer.from(vectors[0]!.publicKey, 'hex')
const record = Uint8Array.from(Buffer.from(vectors[0]!.record, 'hex'))
const all: { [key: string]: CborValue } = { ...(fields as object), publicKey }

/** Decoding fails, in the one way it may. */
function refused(bytes: Uint8Array, message: RegExp = /^not a valid VLAN record: /, nowMs = NOW): void {
  assert.throws(
    () => decodeVlanRecord(bytes, nowMs),
    (error) => {
      assert.ok(error instanceof WakunetError, String(error))
      assert.equal(error.code, 'ERR_VLAN_RECORD_INVALID')
      assert.match(error.message, message)
      return true
    },
  )
}

describe('a VLAN record', () => {
  test('is that of the vectors, byte for byte', () => {
    for (const vector of vectors) {
      const key = createVlanKey(Buffer.from(vector.privateKey, 'hex'))
      assert.equal(Buffer.from(key.publicKey).toString('hex'), vector.publicKey)
      const signed = signVlanRecord(vector.fields, key.privateKey)
      assert.equal(Buffer.from(signed).toString('hex'), vector.record)
      const { id, publicKey: decodedKey, ...decoded } = decodeVlanRecord(signed, NOW)
      assert.deepEqual(decoded, vector.fields)
      assert.equal(id, vector.id)
      assert.equal(Buffer.from(decodedKey).toString('hex'), vector.publicKey)
    }
  })

  test('round trips for any fields within the limits', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 }).map((value) => value.trim().normalize('NFC'))
    const any = fc.record({
      name: text.filter((name) => vlanNameFault(name) === null),
      description: text.filter((line) => line === '' || vlanNameFault(line) === null),
      policy: fc.constant('open' as const),
      subnet4: fc.constantFrom('10.0.0.0/8', '172.31.255.252/30', '192.168.4.0/22', '100.64.0.0/10'),
      subnet6: fc.constantFrom('fd00::/64', 'fdff:ffff:ffff:ffff::/64', 'fd12:0:0:1::/64'),
      mtu: fc.integer({ min: 1280, max: 9000 }),
      sequence: fc.maxSafeNat().map((n) => Math.max(1, n)),
      issuedAtMs: fc.nat(NOW),
      key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      expires: fc.boolean(),
    })
    fc.assert(
      fc.property(any, ({ key, expires, ...rest }) => {
        const value = expires ? { ...rest, expiresAtMs: NOW + 1 } : rest
        const signed = signVlanRecord(value, key)
        const decoded = decodeVlanRecord(signed, NOW)
        const expectedKey = nodePublicKey(key)
        assert.deepEqual(
          { ...decoded, publicKey: Buffer.from(decoded.publicKey) },
          { ...value, publicKey: Buffer.from(expectedKey), id: vlanIdFromPublicKey(expectedKey) },
        )
        const map = signed.subarray(1, -64)
        assert.deepEqual(Buffer.from(map), cbor({ ...value, publicKey: expectedKey }))
        const message = Buffer.concat([Buffer.from('wakunet vlan record v1'), map])
        assert.ok(nodeVerify(signed.subarray(-64), message, expectedKey))
      }),
      { numRuns: 60 },
    )
  })

  test('does not share memory with what it was decoded from', () => {
    const bytes = Uint8Array.from(record)
    const decoded = decodeVlanRecord(bytes, NOW)
    bytes.fill(0)
    assert.deepEqual(Buffer.from(decoded.publicKey), publicKey)
  })

  test('is refused at every truncation, and with anything behind it', () => {
    for (const whole of [record, planned]) {
      for (let length = 0; length < whole.length; length++) refused(whole.subarray(0, length))
      refused(Buffer.concat([whole, Buffer.of(0)]))
      refused(Buffer.concat([whole, whole]))
    }
  })

  test('is refused with a bit of any byte flipped', () => {
    for (const whole of [record, planned]) {
      for (let i = 0; i < whole.length; i++) {
        const flipped = Uint8Array.from(whole)
        flipped[i]! ^= 1 << (i & 7)
        refused(flipped)
      }
    }
  })

  test('is refused for arbitrary bytes, signed or not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        refused(bytes)
        for (const version of [1, 2]) refused(Buffer.concat([Buffer.of(version), bytes]))
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (map, isPlanned) =>
        refused(forge(map, privateKey, isPlanned ? V2 : {})),
      ),
      { numRuns: 200 },
    )
  })
})

describe('a record that the right key has signed is still refused', () => {
  test('control: the same forging makes a good record of good fields', () => {
    assert.deepEqual(Buffer.from(forge(all, privateKey)), Buffer.from(record))
    decodeVlanRecord(forge(all, privateKey), NOW)
  })

  test('over the limit of size, before it is decoded', () => {
    const limit = Buffer.alloc(MAX_VLAN_RECORD_BYTES + 1, 1)
    refused(limit, /more than 32768/)
    refused(limit.subarray(1), /CBOR/)
  })

  test('with another version or another domain', () => {
    for (const version of [0, 2, 3, 4, 0x81, 255]) refused(forge(all, privateKey, { version }), /version/)
    refused(forge(all, privateKey, { domain: '' }), /signature/)
    refused(forge(all, privateKey, { domain: 'wakunet vlan record v2' }), /signature/)
  })

  test('with the key of somebody else', () => {
    const other = createVlanKey(new Uint8Array(32).fill(5))
    refused(forge(all, other.privateKey), /signature/)
  })

  test('with a key of small order, for which one signature fits many messages', () => {
    const weak = Buffer.alloc(32)
    weak[0] = 1
    const forged = Buffer.concat([Buffer.of(1), cbor({ ...all, publicKey: weak }), weak, Buffer.alloc(32)])
    refused(forged, /signature/)
  })

  test('with a field out of its limits, and says which', () => {
    for (const [field, value] of [
      ['name', ''],
      ['name', ' x'],
      ['name', 'a\u202eb'],
      ['name', 'x'.repeat(64)],
      ['name', 7],
      ['description', 'x'.repeat(513)],
      ['description', 'two\nlines'],
      ['policy', 'private'],
      ['policy', ''],
      ['subnet4', '8.8.8.0/24'],
      ['subnet4', '0.0.0.0/0'],
      ['subnet4', '10.0.0.0/7'],
      ['subnet4', '10.0.0.1/24'],
      ['subnet4', '10.0.0.0/31'],
      ['subnet4', '10.0.0.0'],
      ['subnet4', '010.0.0.0/24'],
      ['subnet4', '172.32.0.0/16'],
      ['subnet4', '127.0.0.0/8'],
      ['subnet4', '169.254.0.0/16'],
      ['subnet4', '224.0.0.0/8'],
      ['subnet4', 'fd00::/64'],
      ['subnet6', '2001:db8::/64'],
      ['subnet6', 'fc00::/64'],
      ['subnet6', 'fe80::/64'],
      ['subnet6', 'fd00::/48'],
      ['subnet6', 'fd00::1/64'],
      ['subnet6', 'FD00::/64'],
      ['subnet6', '::ffff:10.0.0.0/120'],
      ['subnet6', '10.0.0.0/24'],
      ['mtu', 1279],
      ['mtu', 9001],
      ['mtu', '1400'],
      ['sequence', 0],
      ['issuedAtMs', null],
      ['expiresAtMs', 1],
      ['expiresAtMs', fields.issuedAtMs],
      ['publicKey', 'x'.repeat(32)],
      ['publicKey', publicKey.subarray(1)],
      ['publicKey', Buffer.concat([publicKey, Buffer.of(0)])],
      ['issuedAtMs', [[1]]],
    ] as const) {
      const message = new RegExp(`^not a valid VLAN record: ${field}: `)
      refused(forge({ ...all, [field]: value as CborValue }, privateKey), message)
    }
  })

  test('with a field missing, or one too many', () => {
    for (const key of Object.keys(all)) {
      const { [key]: _, ...rest } = all
      refused(forge(rest, privateKey), new RegExp(key))
    }
    refused(forge({ ...all, colour: 'x' }, privateKey), /fields: /)
    const proto = Buffer.concat([Buffer.from('69', 'hex'), Buffer.from('__proto__'), Buffer.of(0xa0)])
    const sorted = cbor(all)
    refused(forge(Buffer.concat([head(5, 10), proto, sorted.subarray(1)]), privateKey))
  })

  test('when it has expired, and not a moment earlier', () => {
    const expiring = signVlanRecord({ ...fields, expiresAtMs: NOW }, privateKey)
    decodeVlanRecord(expiring, NOW - 1)
    refused(expiring, /expired, 0 s ago/, NOW)
    refused(expiring, /expired, 60 s ago/, NOW + 60_000)
  })

  test('but not for a clock that was never set', () => {
    assert.equal(decodeVlanRecord(record, 0).name, 'office')
  })

  test('in any other encoding of the same map', () => {
    const map = cbor(all)
    const entries = Object.entries(all)
    const pairs = entries.map(([key, value]) => Buffer.concat([cbor(key), cbor(value)]))
    const long = (value: number) =>
      Buffer.concat([
        Buffer.from('1b', 'hex'),
        Buffer.alloc(6),
        Buffer.from(value.toString(16).padStart(4, '0'), 'hex'),
      ])
    const text = (value: string) => Buffer.concat([head(3, value.length), Buffer.from(value)])
    const replaced = (from: Buffer, to: Buffer) => {
      const at = map.indexOf(from)
      assert.ok(at > 0)
      return Buffer.concat([map.subarray(0, at), to, map.subarray(at + from.length)])
    }
    const mtu = Buffer.concat([text('mtu'), cbor(1400)])
    const float = Buffer.alloc(9)
    float[0] = 0xfb
    float.writeDoubleBE(1400, 1)
    const badText = Buffer.from(text('office'))
    badText[2] = 0xff
    for (const [what, bytes] of [
      ['unsorted keys', cbor(all, false)],
      ['reversed keys', Buffer.concat([map.subarray(0, 1), ...pairs.toReversed()])],
      ['a repeated key', Buffer.concat([head(5, entries.length + 1), map.subarray(1), mtu])],
      ['a long number', replaced(mtu, Buffer.concat([text('mtu'), long(1400)]))],
      ['a float', replaced(mtu, Buffer.concat([text('mtu'), float]))],
      ['a tag', replaced(mtu, Buffer.concat([text('mtu'), Buffer.of(0xc1), cbor(1400)]))],
      ['a tag around it', Buffer.concat([Buffer.from('d9d9f7', 'hex'), map])],
      ['a long map head', Buffer.concat([Buffer.of(0xb8, entries.length), map.subarray(1)])],
      ['an indefinite map', Buffer.concat([Buffer.of(0xbf), map.subarray(1), Buffer.of(0xff)])],
      [
        'an indefinite text',
        replaced(text('office'), Buffer.concat([Buffer.of(0x7f), text('office'), Buffer.of(0xff)])),
      ],
      ['text that is no UTF-8', replaced(text('office'), badText)],
      ['a list', cbor(entries.flat() as CborValue[])],
      ['bytes behind the map', Buffer.concat([map, Buffer.of(0)])],
      ['a negative number', replaced(mtu, Buffer.concat([text('mtu'), Buffer.of(0x20)]))],
    ] as const) {
      assert.notDeepEqual(bytes, map, what)
      refused(forge(bytes, privateKey))
    }
  })

  test('made of nesting, or of lengths that are not there', () => {
    for (const opener of [0x81, 0xa1, 0xc1, 0x9f, 0xbf]) {
      refused(forge(Buffer.alloc(32_000, opener), privateKey), /CBOR/)
    }
    for (const huge of [
      '9affffffff',
      '9bffffffffffffffff',
      'baffffffff',
      'bbffffffffffffffff',
      '5affffffff',
      '7bffffffffffffffff',
    ]) {
      refused(forge(Buffer.from(huge, 'hex'), privateKey), /CBOR/)
    }
  })
})

describe('signing', () => {
  test('refuses the fields that decoding would refuse, all at once', () => {
    assert.throws(() => signVlanRecord({ ...fields, name: '', mtu: 1, subnet4: '8.8.8.0/24' }, privateKey), {
      code: 'ERR_VLAN_RECORD_INVALID',
      message: /name: must not be empty; subnet4: .*public addresses; mtu: /,
    })
  })

  test('refuses a key that is none', () => {
    assert.throws(() => signVlanRecord(fields, new Uint8Array(31)), { code: 'ERR_INTERNAL' })
    assert.throws(() => createVlanKey(new Uint8Array(33)), { code: 'ERR_INTERNAL' })
  })

  test('copies the random bytes of a new key', () => {
    const random = new Uint8Array(32).fill(9)
    const key = createVlanKey(random)
    random.fill(0)
    assert.deepEqual(key.privateKey, new Uint8Array(32).fill(9))
    assert.deepEqual(Buffer.from(key.publicKey), Buffer.from(nodePublicKey(key.privateKey)))
  })
})
