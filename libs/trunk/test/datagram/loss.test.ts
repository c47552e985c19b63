import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { finishForPlainPort } from '@wakunet/ethernet'
import { frameSequences } from '@wakunet/record'
import { checkProperty, seededBytes, seededRandom } from '@wakunet/testing'
import fc from 'fast-check'
import { type Frame, plainFrame, recordOf, tcpFrame, udpFrame } from './frames.ts'
import { type TappedEnd, tappedPair } from './wire-tap.ts'

const RUNS = 150
const payload = seededBytes(60_000, seededRandom())

interface Plan {
  readonly kind: 'plain' | 'tcp' | 'udp'
  readonly length: number
  readonly segmentBytes: number
}

const plan: fc.Arbitrary<Plan> = fc.record({
  kind: fc.constantFrom('plain', 'tcp', 'udp'),
  length: fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 60_000 })),
  segmentBytes: fc.oneof(fc.integer({ min: 500, max: 1_372 }), fc.integer({ min: 48, max: 500 })),
})

function frameOf({ kind, length, segmentBytes }: Plan): Frame {
  if (kind === 'tcp') return tcpFrame(payload.subarray(0, length), segmentBytes)
  // No more than a kernel takes in one super-frame.
  if (kind === 'udp') return udpFrame(payload.subarray(0, Math.min(length, 128 * segmentBytes)), segmentBytes)
  return plainFrame(payload.subarray(0, Math.max(14, Math.min(length, 9_000))).slice())
}

/** What a port without offloads would send of these. */
function segmentsOf(frames: readonly Frame[]): string[] {
  return frames.flatMap(({ bytes, hint }) =>
    finishForPlainPort(bytes.slice(), { ...hint }).map((part) => Buffer.from(part).toString('hex')),
  )
}

/** The same without IPv4 identification and header checksum: the last slice alone does not know which segment it is (RFC 6864 §4.1). */
function anonymous(segments: readonly string[]): string[] {
  return segments.map((hex) => `${hex.slice(0, 36)}----${hex.slice(40, 48)}----${hex.slice(52)}`)
}

/** Cuts of a TCP super-frame into smaller segments have the same payload. */
function tcpPayloads(frames: readonly Frame[]): Buffer {
  return Buffer.concat(
    frames.filter(({ bytes }) => bytes[23] === 6 && bytes[12] === 8).map(({ bytes }) => bytes.subarray(54)),
  )
}

/** Sends the frames one record each, with the sequences that a switch would give them. */
function sendAll(near: TappedEnd, frames: readonly Frame[]): Uint8Array[] {
  let sequence = 10
  for (const frame of frames) {
    near.channel.send(recordOf([frame], { sequence }))
    sequence += frameSequences(frame.bytes.length)
  }
  return near.take()
}

/** Hands datagrams over as a kernel would that coalesces at random. */
function receiveCoalesced(far: TappedEnd, datagrams: readonly Uint8Array[], random: () => number): void {
  let group: Uint8Array[] = []
  for (const datagram of datagrams) {
    const [first] = group
    const last = group.at(-1)
    const fits = first !== undefined && last!.length === first.length && datagram.length <= first.length
    if (!fits || group.length === 64 || random() < 0.05) {
      far.receive(...group)
      group = []
    }
    group.push(datagram)
  }
  far.receive(...group)
}

const known = recordOf([plainFrame(new Uint8Array(60))])

