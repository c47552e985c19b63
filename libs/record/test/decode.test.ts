import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { MAX_FRAME_BYTES } from '@wakunet/interface'
import fc from 'fast-check'
import {
  createDecodedRecord,
  decodeRecord,
  idEquals,
  idKey,
  isZeroId,
  MAX_RECORD_BYTES,
  RECORD_FAULTS,
  RECORD_FIELD,
  RECORD_HEADER_BYTES,
  readFrameHint,
} from '../src/index.ts'
import { encodeRecord, header, id, NO_HINT } from './records.ts'

const frameArbitrary = fc.uint8Array({ minLength: 14, maxLength: 200 })
const frame = new Uint8Array(60).fill(0x5a)

interface Vectors {
  valid: {
    name: string
    hex: string
    tree: boolean
    control?: boolean
    sealed?: boolean
    hopLimit: number
    epoch: number
    sequence: number
    bootNonce: string
    vlanId: string
    ingress: string
    egress: string
    frames: { hex: string; hint: typeof NO_HINT }[]
  }[]
  refused: { name: string; hex: string; fault: string }[]
}
const vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8')) as Vectors

const hexAt = (bytes: Uint8Array, offset: number, length: number) =>
  Buffer.from(bytes.subarray(offset, offset + length)).toString('hex')

describe('decodeRecord', () => {
  for (const vector of vectors.valid)
    it(`reads the published vector: ${vector.name}`, () => {
      const bytes = new Uint8Array(Buffer.from(vector.hex, 'hex'))
      const out = createDecodedRecord()
      assert.equal(decodeRecord(bytes, out), 'ok')
      assert.equal(out.tree, vector.tree)
      assert.equal(out.control, vector.control ?? false)
      assert.equal(out.sealed, vector.sealed ?? false)
      assert.equal(out.end, bytes.length)
      assert.equal(out.hopLimit, vector.hopLimit)
      assert.equal(out.epoch, vector.epoch)
      assert.equal(out.sequence, vector.sequence)
      assert.equal(hexAt(bytes, RECORD_FIELD.bootNonce, 8), vector.bootNonce)
      assert.equal(hexAt(bytes, RECORD_FIELD.vlanId, 16), vector.vlanId)
      assert.equal(hexAt(bytes, RECORD_FIELD.ingress, 16), vector.ingress)
      assert.equal(hexAt(bytes, RECORD_FIELD.egress, 16), vector.egress)
      const frames = vector.frames.map((_, i) => {
        const hint = { ...NO_HINT }
        readFrameHint(bytes, out.batch.offsets[i]!, hint)
        return { hex: hexAt(bytes, out.batch.offsets[i]! + 12, out.batch.lengths[i]!), hint }
      })
      assert.deepEqual(frames, vector.frames)
      assert.equal(out.batch.count, vector.frames.length)
    })

  for (const vector of vectors.refused)
    it(`refuses the published vector: ${vector.name}`, () => {
      const bytes = new Uint8Array(Buffer.from(vector.hex, 'hex'))
      assert.equal(decodeRecord(bytes, createDecodedRecord()), vector.fault)
    })

  it('has a published vector for every way to be refused but size, which needs a large input', () => {
    const shown = new Set(vectors.refused.map((vector) => vector.fault))
    assert.deepEqual(
      RECORD_FAULTS.filter((fault) => !shown.has(fault)),
      ['too-large'],
    )
  })

  it('returns what was encoded, for any header and frames', () => {
    const out = createDecodedRecord()
    fc.assert(
      fc.property(
        fc.record({
          control: fc.boolean(),
          hopLimit: fc.integer({ min: 1, max: 64 }),
          epoch: fc.integer({ min: 0, max: 0xffff_ffff }),
          sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
          bootNonce: fc.uint8Array({ minLength: 8, maxLength: 8 }),
          vlanId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
          egress: fc.option(
            fc
              .uint8Array({ minLength: 16, maxLength: 16 })
              .filter((bytes) => bytes.some((byte) => byte !== 0)),
          ),
        }),
        fc.array(frameArbitrary, { minLength: 1, maxLength: 20 }),
        (fields, frames) => {
          const bytes = encodeRecord(fields, frames)
          assert.equal(decodeRecord(bytes, out), 'ok')
          assert.equal(out.sequence, fields.sequence)
          assert.equal(out.epoch, fields.epoch)
          assert.equal(out.hopLimit, fields.hopLimit)
          assert.equal(out.tree, fields.egress === null)
          assert.equal(out.control, fields.control)
          assert.equal(isZeroId(bytes, RECORD_FIELD.egress), fields.egress === null)
          assert.ok(idEquals(bytes, RECORD_FIELD.vlanId, fields.vlanId))
          assert.equal(out.vlanKey, idKey(fields.vlanId, 0))
          const nonce = Buffer.from(fields.bootNonce)
          assert.equal(out.bootNonceHigh, nonce.readUInt32BE(0))
          assert.equal(out.bootNonceLow, nonce.readUInt32BE(4))
          assert.equal(out.batch.count, frames.length)
          for (const [i, expected] of frames.entries()) {
            const at = out.batch.offsets[i]! + 12
            assert.deepEqual(bytes.slice(at, at + out.batch.lengths[i]!), expected)
          }
        },
      ),
    )
  })

  it('reads a record in the middle of a message', () => {
    const record = encodeRecord({ sequence: 9 }, [frame, frame])
    const message = new Uint8Array(17 + record.length + 5)
    message.set(record, 17)
    const out = createDecodedRecord()
    assert.equal(decodeRecord(message, out, 17, 17 + record.length), 'ok')
    assert.equal(out.sequence, 9)
    assert.equal(out.offset, 17)
    assert.equal(out.batch.offsets[0], 17 + RECORD_HEADER_BYTES)
    assert.equal(decodeRecord(message, out, 17), 'trailing-bytes')
    assert.equal(out.batch.count, 0)
  })

  it('refuses a record that is cut at any offset', () => {
    const record = encodeRecord({}, [frame, frame.subarray(0, 14)])
    const out = createDecodedRecord()
    for (let length = 0; length < record.length; length++) {
      const verdict = decodeRecord(record.subarray(0, length), out)
      assert.equal(verdict, length < RECORD_HEADER_BYTES ? 'truncated' : 'frame-truncated')
      assert.equal(out.batch.count, 0)
    }
    assert.equal(decodeRecord(record, out), 'ok')
  })

  it('never throws and never points outside the record, whatever the bytes', () => {
    const out = createDecodedRecord()
    const valid = encodeRecord({}, [frame, frame, frame])
    const mutated = fc
      .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
      .map((changes) => {
        const bytes = valid.slice()
        for (const [at, value] of changes) bytes[at] = value
        return bytes
      })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), mutated), (bytes) => {
        const verdict = decodeRecord(bytes, out)
        if (verdict !== 'ok') return assert.ok((RECORD_FAULTS as readonly string[]).includes(verdict))
        for (let i = 0; i < out.batch.count; i++)
          assert.ok(out.batch.offsets[i]! + 12 + out.batch.lengths[i]! <= bytes.length)
      }),
      { numRuns: 2000 },
    )
  })

  it('takes the largest frame and refuses a larger one, and a record over the limit', () => {
    const out = createDecodedRecord()
    assert.equal(decodeRecord(encodeRecord({}, [new Uint8Array(MAX_FRAME_BYTES)]), out), 'ok')
    assert.equal(decodeRecord(encodeRecord({}, [new Uint8Array(MAX_FRAME_BYTES + 1)]), out), 'frame-length')
    assert.equal(decodeRecord(new Uint8Array(MAX_RECORD_BYTES + 1), out), 'too-large')
  })

  it('takes 255 frames', () => {
    const out = createDecodedRecord()
    const frames = Array.from({ length: 255 }, () => frame)
    assert.equal(decodeRecord(encodeRecord({}, frames), out), 'ok')
    assert.equal(out.batch.count, 255)
  })
})

