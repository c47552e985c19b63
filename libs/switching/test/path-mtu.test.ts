import assert from 'node:assert/strict'
import test from 'node:test'
import {
  checkOffload,
  checksum16,
  createOffloadHint,
  decodeIpv4,
  decodeIpv6,
  encodeIpv4,
  encodeIpv6,
  finishForPlainPort,
  type Ipv4Header,
  type OffloadHint,
  pseudoHeaderSum,
} from '@wakunet/ethernet'
import {
  FRAME_HEADER_BYTES,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  NEEDS_CSUM,
} from '@wakunet/interface'
import { checkProperty, seededBytes, seededRandom } from '@wakunet/testing'
import fc from 'fast-check'
import { PATH_MTU_DROPS, PathMtu, TOO_BIG_RATE } from '../src/index.ts'

const ME = '020000000001'
const PEER = '020000000002'
const TAG = '81000064'

/** A `PathMtu` and what came out of it, each frame without its header slot. */
function setup() {
  const replies: Uint8Array[] = []
  const fragments: Uint8Array[] = []
  const keep = (list: Uint8Array[]) => (bytes: Uint8Array, offset: number, length: number) => {
    assert.ok(offset >= FRAME_HEADER_BYTES)
    assert.ok(bytes.subarray(offset - FRAME_HEADER_BYTES, offset).every((byte) => byte === 0))
    // What a record writer does to the slot must not show up in the next frame.
    list.push(bytes.slice(offset, offset + length))
    bytes.fill(0xee, offset - FRAME_HEADER_BYTES, offset)
  }
  const pathMtu = new PathMtu({ reply: keep(replies), fragment: keep(fragments) }, 0)
  const check = (frame: Uint8Array, mtu: number, hint: OffloadHint = createOffloadHint(), nowMs = 0) =>
    pathMtu.check(frame, 0, frame.length, hint, mtu, nowMs)
  return { pathMtu, check, replies, fragments }
}

function ethernet(etherType: string, payload: Uint8Array, tags = ''): Uint8Array {
  return new Uint8Array(Buffer.concat([Buffer.from(`${PEER}${ME}${tags}${etherType}`, 'hex'), payload]))
}

function ipv4(payload: Uint8Array, fields: Partial<Ipv4Header> = {}): Uint8Array {
  return encodeIpv4(
    {
      trafficClass: 0,
      identification: 0x1234,
      dontFragment: true,
      moreFragments: false,
      fragmentOffset: 0,
      ttl: 64,
      protocol: 17,
      source: Uint8Array.of(10, 1, 0, 1),
      destination: Uint8Array.of(10, 1, 0, 2),
      options: new Uint8Array(0),
      ...fields,
    },
    payload,
  )
}

const V6_ME = new Uint8Array(16).fill(0xfd).fill(1, 15)
const V6_PEER = new Uint8Array(16).fill(0xfd).fill(2, 15)

function ipv6(payload: Uint8Array, nextHeader = 17, source = V6_ME, destination = V6_PEER): Uint8Array {
  return encodeIpv6({ trafficClass: 0, flowLabel: 0, nextHeader, hopLimit: 64, source, destination }, payload)
}

/** UDP with the pseudo header's sum in the checksum field, as a kernel leaves it. */
function udp(length: number, addresses: Uint8Array): Uint8Array {
  const bytes = seededBytes(length, seededRandom(length))
  bytes.set([0x10, 0x00, 0x20, 0x00, length >>> 8, length & 0xff], 0)
  const sum = pseudoHeaderSum(addresses, 0, addresses.length, 17, length)
  bytes.set([sum >>> 8, sum & 0xff], 6)
  return bytes
}

const ADDRESSES4 = Uint8Array.of(10, 1, 0, 1, 10, 1, 0, 2)

/** TCP header of 32 bytes with a sequence number, and a payload. */
function tcp(payloadBytes: number): Uint8Array {
  const bytes = new Uint8Array(32 + payloadBytes)
  bytes.set([0x10, 0, 0, 80, 1, 2, 3, 4, 0, 0, 0, 0, 0x80, 0x10], 0)
  return bytes
}

