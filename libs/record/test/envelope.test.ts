import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  decodeEnvelope,
  encodeEnvelope,
  envelopeNodeOffset,
  idEquals,
  MAX_ENVELOPE_BYTES,
  MAX_ENVELOPE_NODES,
} from '../src/index.ts'
import { id } from './records.ts'

describe('envelope', () => {
  it('returns what was encoded and where the record starts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 16, maxLength: 16 }), {
          minLength: 1,
          maxLength: MAX_ENVELOPE_NODES,
        }),
        (nodeIds) => {
          const bytes = encodeEnvelope(nodeIds)
          const out = { nodeCount: 0, recordOffset: 0 }
          assert.ok(decodeEnvelope(bytes, out))
          assert.deepEqual(out, { nodeCount: nodeIds.length, recordOffset: bytes.length })
          for (const [i, nodeId] of nodeIds.entries())
            assert.ok(idEquals(bytes, envelopeNodeOffset(i), nodeId))
        },
      ),
    )
  })

  it('is refused when cut at any offset', () => {
    const bytes = encodeEnvelope([id(1), id(2), id(3)])
    const out = { nodeCount: 0, recordOffset: 0 }
    for (let length = 0; length < bytes.length; length++)
      assert.equal(decodeEnvelope(bytes.subarray(0, length), out), false)
    assert.equal(decodeEnvelope(bytes, out), true)
  })

  it('names at least one node and at most 255', () => {
    assert.equal(decodeEnvelope(new Uint8Array(100), { nodeCount: 0, recordOffset: 0 }), false)
    assert.throws(() => encodeEnvelope([]), RangeError)
    assert.equal(encodeEnvelope(Array.from({ length: 255 }, () => id(1))).length, MAX_ENVELOPE_BYTES)
    assert.throws(() => encodeEnvelope(Array.from({ length: 256 }, () => id(1))), RangeError)
  })
})
