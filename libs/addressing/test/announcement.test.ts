import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { MemberList } from '@wakunet/testing'
import fc from 'fast-check'
import {
  type Announcement,
  type AnnouncementFields,
  encodeAnnouncement,
  joinSignature,
  MAX_ANNOUNCEMENT_BYTES,
  MAX_MEMBER_LEASES,
  readAnnouncement,
  SIGNATURE_BYTES,
} from '../src/announcement/announcement.ts'
import { announcementFault, nodeIdOfKey } from '../src/announcement/announcement-proof.ts'
import { isHostLabel } from '../src/announcement/host-label.ts'
import { MemberAnnouncements } from '../src/announcement/member-announcements.ts'
import { SEALING_KEY_BYTES } from '../src/announcement/sealing-key.ts'
import { compareAddresses } from '../src/leases/address-order.ts'
import { LEASE_KINDS, type Lease } from '../src/leases/lease.ts'
import { signingNode, verifyEd25519 } from './signing.ts'

const VLAN = new Uint8Array(16).fill(0x77)
const NODE = signingNode(1)
const MAC = Uint8Array.of(2, 1, 2, 3, 4, 5)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value)
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]))
}

const decodeAnnouncement = (bytes: Uint8Array, offset = 0, length = bytes.length - offset) =>
  readAnnouncement(bytes, offset, length)?.document ?? null

/** What the wire says, without what follows from it. */
function said({ isProven: _, ...announcement }: Announcement) {
  const leases = announcement.leases.map(({ owner, ...lease }) => {
    assert.deepEqual(owner, announcement.origin)
    return lease
  })
  return { ...announcement, leases }
}

const label = fc.stringMatching(/^([a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?)?$/)
const mac = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => {
  bytes[0] = (bytes[0]! & 0xfe) | 2
  return bytes
})
const address = fc.constantFrom(4, 16).chain((length) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => {
    bytes[0] = length === 4 ? 10 : 0xfd
    return bytes
  }),
)
const lease: fc.Arbitrary<Lease> = fc.record({
  mac,
  address,
  kind: fc.constantFrom('dhcp' as const, 'observed' as const),
  sinceMs: fc.integer({ min: 1, max: 1_000 }),
  hostname: label,
})
const fields: fc.Arbitrary<AnnouncementFields> = fc.record({
  sequence: fc.integer({ min: 1_000, max: Number.MAX_SAFE_INTEGER }),
  origin: fc.constant(NODE.id),
  publicKey: fc.constant(NODE.publicKey),
  bridged: fc.boolean(),
  mtu: fc.integer({ min: 1280, max: 9000 }),
  hostname: label,
  sealing: fc.record({
    bootNonce: fc.uint8Array({ minLength: 8, maxLength: 8 }),
    publicKey: fc.uint8Array({ minLength: SEALING_KEY_BYTES, maxLength: SEALING_KEY_BYTES, min: 1 }),
    ciphers: fc.constantFrom(1, 2, 4, 7, 15),
  }),
  multiaddrs: fc.array(fc.stringMatching(/^\/[a-z0-9/.]{0,60}$/), { maxLength: 8 }),
  leases: fc
    .uniqueArray(lease, { maxLength: 6, selector: ({ address }) => hex(address) })
    .map((leases) => leases.sort((a, b) => compareAddresses(a.address, b.address))),
})
const SEALING = {
  bootNonce: new Uint8Array(8).fill(0xb0),
  publicKey: new Uint8Array(SEALING_KEY_BYTES).fill(9),
  ciphers: 7,
}
const sign = (value: AnnouncementFields, vlan = VLAN) => {
  const payload = encodeAnnouncement(value)
  return joinSignature(payload, NODE.sign(vlan, payload))
}
const base: AnnouncementFields = {
  sequence: 5_000,
  origin: NODE.id,
  publicKey: NODE.publicKey,
  bridged: false,
  mtu: 1_400,
  hostname: 'alpha',
  sealing: SEALING,
  multiaddrs: [],
  leases: [],
}
const leaseOf = (last: number, sinceMs: number, more: Partial<Lease> = {}): Lease => ({
  mac: MAC,
  address: Uint8Array.of(10, 0, 0, last),
  kind: 'dhcp',
  sinceMs,
  hostname: '',
  ...more,
})
const faultOf = (value: AnnouncementFields, before: AnnouncementFields | null = null, bytes = sign(value)) =>
  announcementFault(readAnnouncement(bytes, 0, bytes.length)!, {
    vlanId: VLAN,
    macOf: () => MAC,
    before,
    verify: verifyEd25519,
  })

