import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AeadContext, DATAGRAM_HEAD_BYTES, DATAGRAM_OVERHEAD_BYTES, DatagramSealer } from '@wakunet/netio'
import { createDecodedRecord, decodeRecord } from '@wakunet/record'
import { checkProperty, seededBytes, seededRandom } from '@wakunet/testing'
import fc from 'fast-check'
import { MAX_RECEIVE_CONTEXTS, MAX_SEND_CONTEXTS } from '../../src/datagram/wire.ts'
import { framesOf, plainFrame, recordOf, tcpFrame } from './frames.ts'
import { keysOf } from './pair.ts'
import { FAR_INDEX, NEAR_INDEX, TappedEnd, tappedPair } from './wire-tap.ts'

/** A peer that has the keys and writes what it likes. */
class HostilePeer {
  readonly #sealer: DatagramSealer

  constructor() {
    const [{ algorithm, sendKey, sendSalt }] = keysOf(NEAR_INDEX, FAR_INDEX, 'aes-128-gcm')
    this.#sealer = new DatagramSealer({ algorithm, key: sendKey, salt: sendSalt, index: FAR_INDEX })
  }

  seal(plaintext: Uint8Array): Uint8Array {
    const datagram = new Uint8Array(plaintext.length + DATAGRAM_OVERHEAD_BYTES)
    datagram.set(plaintext, DATAGRAM_HEAD_BYTES)
    this.#sealer.sealBatch(datagram, Uint32Array.of(0), Uint32Array.of(plaintext.length), 1)
    return datagram
  }
}

/** Plaintexts as an honest peer would send them. */
function honestPlaintexts(): Uint8Array[] {
  const [near, far] = tappedPair([recordOf([plainFrame(new Uint8Array(60))])])
  far.records.length = 0
  const payload = seededBytes(60_000, seededRandom())
  const frames = [
    plainFrame(payload.slice(0, 200)),
    tcpFrame(payload.subarray(0, 100), 1_348),
    tcpFrame(payload.subarray(0, 5_000), 1_348),
    tcpFrame(payload.subarray(0, 4_000), 100),
  ]
  near.channel.send(recordOf([plainFrame(payload.slice(0, 4_000))], { sequence: 100 }))
  near.channel.send(recordOf(frames, { sequence: 200 }))
  near.channel.send(recordOf(frames, { sequence: 300, vlan: 9 }))
  const [{ algorithm, sendKey, sendSalt }] = keysOf(NEAR_INDEX, FAR_INDEX, 'aes-128-gcm')
  const context = new AeadContext(algorithm, sendKey)
  return near.take().map((datagram) => openByHand(context, sendSalt, datagram)!)
}

/** The AEAD alone: nonce from salt and counter, no window. */
function openByHand(context: AeadContext, salt: Uint8Array, datagram: Uint8Array): Uint8Array | null {
  const nonce = salt.slice()
  for (let i = 0; i < 8; i++) nonce[4 + i]! ^= datagram[4 + i]!
  const plain = new Uint8Array(datagram.length)
  const length = context.openOne(
    nonce,
    null,
    datagram,
    DATAGRAM_HEAD_BYTES,
    datagram.length - DATAGRAM_HEAD_BYTES,
    plain,
    0,
  )
  return length < 0 ? null : plain.slice(0, length)
}

describe('a peer with keys that lies', () => {
  const honest = honestPlaintexts()
  const mutation = fc.record({
    which: fc.nat({ max: honest.length - 1 }),
    cut: fc.option(fc.nat({ max: 1_500 })),
    flips: fc.array(fc.tuple(fc.nat({ max: 120 }), fc.nat({ max: 255 })), { maxLength: 4 }),
  })

  test('gets nothing but records that decode out of any plaintexts, joined or not', () =>
    checkProperty(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 30 }), (mutations) => {
        const far = new TappedEnd('far')
        const peer = new HostilePeer()
        const datagrams = mutations.map(({ which, cut, flips }) => {
          const plain = honest[which]!.slice(0, cut === null ? undefined : Math.max(1, cut))
          for (const [at, value] of flips) if (at < plain.length) plain[at] = value
          return peer.seal(plain)
        })
        for (const datagram of datagrams) far.receive(datagram)
        for (const record of far.records) assert.match(decodeRecord(record, createDecodedRecord()), HARMLESS)
      }),
      { runs: 300 },
    ))

  test('fills no table: contexts and fragments are bounded', () => {
    const far = new TappedEnd('far')
    const near = new TappedEnd('near')
    for (let i = 0; i < MAX_RECEIVE_CONTEXTS + 200; i++)
      near.channel.send(recordOf([plainFrame(new Uint8Array(60))], { sequence: i * 2 ** 33 + 1 }))
    for (const datagram of near.take()) far.receive(datagram)
    assert.equal(far.records.length, MAX_RECEIVE_CONTEXTS + 200)
    const peer = new HostilePeer()
    const late = new TappedEnd('far')
    for (let i = 0; i < 100; i++) late.receive(peer.seal(Uint8Array.of(5, 0, 2, 1, 2, 3)))
    assert.equal(late.channel.stats.fragmentsLost, 92)
  })
})