describe('a control record', () => {
  it('carries messages from two bytes on, where a frame needs fourteen', () => {
    const out = createDecodedRecord()
    const message = Uint8Array.of(1, 1)
    assert.equal(decodeRecord(encodeRecord({ control: true }, [message, message]), out), 'ok')
    assert.equal(out.control, true)
    assert.equal(out.batch.count, 2)
    assert.equal(decodeRecord(encodeRecord({}, [message]), out), 'frame-length')
    assert.equal(decodeRecord(encodeRecord({ control: true }, [Uint8Array.of(1)]), out), 'frame-length')
  })

  it('has no offload hints', () => {
    const out = createDecodedRecord()
    const hint = { ...NO_HINT, gsoType: 1 }
    assert.equal(decodeRecord(encodeRecord({ control: true }, [frame], hint), out), 'frame-hint')
    assert.equal(decodeRecord(encodeRecord({}, [frame], hint), out), 'ok')
  })

  it('may go to the tree', () => {
    const out = createDecodedRecord()
    const bytes = encodeRecord({ control: true, egress: null }, [frame])
    assert.equal(decodeRecord(bytes, out), 'ok')
    assert.equal(out.tree && out.control, true)
  })
})

describe('idKey', () => {
  it('is the first 48 bits as an exact integer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 40 }), fc.nat(24), (bytes, offset) => {
        fc.pre(offset + 16 <= bytes.length)
        assert.equal(idKey(bytes, offset), Buffer.from(bytes).readUIntBE(offset, 6))
      }),
    )
  })

  it('can be the same for two ids, which idEquals then tells apart', () => {
    const one = id(7)
    const other = id(7)
    other[15] = 8
    assert.equal(idKey(one, 0), idKey(other, 0))
    assert.ok(idEquals(one, 0, id(7)))
    assert.ok(!idEquals(one, 0, other))
  })
})

describe('header', () => {
  it('has zero egress and the tree bit, or neither', () => {
    const bytes = encodeRecord({ egress: null }, [frame])
    assert.equal(bytes[1], 1)
    assert.ok(isZeroId(bytes, RECORD_FIELD.egress))
    assert.equal(header().egress?.[0], 0x33)
    const out = createDecodedRecord()
    bytes[1] = 0
    assert.equal(decodeRecord(bytes, out), 'tree-egress')
  })
})
