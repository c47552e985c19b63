import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { finishForPlainPort } from '@wakunet/ethernet'
import { checkProperty, seededBytes, seededRandom } from '@wakunet/testing'
import fc from 'fast-check'
import { type Frame, plainFrame, recordOf, tcpFrame, type UdpFields, udpFrame } from './frames.ts'
import { tappedPair } from './wire-tap.ts'

const random = seededRandom()
const payloads = seededBytes(4_000, random)
const known = recordOf([plainFrame(new Uint8Array(60))])

const datagram = (length: number, fields: UdpFields = {}): Frame =>
  udpFrame(payloads.subarray(0, length), 2_000, { dontFragment: true, ...fields })

/** What comes of the frames of one record. */
function pass(frames: readonly Frame[]): Frame[] {
  const [near, far] = tappedPair([known])
  near.channel.send(recordOf(frames, { sequence: 10 }))
  for (const each of near.take()) far.receive(each)
  assert.equal(far.channel.stats.malformed, 0)
  return far.frames
}

/** What a port without offloads would send; identifications of packets that nobody fragments mean nothing (RFC 6864 §4.1). */
function segmentsOf(frames: readonly Frame[]): string[] {
  return frames
    .flatMap(({ bytes, hint }) => finishForPlainPort(bytes.slice(), { ...hint }))
    .map((bytes) => Buffer.from(bytes).toString('hex'))
    .map((hex) => `${hex.slice(0, 36)}----${hex.slice(40, 48)}----${hex.slice(52)}`)
}

describe('small UDP datagrams that share a datagram of the path', () => {
  test('of one flow come out as one super-frame', () => {
    const frames = Array.from({ length: 12 }, () => datagram(64))
    const out = pass(frames)
    assert.equal(out.length, 1)
    assert.equal(out[0]!.hint.gsoSize, 64)
    assert.deepEqual(segmentsOf(out), segmentsOf(frames))
  })

  test('end it with a shorter one, and begin the next', () => {
    const frames = [datagram(64), datagram(64), datagram(20), datagram(64), datagram(64)]
    const out = pass(frames)
    assert.deepEqual(
      out.map(({ bytes }) => bytes.length - 42),
      [148, 128],
    )
    assert.deepEqual(segmentsOf(out), segmentsOf(frames))
  })

  const apart: [string, Frame[]][] = [
    ['of two flows', [datagram(64), datagram(64, { sourcePort: 9 })]],
    ['that grow', [datagram(64), datagram(65)]],
    ['too small for any kernel', [datagram(15), datagram(15)]],
    [
      'that may be fragmented and are not numbered in a row',
      [1, 1, 3].map((identification) => datagram(64, { dontFragment: false, identification })),
    ],
    ['with complete checksums', [datagram(64), datagram(64)].map(({ bytes }) => plainFrame(bytes))],
    ['of TCP', [tcpFrame(payloads.subarray(0, 64), 2_000), tcpFrame(payloads.subarray(0, 64), 2_000)]],
  ]
  for (const [name, frames] of apart)
    test(`stay apart: those ${name}`, () => assert.deepEqual(pass(frames), frames))

  test('that may be fragmented are joined where they are numbered in a row', () => {
    const frames = [7, 8, 9].map((identification) => datagram(64, { dontFragment: false, identification }))
    const out = pass(frames)
    assert.equal(out.length, 1)
    const [whole] = out
    const cut = finishForPlainPort(whole!.bytes.slice(), { ...whole!.hint })
    assert.deepEqual(
      cut.map((bytes) => (bytes[18]! << 8) | bytes[19]!),
      [7, 8, 9],
    )
  })

  test('are, whatever mix they come in, the same frames in the same order behind the TAP', () =>
    checkProperty(
      fc.property(
        fc.array(
          fc.record({
            length: fc.oneof(fc.constantFrom(20, 64), fc.integer({ min: 1, max: 700 })),
            sourcePort: fc.constantFrom(1, 2),
            tcp: fc.boolean(),
          }),
          { minLength: 1, maxLength: 40 },
        ),
        (plans) => {
          const frames = plans.map(({ length, sourcePort, tcp }) =>
            tcp && length > 400
              ? tcpFrame(payloads.subarray(0, length), 2_000)
              : datagram(length, { sourcePort }),
          )
          assert.deepEqual(segmentsOf(pass(frames)), segmentsOf(frames))
        },
      ),
      { runs: 200 },
    ))
})