/** What a switch is left to refuse: the header's own fields. */
const HARMLESS = /^(ok|version|flags|hop-limit|sequence|tree-egress|frame-length|frame-hint)$/

describe('replays', () => {
  test('control: the cipher alone takes a datagram twice; the window is what refuses it', () => {
    const [near, far] = tappedPair()
    near.channel.send(recordOf([plainFrame(new Uint8Array(60))]))
    const [datagram] = near.take()
    const [{ algorithm, sendKey, sendSalt }] = keysOf(NEAR_INDEX, FAR_INDEX, 'aes-128-gcm')
    const context = new AeadContext(algorithm, sendKey)
    assert.ok(openByHand(context, sendSalt, datagram!))
    assert.ok(openByHand(context, sendSalt, datagram!))
    far.receive(datagram!)
    far.receive(datagram!)
    assert.deepEqual([far.records.length, far.channel.stats.replayed], [1, 1])
  })
})

describe('contexts', () => {
  const record = (sequence: number, vlan = 1) =>
    recordOf([plainFrame(new Uint8Array(60))], { sequence, vlan })

  test('that a receiver has lost are told of, and the sender says all again', () => {
    const [near] = tappedPair([record(1)])
    const restarted = new TappedEnd('far')
    // The keys are the same here: past the counters that the first one used.
    for (let i = 0; i < 3; i++) restarted.channel.sendMessage(new Uint8Array(1))
    restarted.take()
    near.channel.send(record(2))
    const [short] = near.take()
    restarted.receive(short!)
    assert.deepEqual([restarted.records.length, restarted.channel.stats.contextUnknown], [0, 1])
    near.receive(...restarted.take())
    near.channel.send(record(3))
    const [long] = near.take()
    assert.ok(long!.length > short!.length + 60)
    restarted.receive(long!)
    assert.equal(framesOf(restarted.records[0]!).sequence, 3)
  })

  test('are told of by the long prefix until the acknowledgement comes, and need it once', () => {
    const [near, far] = [new TappedEnd('near'), new TappedEnd('far')]
    const sizes: number[] = []
    for (let i = 1; i <= 4; i++) {
      near.channel.send(record(i))
      const sent = near.take()
      sizes.push(sent[0]!.length)
      far.receive(...sent)
      const answers = far.take()
      if (i > 1) near.receive(...answers)
    }
    assert.deepEqual(
      sizes.map((size) => size - sizes.at(-1)!),
      [68, 68, 0, 0],
    )
  })

  test('of more pairs than fit are used in turns', () => {
    const [near, far] = [new TappedEnd('near'), new TappedEnd('far')]
    let sequence = 1
    for (let round = 0; round < 2; round++)
      for (let vlan = 0; vlan < 256; vlan++)
        for (const control of [null, undefined]) {
          near.channel.send(
            recordOf([plainFrame(new Uint8Array(60))], {
              sequence: sequence++,
              vlan,
              ...(control === null && { egress: null }),
            }),
          )
          for (const datagram of near.take()) far.receive(datagram)
          for (const datagram of far.take()) near.receive(datagram)
        }
    assert.ok(2 * 256 > MAX_SEND_CONTEXTS)
    assert.deepEqual(
      far.records.map((each) => framesOf(each).sequence),
      Array.from({ length: 1_024 }, (_, i) => i + 1),
    )
  })

  test('begin anew where the upper half of the sequence does, and pass the end of the lower half', () => {
    const end = 2 ** 32
    const [near, far] = tappedPair([record(1)])
    const sequences = [end - 70_000, end - 65_536, end - 1, end, end + 1, 2 ** 53 - 1]
    for (const sequence of sequences) {
      near.channel.send(record(sequence))
      for (const datagram of near.take()) far.receive(datagram)
      for (const datagram of far.take()) near.receive(datagram)
    }
    assert.deepEqual(
      far.records.map((each) => framesOf(each).sequence),
      sequences,
    )
  })
})
