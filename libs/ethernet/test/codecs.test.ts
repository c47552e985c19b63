import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import * as ethernet from '../src/index.ts'
import { concat, hexToBytes, plain, viewsOf } from './support.ts'

interface CodecVector {
  readonly codec: keyof typeof codecs
  readonly hex: string
  readonly decoded: Record<string, unknown>
}

type Decode = (bytes: Uint8Array, offset?: number, length?: number) => object | null

const decodeNd: Decode = (bytes, offset = 0, length = bytes.length - offset) => {
  const packet = ethernet.decodeIpv6(bytes, offset, length)
  return packet === null ? null : ethernet.decodeNeighborMessage(packet)
}

const codecs = {
  ethernet: ethernet.decodeEthernet,
  arp: ethernet.decodeArp,
  ipv4: ethernet.decodeIpv4,
  ipv6: ethernet.decodeIpv6,
  udp: ethernet.decodeUdp,
  tcp: ethernet.decodeTcp,
  nd: decodeNd,
} satisfies Record<string, Decode>

const vectors = JSON.parse(
  readFileSync(new URL('./codec-vectors.json', import.meta.url), 'utf8'),
) as CodecVector[]

const bytesOf = (min: number, max = min) => fc.uint8Array({ minLength: min, maxLength: max })
const u8 = fc.integer({ min: 0, max: 0xff })
const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const words = (maxWords: number) => fc.integer({ min: 0, max: maxWords }).chain((count) => bytesOf(count * 4))

describe('decoders', () => {
  test('read the vectors', () => {
    for (const vector of vectors) {
      const decoded = codecs[vector.codec](hexToBytes(vector.hex))
      assert.deepEqual(plain(decoded), vector.decoded, `${vector.codec} ${vector.hex}`)
    }
  })

  test('answer null or stay inside the bytes, whatever the bytes are', () => {
    for (const decode of Object.values<Decode>(codecs)) {
      fc.assert(
        fc.property(bytesOf(0, 200), fc.nat(40), fc.nat(220), (bytes, offset, length) => {
          const decoded = decode(bytes, offset, length)
          if (offset + length > bytes.length) assert.equal(decoded, null)
          for (const view of viewsOf(decoded)) {
            assert.ok(view.byteOffset >= bytes.byteOffset + offset)
            assert.ok(view.byteOffset + view.length <= bytes.byteOffset + offset + length)
          }
        }),
        { numRuns: 2000 },
      )
    }
  })

  test('answer null at every truncation of the headers', () => {
    for (const vector of vectors) {
      const bytes = hexToBytes(vector.hex)
      // Ethernet and TCP have no length of their own: what is left is their payload.
      const open = vector.codec === 'ethernet' || vector.codec === 'tcp'
      const needed = open ? bytes.length - (vector.decoded.payload as string).length / 2 : bytes.length
      for (let length = 0; length < bytes.length; length++) {
        const decoded = codecs[vector.codec](bytes, 0, length)
        assert.equal(decoded === null, length < needed, `${vector.codec} cut to ${length} bytes`)
      }
    }
  })

  test('work at an offset as at the start', () => {
    for (const vector of vectors) {
      const bytes = hexToBytes(vector.hex)
      const shifted = concat(new Uint8Array(5).fill(0xee), bytes, new Uint8Array(3).fill(0xee))
      assert.deepEqual(plain(codecs[vector.codec](shifted, 5, bytes.length)), vector.decoded)
    }
  })

  test('refuse offsets and lengths that are no positions', () => {
    const bytes = hexToBytes(vectors[0]!.hex)
    for (const [offset, length] of [
      [-1, 20],
      [0.5, 20],
      [Number.NaN, 20],
      [0, Number.POSITIVE_INFINITY],
      [0, -1],
    ] as const) {
      for (const decode of Object.values<Decode>(codecs)) assert.equal(decode(bytes, offset, length), null)
    }
  })
})