const partial = (csumStart: number, csumOffset: number): OffloadHint => ({
  ...createOffloadHint(),
  flags: NEEDS_CSUM,
  csumStart,
  csumOffset,
})

/** Puts fragments together again, whatever their order, as a host does (RFC 791 §3.2). */
function reassemble(frames: readonly Uint8Array[], l3: number): { payload: Uint8Array; more: boolean } {
  const parts = frames.map((frame) => decodeIpv4(frame, l3)!)
  const start = Math.min(...parts.map((part) => part.fragmentOffset))
  const end = Math.max(...parts.map((part) => part.fragmentOffset + part.payload.length))
  const payload = new Uint8Array(end - start)
  const filled = new Uint8Array(end - start)
  let more = true
  for (const part of parts) {
    assert.ok(part.headerChecksumValid)
    const at = part.fragmentOffset - start
    payload.set(part.payload, at)
    for (let i = 0; i < part.payload.length; i++) assert.equal(filled[at + i]!++, 0, 'fragments overlap')
    if (part.fragmentOffset + part.payload.length === end) more = part.moreFragments
    else assert.ok(part.moreFragments)
  }
  assert.ok(filled.every((count) => count === 1))
  return { payload, more }
}

test('a frame that fits goes as it is, tagged or not', () => {
  const { check, replies, fragments } = setup()
  const largest = ipv4(udp(1480, ADDRESSES4))
  assert.equal(check(ethernet('0800', largest), 1500), 'ok')
  assert.equal(check(ethernet('0800', largest, TAG), 1500), 'ok')
  assert.equal(check(ethernet('88b5', new Uint8Array(1500)), 1500), 'ok')
  assert.equal(replies.length + fragments.length, 0)
})

test('the sender of an IPv4 packet that must not be fragmented is told the MTU by the host that it spoke to', () => {
  const { check, replies, pathMtu } = setup()
  const packet = ipv4(udp(8000, ADDRESSES4), { trafficClass: 0x2e })
  assert.equal(check(ethernet('0800', packet, TAG), 1500), 'answered')
  const [frame] = replies
  assert.equal(Buffer.from(frame!.subarray(0, 18)).toString('hex'), `${ME}${PEER}${TAG}0800`)
  const reply = decodeIpv4(frame!, 18)!
  assert.ok(reply.headerChecksumValid)
  assert.deepEqual([...reply.source], [10, 1, 0, 2])
  assert.deepEqual([...reply.destination], [10, 1, 0, 1])
  assert.equal(reply.protocol, 1)
  assert.equal(frame!.length - 18, 576, 'RFC 1812 §4.3.2.3: at most 576 bytes')
  const icmp = reply.payload
  assert.deepEqual([...icmp.subarray(0, 2)], [3, 4])
  assert.equal(checksum16(icmp, 0, icmp.length), 0)
  assert.equal((icmp[6]! << 8) | icmp[7]!, 1500)
  assert.deepEqual(icmp.subarray(8), packet.subarray(0, 548), 'quotes what was sent')
  assert.deepEqual(pathMtu.stats, { answered: 1, fragmented: 0, fragments: 0 })
})

test('the sender of an IPv6 packet gets packet too big', () => {
  const { check, replies } = setup()
  const packet = ipv6(udp(8000, new Uint8Array([...V6_ME, ...V6_PEER])))
  assert.equal(check(ethernet('86dd', packet), 1500), 'answered')
  const [frame] = replies
  assert.equal(frame!.length - 14, 1280, 'RFC 4443 §2.4 (c)')
  const reply = decodeIpv6(frame!, 14)!
  assert.deepEqual(reply.source, V6_PEER)
  assert.deepEqual(reply.destination, V6_ME)
  assert.equal(reply.nextHeader, 58)
  const icmp = reply.payload
  assert.deepEqual(
    [...icmp.subarray(0, 8)].filter((_, i) => i < 2 || i > 3),
    [2, 0, 0, 0, 0x05, 0xdc],
  )
  const sum = pseudoHeaderSum(frame!, 14 + 8, 32, 58, icmp.length)
  assert.equal(checksum16(icmp, 0, icmp.length, sum), 0)
  assert.deepEqual(icmp.subarray(8), packet.subarray(0, icmp.length - 8))
})