describe('what arrives of cut records', () => {
  test('is every frame, and nothing else, when nothing is lost, at whatever sizes', () =>
    checkProperty(
      fc.property(
        fc.array(plan, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1_200, max: 9_000 }),
        fc.boolean(),
        fc.integer(),
        (plans, datagramBytes, isKnown, seed) => {
          const random = seededRandom(seed)
          const frames = plans.map(frameOf)
          const [near, far] = tappedPair(isKnown ? [known] : [], datagramBytes)
          receiveCoalesced(far, sendAll(near, frames), random)
          assert.deepEqual(tcpPayloads(far.frames), tcpPayloads(frames))
          const others = (list: readonly Frame[]) => list.filter(({ bytes }) => bytes[23] !== 6)
          assert.deepEqual(anonymous(segmentsOf(others(far.frames))), anonymous(segmentsOf(others(frames))))
          assert.equal(far.channel.stats.malformed, 0)
        },
      ),
      { runs: RUNS },
    ))

  test('is what the datagrams that came had in them, once and in their order, however they were joined', () =>
    checkProperty(
      fc.property(
        fc.array(plan, { minLength: 1, maxLength: 5 }),
        fc.integer(),
        fc.double({ min: 0, max: 0.3, noNaN: true }),
        (plans, seed, share) => {
          const random = seededRandom(seed)
          const [near, far] = tappedPair([known])
          const sent = sendAll(near, plans.map(frameOf))
          const arriving: Uint8Array[] = []
          for (const datagram of sent) {
            if (random() < share) continue
            arriving.push(datagram)
            if (random() < share) arriving.push(datagram)
            if (random() < share && arriving.length > 3)
              arriving.splice(arriving.length - 3, 0, arriving.pop()!)
          }
          const [, apart] = tappedPair([known])
          for (const datagram of arriving) apart.receive(datagram)
          receiveCoalesced(far, arriving, random)
          assert.deepEqual(anonymous(segmentsOf(far.frames)), anonymous(segmentsOf(apart.frames)))
          assert.equal(far.channel.stats.replayed, arriving.length - new Set(arriving).size)
          assert.equal(far.channel.stats.malformed, 0)
        },
      ),
      { runs: RUNS },
    ))

  test('of a super-frame with lost datagrams are the segments of all others, with their own headers', () => {
    const frame = tcpFrame(seededBytes(30_000, seededRandom()), 1_348)
    const [near, far] = tappedPair([known])
    const datagrams = sendAll(near, [frame])
    assert.equal(datagrams.length, 23)
    const lost = new Set([0, 7, 8, 22])
    far.receive(...datagrams.filter((_, i) => !lost.has(i)))
    const expected = segmentsOf([frame]).filter((_, i) => !lost.has(i))
    assert.deepEqual(segmentsOf(far.frames), expected)
    assert.equal(far.records.length, 2)
  })
})

describe('hostile datagrams', () => {
  test('a flipped bit or a cut end anywhere is refused, and nothing is answered', () => {
    const [near, far] = tappedPair([known])
    const [datagram] = sendAll(near, [plainFrame(seededBytes(100, seededRandom()))])
    for (let bit = 0; bit < datagram!.length * 8; bit++) {
      const forged = datagram!.slice()
      forged[bit >> 3]! ^= 1 << (bit & 7)
      far.receive(forged)
    }
    for (let length = 1; length < datagram!.length; length++) far.receive(datagram!.subarray(0, length))
    assert.equal(far.records.length, 0)
    assert.deepEqual(far.take(), [])
    far.receive(datagram!)
    assert.equal(far.records.length, 1, 'as it was, it is taken: the forgeries did not move the window')
  })

  test('of a million replays none is taken', () => {
    const [near, far] = tappedPair([known])
    const sent = sendAll(near, [tcpFrame(seededBytes(58_000, seededRandom()), 1_348)])
    const equal = sent.filter(({ length }) => length === sent[0]!.length)
    far.receive(...equal)
    const before = far.channel.stats.datagramsReceived
    const rounds = Math.ceil(1_000_000 / equal.length)
    for (let i = 0; i < rounds; i++) far.receive(...equal)
    assert.equal(far.channel.stats.replayed, rounds * equal.length)
    assert.equal(far.channel.stats.datagramsReceived, before)
    assert.equal(far.records.length, 1)
  })

  test('8,000 datagrams in reverse order are all taken; one that is older than the window is not', () => {
    const [near, far] = tappedPair([known])
    const record = recordOf([plainFrame(new Uint8Array(20))])
    const old = sendAll(near, [plainFrame(new Uint8Array(30))])
    const datagrams: Uint8Array[] = []
    for (let i = 0; i < 8_000; i++) {
      near.channel.send(record)
      datagrams.push(...near.take())
    }
    for (const datagram of datagrams.reverse()) far.receive(datagram)
    assert.equal(far.records.length, 8_000)
    for (let i = 0; i < 26_000; i++) near.channel.send(record)
    for (const datagram of near.take()) far.receive(datagram)
    far.records.length = 0
    far.receive(...old)
    assert.equal(far.records.length, 0)
    assert.equal(far.channel.stats.replayed, 1)
  })
})
