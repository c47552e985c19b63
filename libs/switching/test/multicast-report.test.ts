import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { decodeGossipDigest, decodeGossipRequest, decodeGossipSummary, gossipKind } from '@wakunet/gossip'
import fc from 'fast-check'
import { CONTROL_MULTICAST_REPORT } from '../src/control/message.ts'
import {
  decodeMulticastReport,
  encodeMulticastReport,
  MAX_REPORT_BYTES,
  MAX_REPORTED_GROUPS,
  MAX_REPORTED_SOURCES,
  type MulticastReport,
  type ReportedGroup,
} from '../src/control/multicast-report.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))
const decoders = [
  decodeMulticastReport,
  ...[decodeGossipDigest, decodeGossipSummary, decodeGossipRequest].map(
    (decode) => (bytes: Uint8Array) => decode(CONTROL_MULTICAST_REPORT, bytes),
  ),
]

/** Byte arrays as hexadecimal text. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value)
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]))
}

const sorted = (items: Uint8Array[]) => items.sort((a, b) => a.length - b.length || Buffer.compare(a, b))
const addresses = (length: number, max: number) =>
  fc
    .uniqueArray(fc.uint8Array({ minLength: length, maxLength: length }), { maxLength: max, selector: hex })
    .map(sorted)
const group = fc.constantFrom(4, 16).chain((length) =>
  fc
    .record({
      address: fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => {
        bytes[0] = length === 4 ? 0xe0 | (bytes[0]! & 0x0f) : 0xff
        return bytes
      }),
      exclude: fc.boolean(),
      sources: addresses(length, 4),
    })
    .map((value) => ({ ...value, exclude: value.exclude || value.sources.length === 0 })),
)
const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => {
  bytes[15]! |= 1
  return bytes
})
const report: fc.Arbitrary<MulticastReport> = fc.record({
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  origin: id,
  router: fc.boolean(),
  groups: fc
    .uniqueArray(group, { maxLength: 6, selector: ({ address }) => hex(address) })
    .map((groups) =>
      groups.sort((a, b) => a.address.length - b.address.length || Buffer.compare(a.address, b.address)),
    ),
})
const ORIGIN = new Uint8Array(16).fill(9)
const base = (groups: readonly ReportedGroup[]): MulticastReport => ({
  sequence: 1,
  origin: ORIGIN,
  router: false,
  groups,
})

describe('multicast membership messages', () => {
  it('read the vectors of the protocol, and refuse those that are to be refused', () => {
    const { accepted, refused } = JSON.parse(
      readFileSync(new URL('./multicast-report-vectors.json', import.meta.url), 'utf8'),
    ) as { accepted: { hex: string; decoded: unknown }[]; refused: { hex: string; why: string }[] }
    for (const vector of accepted) {
      const bytes = bytesOf(vector.hex)
      const decoded = decoders.map((decode) => decode(bytes)).filter((value) => value !== null)
      assert.deepEqual(decoded.map(plain), [vector.decoded])
    }
    for (const { hex: text, why } of refused)
      for (const decode of decoders) assert.equal(decode(bytesOf(text)), null, why)
  })

  it('come back, and are refused at every truncation and with a byte more', () => {
    fc.assert(
      fc.property(report, (value) => {
        const bytes = encodeMulticastReport(value)
        assert.deepEqual(plain(decodeMulticastReport(bytes)), plain(value))
        assert.equal(gossipKind(CONTROL_MULTICAST_REPORT, bytes, 0, bytes.length), 'document')
        for (let length = 0; length < bytes.length; length++)
          assert.equal(decodeMulticastReport(bytes, 0, length), null)
        assert.equal(decodeMulticastReport(Uint8Array.of(...bytes, 0)), null)
        const shifted = Uint8Array.of(7, ...bytes, 7)
        assert.deepEqual(plain(decodeMulticastReport(shifted, 1, bytes.length)), plain(value))
      }),
      { numRuns: 60 },
    )
  })

  it('never throw, whatever the bytes are', () => {
    const start = fc.constantFrom([3, 1, 1], [3, 1, 2], [3, 1, 3], [3, 1, 4], [3, 1, 1, 1])
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 120 }), (head, rest) => {
        for (const decode of decoders) decode(Uint8Array.of(...head, ...rest))
      }),
      { numRuns: 1000 },
    )
  })

  it('as many groups and sources as there may be fit; sources that do not fit are asked for all at once', () => {
    const address = (i: number) => Uint8Array.of(0xff, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, i >>> 8, i)
    const sources = Array.from({ length: MAX_REPORTED_SOURCES }, (_, i) => address(i))
    const groups = Array.from({ length: MAX_REPORTED_GROUPS }, (_, i) => ({
      address: address(i),
      exclude: false,
      sources,
    }))
    const bytes = encodeMulticastReport(base(groups))
    assert.ok(bytes.length <= MAX_REPORT_BYTES)
    const decoded = decodeMulticastReport(bytes)!
    assert.equal(decoded.groups.length, MAX_REPORTED_GROUPS)
    assert.equal(decoded.groups[0]!.sources.length, MAX_REPORTED_SOURCES)
    assert.deepEqual(decoded.groups.at(-1), {
      address: address(MAX_REPORTED_GROUPS - 1),
      exclude: true,
      sources: [],
    })
    const all = groups.map((entry) => ({ ...entry, exclude: true, sources: [] }))
    const tooMany = encodeMulticastReport(
      base([...all, { address: address(2000), exclude: true, sources: [] }]),
    )
    assert.equal(decodeMulticastReport(tooMany), null)
  })
})