test('a super-frame is too big where its segments are, and the error quotes the first of them', () => {
  for (const { version, mtu } of [
    { version: 4, mtu: 1500 },
    { version: 6, mtu: 1400 },
  ]) {
    const { check, replies } = setup()
    const l3Bytes = version === 4 ? 20 : 40
    const frame =
      version === 4
        ? ethernet('0800', ipv4(tcp(30_000), { protocol: 6 }))
        : ethernet('86dd', ipv6(tcp(30_000), 6))
    const gsoType = version === 4 ? GSO_TCPV4 : GSO_TCPV6
    const fits = { ...partial(14 + l3Bytes, 16), gsoType, gsoSize: mtu - l3Bytes - 32 }
    assert.equal(check(frame, mtu, fits), 'ok')
    assert.equal(check(frame, mtu, { ...fits, gsoSize: fits.gsoSize + 1 }), 'answered')
    const reply = replies[0]!
    const quote = 14 + l3Bytes + 8
    const lengthAt = quote + (version === 4 ? 2 : 4)
    const length = (reply[lengthAt]! << 8) | reply[lengthAt + 1]!
    assert.equal(length, version === 4 ? mtu + 1 : mtu + 1 - 40)
    if (version === 4) assert.equal(checksum16(reply, quote, 20), 0)
    // Linux finds the connection by ports and sequence number.
    assert.deepEqual([...reply.subarray(quote + l3Bytes, quote + l3Bytes + 8)], [0x10, 0, 0, 80, 1, 2, 3, 4])
  }
})

test('a super-frame that is one small packet after all passes', () => {
  const { check } = setup()
  const frame = ethernet('0800', ipv4(tcp(900), { protocol: 6 }))
  assert.equal(check(frame, 1500, { ...partial(34, 16), gsoType: GSO_TCPV4, gsoSize: 8000 }), 'ok')
})

test('no error is sent about errors, later fragments, or to and from what is no single host', () => {
  const data = new Uint8Array(3000)
  const icmp = (type: number) => ipv4(new Uint8Array(3000).fill(type, 0, 1), { protocol: 1 })
  const icmp6 = (type: number) => ipv6(new Uint8Array(3000).fill(type, 0, 1), 58)
  const zero = new Uint8Array(16)
  const group6 = new Uint8Array(16).fill(0xff)
  const mute: readonly (readonly [string, string, Uint8Array])[] = [
    ...[3, 4, 5, 11, 12].map((type) => [`ICMP type ${type}`, '0800', icmp(type)] as const),
    ...[1, 2, 3, 4, 127, 137].map((type) => [`ICMPv6 type ${type}`, '86dd', icmp6(type)] as const),
    ['a later fragment', '0800', ipv4(data, { fragmentOffset: 8 })],
    ['a later IPv6 fragment', '86dd', ipv6(Uint8Array.of(17, 0, 0, 9, 0, 0, 0, 1, ...data), 44)],
    ['from nobody', '0800', ipv4(data, { source: Uint8Array.of(0, 0, 0, 0) })],
    ['from loopback', '0800', ipv4(data, { source: Uint8Array.of(127, 0, 0, 1) })],
    ['to a group', '0800', ipv4(data, { destination: Uint8Array.of(224, 0, 0, 5) })],
    ['to everybody', '0800', ipv4(data, { destination: Uint8Array.of(255, 255, 255, 255) })],
    ['from ::', '86dd', ipv6(data, 17, zero)],
    ['from ::1', '86dd', ipv6(data, 17, zero.slice().fill(1, 15))],
    ['to a group', '86dd', ipv6(data, 17, V6_ME, group6)],
  ]
  for (const [what, etherType, packet] of mute) {
    const { check, replies, pathMtu } = setup()
    assert.equal(check(ethernet(etherType, packet), 1500), 'dropped', what)
    assert.equal(pathMtu.drops['not-answerable'], 1, what)
    assert.equal(replies.length, 0, what)
  }
  const { check } = setup()
  assert.equal(check(ethernet('0800', icmp(8)), 1500), 'answered', 'an echo request')
  assert.equal(check(ethernet('86dd', icmp6(128)), 1500), 'answered', 'an ICMPv6 echo request')
  assert.equal(
    check(ethernet('0800', ipv4(data, { moreFragments: true })), 1500),
    'answered',
    'first fragment',
  )
  const first = Uint8Array.of(17, 0, 0, 1, 0, 0, 0, 1, ...data)
  assert.equal(check(ethernet('86dd', ipv6(first, 44)), 1500), 'answered', 'first IPv6 fragment')
})

