import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { checkProperty } from '@wakunet/testing'
import fc from 'fast-check'
import {
  ADVERTISEMENT_FIELD,
  advertisementIsValid,
  type ControlBpdu,
  DIGEST_BUCKETS,
  decodeControlBpdu,
  decodeDigests,
  encodeAdvertisement,
  encodeControlBpdu,
  encodeDigests,
  encodeRequest,
  encodeSummary,
  linkStateKind,
  MAX_ADVERTISED_NEIGHBOURS,
  MAX_SUMMARY_ENTRIES,
  NEIGHBOUR_BYTES,
  readSequence,
  requestIsValid,
  SUMMARY_ENTRY_BYTES,
  summaryIsValid,
} from '../src/index.ts'

interface Vectors {
  bpdus: { name: string; hex: string; fields: Record<string, unknown> }[]
  linkState: { name: string; hex: string; kind: string }[]
  refused: { name: string; hex: string }[]
}
const vectors = JSON.parse(readFileSync(new URL('control-vectors.json', import.meta.url), 'utf8')) as Vectors
const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** Whether any of the decoders takes these bytes for a message. */
function isMessage(bytes: Uint8Array, offset = 0, length = bytes.length - offset): boolean {
  if (decodeControlBpdu(bytes, offset, length) !== null) return true
  switch (linkStateKind(bytes, offset, length)) {
    case 'advertisement':
      return advertisementIsValid(bytes, offset, length)
    case 'digest':
      return decodeDigests(bytes, offset, length, new Uint32Array(2))
    case 'buckets':
      return decodeDigests(bytes, offset, length, new Uint32Array(2 * DIGEST_BUCKETS))
    case 'summary':
      return summaryIsValid(bytes, offset, length)
    case 'request':
      return requestIsValid(bytes, offset, length)
    case null:
      return false
  }
}

const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).filter((bytes) => bytes.some((byte) => byte !== 0))
const bridgeId = fc.uint8Array({ minLength: 18, maxLength: 18 })
const ascending = (ids: readonly Uint8Array[]) => {
  const unique = new Map(ids.map((bytes) => [hexOf(bytes), bytes]))
  return [...unique.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, bytes]) => bytes)
}
const sequence = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })

const bpdu: fc.Arbitrary<ControlBpdu> = fc
  .record({
    role: fc.constantFrom('alternate', 'root', 'designated'),
    topologyChange: fc.boolean(),
    proposal: fc.boolean(),
    learning: fc.boolean(),
    forwarding: fc.boolean(),
    messageAge: fc.nat(255),
    maxAge: fc.integer({ min: 6, max: 64 }),
    helloMs: fc.integer({ min: 1, max: 0xffff }).map((units) => (units * 1000) / 256),
    rootPathCost: fc.nat(0xffff_ffff),
    rootId: bridgeId,
    bridgeId,
    portId: fc.nat(0xffff),
    number: fc.integer({ min: 1, max: 0xffff_ffff }),
    agreedNumber: fc.nat(0xffff_ffff),
  })
  .map((fields) => ({
    ...fields,
    learning: fields.learning || fields.forwarding,
    proposal: fields.proposal && fields.role === 'designated',
    agreedNumber: fields.role === 'designated' ? 0 : fields.agreedNumber,
  })) as fc.Arbitrary<ControlBpdu>

describe('control messages', () => {
  for (const { name, hex, fields } of vectors.bpdus)
    it(`read the published BPDU: ${name}`, () => {
      const decoded = decodeControlBpdu(bytesOf(hex))
      assert.ok(decoded)
      const { rootId, bridgeId: sender, ...rest } = decoded
      assert.deepEqual({ ...rest, rootId: hexOf(rootId), bridgeId: hexOf(sender) }, fields)
      assert.equal(hexOf(encodeControlBpdu(decoded)), hex)
    })

  for (const { name, hex, kind } of vectors.linkState)
    it(`read the published link state message: ${name}`, () => {
      assert.equal(linkStateKind(bytesOf(hex), 0, hex.length / 2), kind)
      assert.ok(isMessage(bytesOf(hex)))
    })

  for (const { name, hex } of vectors.refused)
    it(`refuse the published bytes: ${name}`, () => assert.equal(isMessage(bytesOf(hex)), false))

  it('are refused when cut at any offset, and when longer', () => {
    for (const { hex } of [...vectors.bpdus, ...vectors.linkState]) {
      const bytes = bytesOf(`${hex}00`)
      for (let length = 0; length < bytes.length - 1; length++)
        assert.equal(isMessage(bytes.subarray(0, length)), false, `${hex} at ${length}`)
      assert.equal(isMessage(bytes), false)
      assert.equal(isMessage(bytes, 0, bytes.length - 1), true)
      assert.equal(isMessage(bytes.subarray(0, 20), 0, 58), false)
    }
  })

  it('are never thrown about, whatever the bytes', () =>
    checkProperty(
      fc.property(
        fc.constantFrom(...vectors.bpdus, ...vectors.linkState),
        fc.array(fc.tuple(fc.nat(600), fc.nat(255))),
        (vector, changes) => {
          const bytes = bytesOf(vector.hex)
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
          isMessage(bytes)
        },
      ),
    ))
})