describe('round trips', () => {
  const tag = fc.record({
    tpid: fc.constantFrom(0x8100, 0x88a8),
    priority: fc.nat(7),
    dropEligible: fc.boolean(),
    vid: fc.nat(4095),
  })

  test('Ethernet keeps addresses, tags, type and payload', () => {
    const frame = fc.record({
      destination: bytesOf(6),
      source: bytesOf(6),
      tags: fc.array(tag, { maxLength: 2 }),
      etherType: u16.filter((type) => type !== 0x8100 && type !== 0x88a8),
      payload: bytesOf(0, 64),
    })
    fc.assert(
      fc.property(frame, (value) => {
        assert.deepEqual(plain(ethernet.decodeEthernet(ethernet.encodeEthernet(value))), plain(value))
      }),
    )
  })

  test('a third tag is left as the type of the payload', () => {
    const payload = hexToBytes('00010800')
    const tags = [1, 2].map((vid) => ({ tpid: 0x8100, priority: 0, dropEligible: false, vid }))
    const bytes = ethernet.encodeEthernet({
      destination: new Uint8Array(6),
      source: new Uint8Array(6),
      tags,
      etherType: 0x8100,
      payload,
    })
    const decoded = ethernet.decodeEthernet(bytes)
    assert.equal(decoded?.tags.length, 2)
    assert.equal(decoded?.etherType, 0x8100)
  })

  test('ARP keeps operation and addresses, and ignores padding', () => {
    const packet = fc.record({
      operation: u16,
      senderMac: bytesOf(6),
      senderAddress: bytesOf(4),
      targetMac: bytesOf(6),
      targetAddress: bytesOf(4),
    })
    fc.assert(
      fc.property(packet, bytesOf(0, 20), (value, padding) => {
        const bytes = concat(ethernet.encodeArp(value), padding)
        assert.deepEqual(plain(ethernet.decodeArp(bytes)), plain(value))
      }),
    )
  })

  test('ARP about anything but IPv4 over Ethernet is refused', () => {
    const bytes = hexToBytes(vectors.find((vector) => vector.codec === 'arp')!.hex)
    for (const position of [0, 1, 2, 3, 4, 5]) {
      const changed = Uint8Array.from(bytes)
      changed[position]! ^= 0x40
      assert.equal(ethernet.decodeArp(changed), null)
    }
  })

  test('IPv4 keeps every field, has a valid checksum, and ends at its total length', () => {
    const header = fc.record({
      trafficClass: u8,
      identification: u16,
      dontFragment: fc.boolean(),
      moreFragments: fc.boolean(),
      fragmentOffset: fc.nat(0x1fff).map((units) => units * 8),
      ttl: u8,
      protocol: u8,
      source: bytesOf(4),
      destination: bytesOf(4),
      options: words(10),
    })
    fc.assert(
      fc.property(header, bytesOf(0, 64), bytesOf(0, 20), (value, payload, padding) => {
        const bytes = concat(ethernet.encodeIpv4(value, payload), padding)
        const expected = { ...value, headerChecksumValid: true, payload }
        assert.deepEqual(plain(ethernet.decodeIpv4(bytes)), plain(expected))
        bytes[8]! ^= 1
        assert.equal(ethernet.decodeIpv4(bytes)?.headerChecksumValid, false)
      }),
    )
  })

  test('IPv6 keeps every field and ends at its payload length', () => {
    const header = fc.record({
      trafficClass: u8,
      flowLabel: fc.nat(0xfffff),
      nextHeader: u8,
      hopLimit: u8,
      source: bytesOf(16),
      destination: bytesOf(16),
    })
    fc.assert(
      fc.property(header, bytesOf(0, 64), bytesOf(0, 20), (value, payload, padding) => {
        const bytes = concat(ethernet.encodeIpv6(value, payload), padding)
        assert.deepEqual(plain(ethernet.decodeIpv6(bytes)), plain({ ...value, payload }))
      }),
    )
  })

  test('UDP keeps every field and ends at its length', () => {
    const header = fc.record({ sourcePort: u16, destinationPort: u16, checksum: u16 })
    fc.assert(
      fc.property(header, bytesOf(0, 64), bytesOf(0, 20), (value, payload, padding) => {
        const bytes = concat(ethernet.encodeUdp(value, payload), padding)
        assert.deepEqual(plain(ethernet.decodeUdp(bytes)), plain({ ...value, payload }))
      }),
    )
  })

  test('TCP keeps every field', () => {
    const header = fc.record({
      sourcePort: u16,
      destinationPort: u16,
      sequence: u32,
      acknowledgement: u32,
      flags: u8,
      window: u16,
      checksum: u16,
      urgentPointer: u16,
      options: words(10),
    })
    fc.assert(
      fc.property(header, bytesOf(0, 64), (value, payload) => {
        const decoded = ethernet.decodeTcp(ethernet.encodeTcp(value, payload))
        assert.deepEqual(plain(decoded), plain({ ...value, payload }))
      }),
    )
  })
})

describe('MAC addresses', () => {
  test('text, bytes and number forms agree', () => {
    fc.assert(
      fc.property(bytesOf(6), (mac) => {
        const text = ethernet.macToString(mac)
        assert.match(text, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
        assert.deepEqual([...ethernet.macFromString(text.toUpperCase())], [...mac])
        const number = ethernet.readMac(mac, 0)
        assert.equal(number, Number.parseInt(text.replaceAll(':', ''), 16))
        const back = new Uint8Array(8)
        ethernet.writeMac(back, 1, number)
        assert.deepEqual([...back], [0, ...mac, 0])
      }),
    )
  })

  test('text that is no MAC address is refused with the right form', () => {
    for (const text of [
      '',
      '02:00:00:00:00',
      '02-00-00-00-00-01',
      '02:00:00:00:00:01:02',
      '2:0:0:0:0:1',
      'g',
    ]) {
      assert.throws(() => ethernet.macFromString(text), {
        code: 'ERR_ADDRESS_INVALID',
        message: /for example 02:00:5e/,
      })
    }
  })

  test('the group, broadcast and local bits are told apart', () => {
    const of = (text: string) => ethernet.macFromString(text)
    assert.equal(ethernet.isMulticastMac(of('01:00:5e:00:00:fb')), true)
    assert.equal(ethernet.isMulticastMac(of('02:00:5e:00:00:fb')), false)
    assert.equal(ethernet.isBroadcastMac(of('ff:ff:ff:ff:ff:ff')), true)
    assert.equal(ethernet.isBroadcastMac(of('ff:ff:ff:ff:ff:fe')), false)
    assert.equal(ethernet.isLocalMac(of('02:00:00:00:00:01')), true)
    assert.equal(ethernet.isLocalMac(of('00:1b:21:00:00:01')), false)
  })
})
