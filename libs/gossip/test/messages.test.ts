import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  decodeGossipDigest,
  decodeGossipRequest,
  decodeGossipSummary,
  encodeGossipDigest,
  encodeGossipRequest,
  encodeGossipSummary,
  FIRST_ID,
  gossipKind,
  LAST_ID,
  MAX_GOSSIP_ENTRIES,
} from '../src/index.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const sorted = (items: Uint8Array[]) => items.sort(Buffer.compare)
const id = fc.uint8Array({ minLength: 16, maxLength: 16 })
const type = fc.integer({ min: 3, max: 4 })
const decoders = [decodeGossipDigest, decodeGossipSummary, decodeGossipRequest]

describe('gossip messages', () => {
  it('come back, and are refused at every truncation, with a byte more and for another type', () => {
    const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
    const ids = fc.uniqueArray(id, { minLength: 1, maxLength: 5, selector: hex }).map(sorted)
    fc.assert(
      fc.property(type, u32, u32, ids, (type, high, low, origins) => {
        const entries = origins.map((origin, i) => ({ origin, sequence: i + 1 }))
        const summary = { first: FIRST_ID, last: LAST_ID, entries }
        const messages = [
          [encodeGossipDigest(type, { high, low }), decodeGossipDigest, { high, low }],
          [encodeGossipSummary(type, summary), decodeGossipSummary, summary],
          [encodeGossipRequest(type, origins), decodeGossipRequest, origins],
        ] as const
        for (const [bytes, decode, value] of messages) {
          assert.deepEqual(decode(type, bytes), value)
          assert.deepEqual(decode(type, Uint8Array.of(9, ...bytes, 9), 1, bytes.length), value)
          for (let length = 0; length < bytes.length; length++)
            assert.equal(decode(type, bytes, 0, length), null)
          assert.equal(decode(type, Uint8Array.of(...bytes, 0)), null)
          assert.equal(decode(type + 1, bytes), null)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('never throw, whatever the bytes are', () => {
    const start = fc.constantFrom([4, 1, 1], [4, 1, 2], [4, 1, 3], [4, 1, 4], [4, 1, 3, 1])
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 120 }), (head, rest) => {
        for (const decode of decoders) decode(4, Uint8Array.of(...head, ...rest))
      }),
      { numRuns: 500 },
    )
  })

  it('say their kind, and nothing for another version or kind', () => {
    const digest = encodeGossipDigest(4, { high: 1, low: 2 })
    assert.equal(hex(digest), '040102000000000100000002')
    assert.equal(gossipKind(4, digest, 0, digest.length), 'digest')
    for (const [at, value] of [
      [0, 3],
      [1, 2],
      [2, 0],
      [2, 5],
    ] as const) {
      const other = Uint8Array.from(digest)
      other[at] = value
      assert.equal(gossipKind(4, other, 0, other.length), null)
    }
  })

  it('more entries than a summary or a request may have are refused', () => {
    const ids = Array.from({ length: MAX_GOSSIP_ENTRIES + 1 }, (_, i) => {
      const bytes = new Uint8Array(16)
      bytes[15] = i
      return bytes
    })
    const range = { first: FIRST_ID, last: LAST_ID }
    const entries = ids.map((origin) => ({ origin, sequence: 1 }))
    assert.equal(decodeGossipSummary(4, encodeGossipSummary(4, { ...range, entries })), null)
    assert.notEqual(
      decodeGossipSummary(4, encodeGossipSummary(4, { ...range, entries: entries.slice(1) })),
      null,
    )
    assert.equal(decodeGossipRequest(4, encodeGossipRequest(4, ids)), null)
    assert.equal(decodeGossipRequest(4, encodeGossipRequest(4, [])), null)
  })
})