describe('BPDU', () => {
  it('returns what was encoded', () =>
    checkProperty(
      fc.property(bpdu, (fields) => assert.deepEqual(decodeControlBpdu(encodeControlBpdu(fields)), fields)),
    ))
})

describe('advertisement', () => {
  it('returns what was encoded', () =>
    checkProperty(
      fc.property(
        id,
        sequence,
        fc.array(id, { maxLength: MAX_ADVERTISED_NEIGHBOURS }),
        (origin, number, ids) => {
          const neighbours = ascending(ids.filter((other) => hexOf(other) !== hexOf(origin))).map(
            (other) => ({
              id: other,
              cost: 1 + (other[0]! << 3),
            }),
          )
          const bytes = encodeAdvertisement(origin, new Uint8Array(8).fill(3), number, neighbours)
          assert.ok(advertisementIsValid(bytes, 0, bytes.length))
          assert.equal(readSequence(bytes, ADVERTISEMENT_FIELD.sequence), number)
          assert.equal(bytes.length, ADVERTISEMENT_FIELD.neighbours + neighbours.length * NEIGHBOUR_BYTES)
        },
      ),
      { runs: 300 },
    ))

  it('has at most 64 neighbours', () => {
    const neighbours = Array.from({ length: 65 }, (_, i) => ({ id: new Uint8Array(16).fill(i + 1), cost: 1 }))
    const origin = new Uint8Array(16).fill(200)
    const most = encodeAdvertisement(origin, new Uint8Array(8), 1, neighbours.slice(1))
    assert.ok(advertisementIsValid(most, 0, most.length))
    const over = encodeAdvertisement(origin, new Uint8Array(8), 1, neighbours)
    assert.ok(!advertisementIsValid(over, 0, over.length))
  })
})

describe('digests, summaries and requests', () => {
  it('return what was encoded', () =>
    checkProperty(
      fc.property(fc.array(id, { minLength: 1, maxLength: MAX_SUMMARY_ENTRIES }), sequence, (ids, number) => {
        const sorted = ascending(ids)
        const entries = sorted.map((origin) => ({ id: origin, sequence: number }))
        const summary = encodeSummary(sorted[0]!, sorted.at(-1)!, entries)
        assert.ok(summaryIsValid(summary, 0, summary.length))
        assert.equal(summary.length, 36 + entries.length * SUMMARY_ENTRY_BYTES)
        const request = encodeRequest(sorted)
        assert.ok(requestIsValid(request, 0, request.length))
        const halves = new Uint32Array(2)
        const digest = encodeDigests('digest', Uint32Array.of(number, number / 7))
        assert.ok(decodeDigests(digest, 0, digest.length, halves))
        assert.deepEqual(halves, Uint32Array.of(number, number / 7))
      }),
      { runs: 200 },
    ))

  it('has entries within its range', () => {
    const [low, middle, high] = [1, 2, 3].map((fill) => new Uint8Array(16).fill(fill)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ]
    const isValid = (first: Uint8Array, last: Uint8Array, ids: Uint8Array[]) => {
      const bytes = encodeSummary(
        first,
        last,
        ids.map((origin) => ({ id: origin, sequence: 1 })),
      )
      return summaryIsValid(bytes, 0, bytes.length)
    }
    assert.ok(isValid(low, high, []))
    assert.ok(isValid(low, high, [low, middle, high]))
    assert.ok(!isValid(high, low, []))
    assert.ok(!isValid(middle, high, [low]))
    assert.ok(!isValid(low, middle, [high]))
    assert.ok(!isValid(low, high, [middle, middle]))
    assert.ok(!isValid(low, high, [high, middle]))
  })
})
