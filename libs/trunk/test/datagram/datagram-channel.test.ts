import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { finishForPlainPort } from '@wakunet/ethernet'
import { SOCKET_ADDRESS_BYTES } from '@wakunet/netio'
import { seededBytes, seededRandom, testSeed } from '@wakunet/testing'
import { type Frame, framesOf, plainFrame, recordOf, tcpFrame, udpFrame } from './frames.ts'
import { connectedPair, type End, keysOf } from './pair.ts'

const random = seededRandom(testSeed)
const bytes = (length: number): Uint8Array => seededBytes(length, random)

/** What a port without offloads would send of these frames. */
function segmentsOf(frames: readonly Frame[]): string[] {
  return frames.flatMap(({ bytes: frame, hint }) =>
    finishForPlainPort(frame.slice(), { ...hint }).map((part) => Buffer.from(part).toString('hex')),
  )
}

const received = (end: End): Frame[] => end.records.flatMap((record) => framesOf(record).frames)

/** Lets the peer learn the context of the test's records. */
async function warmUp([near, far]: [End, End]): Promise<void> {
  near.channel.send(recordOf([plainFrame(bytes(60))], { sequence: 1 }))
  await far.arrived(1)
  far.channel.sendMessage(Uint8Array.of(0))
  await near.arrived(1)
  far.records.length = 0
  near.messages.length = 0
}

describe('DatagramChannel', () => {
  test('a super-frame arrives whole and unchanged, cut into datagrams of the path', async (t) => {
    const ends = await connectedPair(t)
    await warmUp(ends)
    const [near, far] = ends
    const before = near.channel.stats.datagramsSent
    const record = recordOf([tcpFrame(bytes(44 * 1_348), 1_348)], { sequence: 100 })
    const sent = record.slice()
    assert.ok(near.channel.send(record))
    assert.deepEqual(record, sent, 'the record is as it was')
    await far.arrived(1)
    assert.deepEqual(far.records, [sent])
    assert.equal(near.channel.stats.datagramsSent - before, 44)
  })

  test('before the peer knows the context, all segments arrive in long form', async (t) => {
    const [near, far] = await connectedPair(t)
    const frame = tcpFrame(bytes(20_000), 1_348)
    near.channel.send(recordOf([frame]))
    await far.arrived(16)
    const payload = Buffer.concat(received(far).map((part) => part.bytes.subarray(54)))
    assert.deepEqual(payload, Buffer.from(frame.bytes.subarray(54)))
    assert.equal(far.channel.stats.malformed, 0)
  })

  test('small frames share datagrams, large ones without offloads come in fragments, all in order', async (t) => {
    const ends = await connectedPair(t)
    await warmUp(ends)
    const [near, far] = ends
    const frames = [60, 90, 1_414, 14, 9_014, 64, 65_000, 100].map((length) => plainFrame(bytes(length)))
    const record = recordOf(frames, { sequence: 500 })
    assert.ok(near.channel.send(record))
    await far.arrived(6)
    assert.deepEqual(received(far), frames)
    assert.deepEqual(
      far.records.map((each) => framesOf(each).sequence),
      [500, 502, 506, 524, 525, 652],
    )
  })

  test('UDP super-frames of small segments share slices and come out as they were', async (t) => {
    const ends = await connectedPair(t)
    await warmUp(ends)
    const [near, far] = ends
    const frame = udpFrame(bytes(100 * 200 + 50), 200)
    near.channel.send(recordOf([frame], { sequence: 9 }))
    await far.arrived(1)
    assert.deepEqual(received(far), [frame])
    assert.ok(near.channel.stats.datagramsSent < 25)
  })

  test('TCP segments that do not fit the path are cut smaller', async (t) => {
    const ends = await connectedPair(t, 1_200)
    await warmUp(ends)
    const [near, far] = ends
    const frame = tcpFrame(bytes(30_000), 1_348)
    near.channel.send(recordOf([frame], { sequence: 9 }))
    await far.arrived(1)
    const [out] = received(far)
    assert.deepEqual(out!.bytes, frame.bytes)
    assert.equal(out!.hint.gsoSize, 1_200 - 28 - 10 - 54)
  })

  test('a partial checksum stays partial, and segments are what the kernel would have made of the whole', async (t) => {
    const ends = await connectedPair(t)
    await warmUp(ends)
    const [near, far] = ends
    const frames = [tcpFrame(bytes(10), 1_348), tcpFrame(bytes(5_000), 1_348), udpFrame(bytes(700), 1_000)]
    near.channel.send(recordOf(frames, { sequence: 9 }))
    await far.arrived(3)
    assert.deepEqual(segmentsOf(received(far)), segmentsOf(frames))
    assert.ok(received(far).every(({ hint }) => hint.flags === 1))
  })

  test('messages go to the owner, padded as wished', async (t) => {
    const [near, far] = await connectedPair(t)
    const payload = bytes(100)
    assert.ok(near.channel.sendMessage(payload, far.address, 1_400))
    await far.arrived(1)
    assert.deepEqual(far.messages, [{ payload, datagramBytes: 1_400 }])
  })

  test('keys change without a loss: several generations open at a time', async (t) => {
    const ends = await connectedPair(t)
    await warmUp(ends)
    const [near, far] = ends
    const [nearKeys, farKeys] = keysOf(near.socket.unusedIndex(), far.socket.unusedIndex(), 'aes-128-gcm', 7)
    far.channel.addKeys(2, farKeys)
    near.channel.addKeys(2, nearKeys)
    const record = (sequence: number) => recordOf([plainFrame(bytes(100))], { sequence })
    const sent = [record(10), record(11)]
    near.channel.send(sent[0]!)
    near.channel.useKeys(2)
    near.channel.send(sent[1]!)
    await far.arrived(2)
    assert.deepEqual(far.records, sent)
    far.channel.dropKeys(1)
    near.channel.useKeys(1)
    near.channel.send(record(12))
    near.channel.useKeys(2)
    near.channel.send(record(13))
    await far.arrived(3)
    assert.equal(framesOf(far.records[2]!).sequence, 13)
    assert.equal(far.socket.stats.unknownIndex, 1)
  })

  test('without keys or a path nothing is sent, and it is counted', async (t) => {
    const [near] = await connectedPair(t)
    near.channel.dropKeys(1)
    assert.equal(near.channel.send(recordOf([plainFrame(bytes(60))])), false)
    assert.equal(near.channel.sendMessage(bytes(3), new Uint8Array(SOCKET_ADDRESS_BYTES)), false)
    assert.equal(near.channel.stats.recordsDropped, 1)
  })
})
