import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gcm } from '@noble/ciphers/aes.js'
import { seededBytes, withSeed } from '@wakunet/testing'
import {
  AEAD_ALGORITHMS,
  DATAGRAM_HEAD_BYTES,
  DATAGRAM_OVERHEAD_BYTES,
  DatagramOpener,
  DatagramSealer,
  UNIT_HEADROOM_BYTES,
  UNIT_WORD,
  UNIT_WORDS,
} from '../src/index.ts'

const INDEX = 0xdeadbeef
const SALT = Uint8Array.from({ length: 12 }, (_, i) => 0xa0 + i)

function pair(algorithm: (typeof AEAD_ALGORITHMS)[number] = 'aes-256-gcm') {
  const key = new Uint8Array(algorithm === 'aes-128-gcm' ? 16 : 32).fill(5)
  const init = { algorithm, key, salt: SALT, index: INDEX }
  return { key, sealer: new DatagramSealer(init), opener: new DatagramOpener(init) }
}

function seal(sealer: DatagramSealer, plaintext: Uint8Array): Uint8Array {
  const datagram = new Uint8Array(plaintext.length + DATAGRAM_OVERHEAD_BYTES)
  datagram.set(plaintext, DATAGRAM_HEAD_BYTES)
  assert.ok(sealer.sealBatch(datagram, Uint32Array.of(0), Uint32Array.of(plaintext.length), 1))
  return datagram
}

/** Opens datagrams that came at once. */
function open(opener: DatagramOpener, segmentBytes: number, ...datagrams: readonly Uint8Array[]) {
  const input = Buffer.concat(datagrams)
  const output = new Uint8Array(input.length + 70 * UNIT_HEADROOM_BYTES)
  const units = new Uint32Array(64 * UNIT_WORDS)
  const out = { units: 0, consumed: 0, authentic: 0, replayed: 0, notAuthentic: 0, malformed: 0 }
  opener.open(input, 0, input.length, segmentBytes, output, units, out)
  const plaintexts = Array.from({ length: out.units }, (_, i) => {
    const at = units[i * UNIT_WORDS + UNIT_WORD.at]!
    assert.ok(at >= UNIT_HEADROOM_BYTES)
    return output.slice(at, at + units[i * UNIT_WORDS + UNIT_WORD.length]!)
  })
  return { ...out, plaintexts }
}

/** Kind slice, TCP over IPv4; context 1; payload offset and upper-layer offset 34. */
const SLICE_PREFIX = Uint8Array.of(3, 0, 1, 0, 0, 0, 9, 0, 0, 34)

/** A frame whose TCP header is where it is said to be. */
function frameOf(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(54 + payload.length)
  frame[34 + 12] = 5 << 4
  frame.set(payload, 54)
  return frame
}

describe('DatagramSealer and DatagramOpener', () => {
  it('seal as the other implementation of AES-GCM does, the nonce of salt and counter', () => {
    const { key, sealer } = pair()
    const plaintext = Uint8Array.of(1, 2, 3, 4)
    seal(sealer, plaintext)
    const datagram = seal(sealer, plaintext)
    assert.equal(sealer.counter, 2)
    assert.deepEqual(
      [...datagram.subarray(0, DATAGRAM_HEAD_BYTES)],
      [0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 0, 0, 0, 0, 1],
    )
    const nonce = SALT.slice()
    nonce[11]! ^= 1
    assert.deepEqual(datagram.slice(DATAGRAM_HEAD_BYTES), gcm(key, nonce).encrypt(plaintext))
  })

  it('open what was sealed, with each algorithm, one by one or several at once', () =>
    withSeed((random) => {
      for (const algorithm of AEAD_ALGORITHMS) {
        const { sealer, opener } = pair(algorithm)
        const plaintexts = [300, 300, 300, 20].map((length) => {
          const plaintext = seededBytes(length, random)
          plaintext[0] = 0
          return plaintext
        })
        const result = open(opener, 328, ...plaintexts.map((plaintext) => seal(sealer, plaintext)))
        assert.deepEqual(result.plaintexts, plaintexts)
        assert.equal(result.authentic, 4)
      }
    }))

  it('cut a payload into slices and join them where they follow each other', () =>
    withSeed((random) => {
      const { sealer, opener } = pair()
      const payload = seededBytes(5_300, random)
      const source = new Uint8Array(100 + 54 + payload.length)
      source.set(frameOf(payload), 100)
      const before = source.slice()
      const output = new Uint8Array(8_000)
      const written = sealer.sealSlices(source, 100, 54 + 5_300, 54, 1_000, SLICE_PREFIX, output, 0)
      assert.deepEqual(source, before, 'what was written over is back')
      const size = DATAGRAM_OVERHEAD_BYTES + SLICE_PREFIX.length + 54 + 1_000
      assert.equal(written, 5 * size + size - 700)
      const datagrams = Array.from({ length: 6 }, (_, i) =>
        output.slice(i * size, Math.min(written, (i + 1) * size)),
      )
      const joined = open(opener, size, ...datagrams.filter((_, i) => i !== 2))
      assert.equal(joined.units, 2)
      const head = SLICE_PREFIX.length + 54
      assert.deepEqual(joined.plaintexts[0]!.slice(head), payload.slice(0, 2_000))
      assert.deepEqual(joined.plaintexts[1]!.slice(head), payload.slice(3_000))
      // Sequence 9 and one for each 512 bytes; offset 3,000; the last one was among them.
      assert.deepEqual([...joined.plaintexts[1]!.slice(0, 10)], [3 | 0x80, 0, 1, 0, 0, 0, 14, 11, 184, 34])
      assert.equal(open(opener, size, datagrams[2]!).units, 1)
    }))

  it('stop before a datagram of another index, and where there is no more room', () => {
    const { sealer, opener } = pair()
    const first = seal(sealer, Uint8Array.of(0, 1))
    const second = seal(sealer, Uint8Array.of(0, 2))
    const stranger = second.slice()
    stranger[3]! ^= 1
    const result = open(opener, first.length, first, stranger, second)
    assert.deepEqual([result.consumed, result.units], [first.length, 1])
    const out = { units: 0, consumed: 0, authentic: 0, replayed: 0, notAuthentic: 0, malformed: 0 }
    opener.open(second, 0, second.length, 0, new Uint8Array(100), new Uint32Array(UNIT_WORDS), out)
    assert.deepEqual(out, { units: 0, consumed: 0, authentic: 0, replayed: 0, notAuthentic: 0, malformed: 0 })
    assert.equal(open(opener, second.length, second).units, 1, 'it was not used up')
  })

  it('a forged datagram between slices spoils neither them nor the window', () =>
    withSeed((random) => {
      const { sealer, opener } = pair()
      const payload = seededBytes(3_000, random)
      const source = new Uint8Array(100 + 54 + payload.length)
      source.set(frameOf(payload), 100)
      const output = new Uint8Array(8_000)
      const written = sealer.sealSlices(source, 100, 3_054, 54, 1_000, SLICE_PREFIX, output, 0)
      const size = written / 3
      const [a, b, c] = [0, 1, 2].map((i) => output.slice(i * size, (i + 1) * size))
      const forged = b!.slice()
      forged[500]! ^= 4
      const result = open(opener, size, a!, forged, b!, c!)
      assert.deepEqual([result.units, result.notAuthentic, result.authentic], [1, 1, 3])
      assert.deepEqual(result.plaintexts[0]!.slice(64), payload)
    }))
})