test('errors are limited in rate, and come again a second later', () => {
  const { check, pathMtu, replies } = setup()
  const frame = ethernet('0800', ipv4(new Uint8Array(3000)))
  for (let i = 0; i < 10_000; i++) check(frame, 1500)
  assert.equal(replies.length, TOO_BIG_RATE.burst)
  assert.equal(pathMtu.drops.rate, 10_000 - TOO_BIG_RATE.burst)
  for (let i = 0; i < 10_000; i++) check(frame, 1500, createOffloadHint(), 1_000)
  assert.equal(replies.length, 2 * TOO_BIG_RATE.burst)
})

test('what nobody can be told about is dropped and counted', () => {
  const cases: readonly (readonly [keyof PathMtu['drops'], Uint8Array, number, OffloadHint?])[] = [
    ['not-ip', ethernet('88b5', new Uint8Array(1501)), 1500],
    ['malformed', ethernet('0800', new Uint8Array(1501)), 1500],
    [
      'malformed',
      new Uint8Array([...ethernet('0800', ipv4(new Uint8Array(100))), ...new Uint8Array(2000)]),
      1500,
    ],
    ['narrow', ethernet('86dd', ipv6(new Uint8Array(2000))), 1279],
    ['narrow', ethernet('0800', ipv4(new Uint8Array(2000), { dontFragment: false })), 67],
    [
      'offload',
      ethernet('88b5', new Uint8Array(60)),
      1500,
      { ...partial(34, 16), gsoType: GSO_TCPV4, gsoSize: 1000 },
    ],
    [
      'offload',
      ethernet('0800', ipv4(tcp(9000), { protocol: 6 })),
      1500,
      { ...partial(34, 16), gsoType: GSO_TCPV4, gsoSize: 0 },
    ],
    ['offload', ethernet('0800', ipv4(udp(3000, ADDRESSES4), { dontFragment: false })), 1500, partial(34, 9)],
  ]
  const seen = new Set<string>(['rate', 'not-answerable'])
  for (const [reason, frame, mtu, hint] of cases) {
    const { check, pathMtu, replies, fragments } = setup()
    assert.equal(check(frame, mtu, hint), 'dropped', reason)
    assert.equal(pathMtu.drops[reason], 1, reason)
    assert.equal(replies.length + fragments.length, 0)
    seen.add(reason)
  }
  assert.deepEqual([...seen].sort(), [...PATH_MTU_DROPS].sort())
})

test('an IPv4 packet that may be fragmented arrives whole, whatever its length, options, MTU and place in a packet', async () => {
  await checkProperty(
    fc.property(
      fc.integer({ min: 68, max: 9000 }),
      fc.integer({ min: 1, max: 65_000 }),
      fc.array(fc.constantFrom([1], [0x83, 3, 0], [0x07, 4, 0, 0], [0x94, 4, 0, 0]), { maxLength: 8 }),
      fc.integer({ min: 0, max: 50 }),
      fc.boolean(),
      fc.constantFrom('', TAG, `88a80001${TAG}`),
      (mtu, length, optionList, unit, moreFragments, tags) => {
        const { check, fragments } = setup()
        const list = optionList.flat()
        const options = Uint8Array.from({ length: Math.ceil(list.length / 4) * 4 }, (_, i) => list[i] ?? 0)
        const l3 = 14 + tags.length / 2
        const payload = seededBytes(moreFragments ? Math.ceil(length / 8) * 8 : length, seededRandom(length))
        const header = { dontFragment: false, moreFragments, fragmentOffset: unit * 8, options }
        const packet = ipv4(payload, header)
        fc.pre(packet.length <= 0xffff - unit * 8)
        const verdict = check(ethernet('0800', packet, tags), mtu)
        if (packet.length <= mtu) return assert.equal(verdict, 'ok')
        assert.equal(verdict, 'fragmented')
        assert.ok(fragments.length >= 2)
        for (const [i, frame] of fragments.entries()) {
          assert.ok(frame.length - l3 <= mtu)
          assert.equal(
            Buffer.compare(frame.subarray(0, l3), ethernet('0800', packet, tags).subarray(0, l3)),
            0,
          )
          const part = decodeIpv4(frame, l3)!
          assert.equal(part.identification, 0x1234)
          const copied = optionList
            .flat(0)
            .filter(([type]) => i === 0 || type! >= 0x80)
            .flat()
          if (i === 0) assert.deepEqual(part.options, options)
          else assert.deepEqual([...part.options.subarray(0, copied.length)], copied)
        }
        const whole = reassemble(fragments.toReversed(), l3)
        assert.equal(Buffer.compare(whole.payload, payload), 0)
        assert.equal(whole.more, moreFragments)
      },
    ),
    { runs: 300 },
  )
})