describe('member announcements', () => {
  it('read the vectors of the protocol, and refuse those that are to be refused', () => {
    const { accepted, refused } = JSON.parse(
      readFileSync(new URL('./announcement-vectors.json', import.meta.url), 'utf8'),
    ) as {
      accepted: { hex: string; vlanId: string; mac: string; decoded: unknown }[]
      refused: { hex: string; why: string }[]
    }
    for (const vector of accepted) {
      const bytes = bytesOf(vector.hex)
      const held = readAnnouncement(bytes, 0, bytes.length)!
      assert.deepEqual(plain(said(held.document)), vector.decoded)
      assert.equal(hex(held.bytes), vector.hex)
      const macOf = () => bytesOf(vector.mac)
      const context = { vlanId: bytesOf(vector.vlanId), macOf, before: null, verify: verifyEd25519 }
      assert.equal(announcementFault(held, context), null)
      assert.equal(announcementFault(held, { ...context, verify: () => assert.fail('checked twice') }), null)
    }
    for (const { hex: text, why } of refused) assert.equal(decodeAnnouncement(bytesOf(text)), null, why)
  })

  it('come back, and are refused at every truncation and with a byte more', () => {
    fc.assert(
      fc.property(fields, (value) => {
        const payload = encodeAnnouncement(value)
        const bytes = joinSignature(payload, new Uint8Array(SIGNATURE_BYTES).fill(7))
        const { signature, ...rest } = said(decodeAnnouncement(bytes)!)
        assert.deepEqual(plain(rest), plain(value))
        assert.equal(hex(signature), '07'.repeat(SIGNATURE_BYTES))
        for (let length = 0; length < bytes.length; length++)
          assert.equal(decodeAnnouncement(bytes, 0, length), null)
        assert.equal(decodeAnnouncement(Uint8Array.of(...bytes, 0)), null)
        const shifted = Uint8Array.of(9, ...bytes, 9)
        assert.deepEqual(
          plain(said(decodeAnnouncement(shifted, 1, bytes.length)!)),
          plain({ ...rest, signature }),
        )
      }),
      { numRuns: 40 },
    )
  })

  it('never throw, whatever the bytes are', () => {
    const bytes = sign({ ...base, leases: [leaseOf(1, 1)], multiaddrs: ['/a'] })
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 5 }), (changes) => {
        const other = Uint8Array.from(bytes)
        for (const [at, value] of changes) other[at] = value
        decodeAnnouncement(other)
      }),
      { numRuns: 1_000 },
    )
  })

  it('the largest one fits', () => {
    const leases = Array.from({ length: MAX_MEMBER_LEASES }, (_, i) =>
      leaseOf(0, 1, {
        address: Uint8Array.from([0xfd, ...new Array(13).fill(1), i >>> 8, i]),
        hostname: 'h'.repeat(63),
      }),
    )
    const value = {
      ...base,
      leases,
      multiaddrs: new Array(8).fill('/'.repeat(128)),
      hostname: 'a'.repeat(63),
    }
    const bytes = sign(value)
    assert.ok(bytes.length <= MAX_ANNOUNCEMENT_BYTES, `${bytes.length}`)
    assert.equal(decodeAnnouncement(bytes)!.leases.length, MAX_MEMBER_LEASES)
    const more = [...leases, leaseOf(0, 1, { address: new Uint8Array(16).fill(0xfe) })]
    assert.equal(decodeAnnouncement(sign({ ...base, leases: more })), null)
    assert.equal(decodeAnnouncement(sign({ ...base, multiaddrs: new Array(9).fill('/a') })), null)
  })

  it('count only with the signature of the node for this VLAN', () => {
    assert.equal(faultOf(base), null)
    assert.equal(faultOf(base, null, sign(base, new Uint8Array(16))), 'forged')
    const stranger = signingNode(2)
    const stolen = { ...base, publicKey: stranger.publicKey }
    const payload = encodeAnnouncement(stolen)
    assert.equal(faultOf(stolen, null, joinSignature(payload, stranger.sign(VLAN, payload))), 'forged')
    fc.assert(
      fc.property(fc.nat(sign(base).length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = sign(base)
        bytes[at]! ^= change
        if (decodeAnnouncement(bytes) !== null) assert.equal(faultOf(base, null, bytes), 'forged')
      }),
      { numRuns: 150 },
    )
    assert.equal(hex(nodeIdOfKey(NODE.publicKey)), hex(NODE.id))
  })

  it('own addresses are those of the own interface, one of each family', () => {
    for (const kind of ['auto', 'manual'] as const) {
      const own = leaseOf(1, 1, { kind })
      assert.equal(faultOf({ ...base, leases: [own] }), null)
      const foreign = { ...own, mac: Uint8Array.of(2, 0, 0, 0, 0, 9) }
      assert.equal(faultOf({ ...base, leases: [foreign] }), 'forged')
      assert.equal(decodeAnnouncement(sign({ ...base, leases: [own, leaseOf(2, 1, { kind })] })), null)
    }
  })

  it('a new lease is not older than the announcement before it', () => {
    const before = { ...base, sequence: 4_000, leases: [leaseOf(1, 100)] }
    const after = (leases: Lease[]) => faultOf({ ...base, leases }, before)
    assert.equal(after([leaseOf(1, 100), leaseOf(2, 4_000)]), null)
    assert.equal(after([leaseOf(2, 3_999)]), 'backdated')
    assert.equal(after([leaseOf(1, 99)]), 'backdated')
    assert.equal(after([leaseOf(1, 100, { mac: Uint8Array.of(2, 9, 9, 9, 9, 9) })]), 'backdated')
    assert.equal(after([leaseOf(1, 150)]), null)
    assert.equal(faultOf({ ...base, leases: [leaseOf(2, 3_999)] }, null), null)
  })

  it('going away for a moment does not help to backdate, starting anew honestly does', () => {
    const members = [{ id: NODE.id }]
    const heard: number[] = []
    const announcements = new MemberAnnouncements(
      {
        vlanId: VLAN,
        nodeId: new Uint8Array(16).fill(1),
        firstSequence: 1,
        wallMs: () => 10_000,
        verify: verifyEd25519,
        read: readAnnouncement,
        facts: () => ({
          bridged: false,
          mtu: 1_400,
          hostname: '',
          sealing: SEALING,
          multiaddrs: [],
          leases: [],
        }),
        sign: () => {},
        send: () => {},
        onAnnouncement: ({ sequence }) => heard.push(sequence),
        onOwnHeard: () => {},
      },
      0,
    )
    const say = (value: AnnouncementFields, nowMs: number) => {
      const bytes = sign(value)
      announcements.receive(bytes, 0, bytes.length, members[0]!, nowMs)
    }
    announcements.setPeers(new MemberList(members), members, 0)
    say({ ...base, leases: [leaseOf(1, 4_000)] }, 0)
    announcements.setPeers(new MemberList([]), [], 1_000)
    announcements.setPeers(new MemberList(members), members, 2_000)
    say({ ...base, sequence: 5_001, leases: [leaseOf(2, 1)] }, 2_000)
    assert.equal(announcements.faults.backdated, 1)
    say({ ...base, sequence: 5_002, leases: [leaseOf(1, 4_000), leaseOf(2, 5_001)] }, 2_000)
    assert.deepEqual(heard, [5_000, 5_002])
    announcements.setPeers(new MemberList([]), [], 3_000)
    announcements.setPeers(new MemberList(members), members, 3_000 + 24 * 3_600_000)
    say({ ...base, sequence: 5_003, leases: [leaseOf(2, 1)] }, 3_000 + 24 * 3_600_000)
    assert.deepEqual(heard, [5_000, 5_002, 5_003])
  })

  it('a label is what DNS takes', () => {
    for (const text of ['a', '0', 'a-b', 'x'.repeat(63)]) assert.ok(isHostLabel(text), text)
    for (const text of ['', '-a', 'a-', 'A', 'a.b', 'a b', 'x'.repeat(64)])
      assert.ok(!isHostLabel(text), text)
    assert.deepEqual(LEASE_KINDS, ['auto', 'manual', 'dhcp', 'observed'])
  })
})
