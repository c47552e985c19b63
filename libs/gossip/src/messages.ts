import { ID_BYTES } from '@wakunet/interface'
import { readU32, writeU32 } from '@wakunet/record'
import { compareIdsAt } from './node-ids.ts'

/** Kinds of the messages of one control type; what a document is, the type says. */
export const GOSSIP_KIND = { document: 1, digest: 2, summary: 3, request: 4 } as const
export type GossipKind = keyof typeof GOSSIP_KIND
const KINDS = [null, 'document', 'digest', 'summary', 'request'] as const

/** Type, version, kind and a byte of the kind's own. */
export const GOSSIP_HEADER_BYTES = 4
/** Where every document has what it is told apart by: before it is read, it is known whether it is news. */
export const DOCUMENT_FIELD = { sequence: 4, origin: 12, rest: 28 } as const
const VERSION = 1
export const SUMMARY_FIELD = { first: 4, last: 20, entries: 36 } as const
export const SUMMARY_ENTRY_BYTES = ID_BYTES + 8
const DIGEST_BYTES = GOSSIP_HEADER_BYTES + 8

/** Most entries of a summary, most origins of a request. */
export const MAX_GOSSIP_ENTRIES = 128

export interface GossipDigest {
  readonly high: number
  readonly low: number
}

export interface GossipSummaryEntry {
  /** 16 bytes. */
  readonly origin: Uint8Array
  readonly sequence: number
}

/** Documents that the sender has of the origins from the first to the last id; what is not named there it has not. */
export interface GossipSummary {
  readonly first: Uint8Array
  readonly last: Uint8Array
  /** Ascending by origin. */
  readonly entries: readonly GossipSummaryEntry[]
}

/** Kind of a message of a type that may be malformed behind its header, or null. */
export function gossipKind(
  type: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): GossipKind | null {
  if (length < GOSSIP_HEADER_BYTES || offset + length > bytes.length) return null
  if (bytes[offset] !== type || bytes[offset + 1] !== VERSION) return null
  return KINDS[bytes[offset + 2]!] ?? null
}

/** A message of `length` bytes with nothing but its header. */
export function newGossipMessage(
  type: number,
  kind: GossipKind,
  fourth: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  bytes[0] = type
  bytes[1] = VERSION
  bytes[2] = GOSSIP_KIND[kind]
  bytes[3] = fourth
  return bytes
}

export function encodeGossipDigest(type: number, { high, low }: GossipDigest): Uint8Array {
  const bytes = newGossipMessage(type, 'digest', 0, DIGEST_BYTES)
  writeU32(bytes, GOSSIP_HEADER_BYTES, high)
  writeU32(bytes, GOSSIP_HEADER_BYTES + 4, low)
  return bytes
}

export function decodeGossipDigest(
  type: number,
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): GossipDigest | null {
  if (gossipKind(type, bytes, offset, length) !== 'digest') return null
  if (length !== DIGEST_BYTES || bytes[offset + 3] !== 0) return null
  const at = offset + GOSSIP_HEADER_BYTES
  return { high: readU32(bytes, at), low: readU32(bytes, at + 4) }
}

/** @param summary at most `MAX_GOSSIP_ENTRIES` entries, within its range */
export function encodeGossipSummary(type: number, { first, last, entries }: GossipSummary): Uint8Array {
  const length = SUMMARY_FIELD.entries + entries.length * SUMMARY_ENTRY_BYTES
  const bytes = newGossipMessage(type, 'summary', entries.length, length)
  bytes.set(first, SUMMARY_FIELD.first)
  bytes.set(last, SUMMARY_FIELD.last)
  for (const [i, { origin, sequence }] of entries.entries()) {
    const at = SUMMARY_FIELD.entries + i * SUMMARY_ENTRY_BYTES
    bytes.set(origin, at)
    writeSequence(bytes, at + ID_BYTES, sequence)
  }
  return bytes
}

/** Whether the summary that fills `length` bytes from `offset` is one; then its entries can be read in their places. */
export function gossipSummaryIsValid(
  type: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): boolean {
  if (gossipKind(type, bytes, offset, length) !== 'summary') return false
  const count = bytes[offset + 3]!
  if (count > MAX_GOSSIP_ENTRIES) return false
  if (length !== SUMMARY_FIELD.entries + count * SUMMARY_ENTRY_BYTES) return false
  let before = offset + SUMMARY_FIELD.first
  for (let i = 0; i < count; i++) {
    const at = offset + SUMMARY_FIELD.entries + i * SUMMARY_ENTRY_BYTES
    const order = compareIdsAt(bytes, before, bytes, at)
    // The first entry may be the first of the range.
    if (order > 0 || (order === 0 && i > 0) || readSequence(bytes, at + ID_BYTES) === null) return false
    before = at
  }
  return compareIdsAt(bytes, before, bytes, offset + SUMMARY_FIELD.last) <= 0
}

export function decodeGossipSummary(
  type: number,
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): GossipSummary | null {
  if (!gossipSummaryIsValid(type, bytes, offset, length)) return null
  const entries = Array.from({ length: bytes[offset + 3]! }, (_, i) => {
    const at = offset + SUMMARY_FIELD.entries + i * SUMMARY_ENTRY_BYTES
    return { origin: idAt(bytes, at), sequence: readSequence(bytes, at + ID_BYTES)! }
  })
  return {
    first: idAt(bytes, offset + SUMMARY_FIELD.first),
    last: idAt(bytes, offset + SUMMARY_FIELD.last),
    entries,
  }
}

/** @param origins 1 to `MAX_GOSSIP_ENTRIES` node ids */
export function encodeGossipRequest(type: number, origins: readonly Uint8Array[]): Uint8Array {
  const length = GOSSIP_HEADER_BYTES + origins.length * ID_BYTES
  const bytes = newGossipMessage(type, 'request', origins.length, length)
  for (const [i, id] of origins.entries()) bytes.set(id, GOSSIP_HEADER_BYTES + i * ID_BYTES)
  return bytes
}

export function decodeGossipRequest(
  type: number,
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): Uint8Array[] | null {
  if (gossipKind(type, bytes, offset, length) !== 'request') return null
  const count = bytes[offset + 3]!
  if (count === 0 || count > MAX_GOSSIP_ENTRIES) return null
  if (length !== GOSSIP_HEADER_BYTES + count * ID_BYTES) return null
  return Array.from({ length: count }, (_, i) => idAt(bytes, offset + GOSSIP_HEADER_BYTES + i * ID_BYTES))
}

/** A 64-bit integer from 1 to `Number.MAX_SAFE_INTEGER`, or null. */
export function readSequence(bytes: Uint8Array, offset: number): number | null {
  const high = readU32(bytes, offset)
  const sequence = high * 0x1_0000_0000 + readU32(bytes, offset + 4)
  return high >= 0x20_0000 || sequence === 0 ? null : sequence
}

export function writeSequence(bytes: Uint8Array, offset: number, sequence: number): void {
  writeU32(bytes, offset, Math.floor(sequence / 0x1_0000_0000))
  writeU32(bytes, offset + 4, sequence % 0x1_0000_0000)
}

function idAt(bytes: Uint8Array, offset: number): Uint8Array {
  return bytes.slice(offset, offset + ID_BYTES)
}