test('a partial checksum is right once the fragments are together', () => {
  const { check, fragments } = setup()
  const datagram = udp(8000, ADDRESSES4)
  assert.equal(
    check(ethernet('0800', ipv4(datagram, { dontFragment: false })), 1500, partial(34, 6)),
    'fragmented',
  )
  const { payload } = reassemble(fragments, 14)
  assert.equal(
    checksum16(payload, 0, payload.length, pseudoHeaderSum(ADDRESSES4, 0, 8, 17, payload.length)),
    0,
  )
})

test('a UDP super-frame without DF leaves as the fragments of each of its datagrams', () => {
  const { check, fragments, pathMtu } = setup()
  const frame = ethernet('0800', ipv4(udp(8 + 3 * 4000, ADDRESSES4), { dontFragment: false }))
  const hint = { ...partial(34, 6), gsoType: GSO_UDP_L4, gsoSize: 4000 }
  assert.equal(checkOffload(frame, 0, frame.length, hint, 9000), 'ok')
  const datagrams = finishForPlainPort(frame.slice(), { ...hint }).map((part) => decodeIpv4(part, 14)!)
  assert.equal(check(frame, 1500, hint), 'fragmented')
  assert.equal(pathMtu.stats.fragmented, 1)
  assert.equal(pathMtu.stats.fragments, fragments.length)
  for (const { identification, payload } of datagrams) {
    const own = fragments.filter((part) => decodeIpv4(part, 14)!.identification === identification)
    assert.equal(own.length, 3)
    assert.deepEqual(reassemble(own, 14).payload, payload)
  }
})

test('arbitrary frames and hints never break it, and nothing over the MTU gets through', async () => {
  const headers = [
    ethernet('0800', ipv4(new Uint8Array(4000), { dontFragment: false })),
    ethernet('0800', ipv4(tcp(4000), { protocol: 6 })),
    ethernet('86dd', ipv6(new Uint8Array(4000), 44), TAG),
    ethernet('86dd', ipv6(tcp(4000), 6)),
  ]
  await checkProperty(
    fc.property(
      fc.constantFrom(...headers),
      fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 6 }),
      fc.nat(4100),
      fc.integer({ min: 60, max: 2000 }),
      fc.record({
        flags: fc.nat(3),
        gsoType: fc.constantFrom(GSO_NONE, GSO_NONE, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4),
        gsoSize: fc.nat(4000),
        csumStart: fc.nat(200),
        csumOffset: fc.nat(40),
      }),
      (base, changes, cut, mtu, hint) => {
        const { check, replies, fragments } = setup()
        const frame = base.slice(0, Math.max(14, base.length - cut))
        for (const [at, value] of changes) if (at < frame.length) frame[at] = value
        const verdict = check(frame, mtu, hint)
        if (verdict === 'ok' && hint.gsoType === GSO_NONE) assert.ok(frame.length - 22 <= mtu)
        assert.equal(replies.length, verdict === 'answered' ? 1 : 0)
        assert.equal(fragments.length > 0, verdict === 'fragmented')
        for (const part of fragments) assert.ok(part.length - 22 <= mtu)
      },
    ),
    { runs: 3_000 },
  )
})
