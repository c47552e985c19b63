import { ID_BYTES } from '@wakunet/interface'
import { BOOT_NONCE_BYTES, isZeroId, readU16, readU32, writeU16, writeU32 } from '@wakunet/record'
import { compareBytes } from './bytes.ts'
import { CONTROL_LINK_STATE, CONTROL_VERSION } from './message.ts'

/** Kinds of link state messages. */
export const LINK_STATE_KIND = { advertisement: 1, digest: 2, buckets: 3, summary: 4, request: 5 } as const
export type LinkStateKind = keyof typeof LINK_STATE_KIND

const KINDS = [null, 'advertisement', 'digest', 'buckets', 'summary', 'request'] as const
const HEADER_BYTES = 4

/** Most neighbours of an advertisement. */
export const MAX_ADVERTISED_NEIGHBOURS = 64
/** Most entries of a summary, most origins of a request. */
export const MAX_SUMMARY_ENTRIES = 128
/** Digests are compared by buckets of the origin's id: its upper 6 bits. */
export const DIGEST_BUCKETS = 64

/** In the count of an advertisement: the origin passes no unicast on. */
const FLAG_RELAYS_NOTHING = 0x80

/** Where the parts of an advertisement are. */
export const ADVERTISEMENT_FIELD = { sequence: 4, bootNonce: 12, origin: 20, neighbours: 36 } as const
/** A neighbour of an advertisement: node id, 16-bit cost. */
export const NEIGHBOUR_BYTES = ID_BYTES + 2
export const SUMMARY_FIELD = { first: 4, last: 20, entries: 36 } as const
/** An entry of a summary: node id, 64-bit sequence. */
export const SUMMARY_ENTRY_BYTES = ID_BYTES + 8
export const REQUEST_FIELD = { origins: 4 } as const

export interface AdvertisedNeighbour {
  /** 16 bytes. */
  readonly id: Uint8Array
  /** 1 to 65,535. */
  readonly cost: number
}

/** Kind of a link state message that may be malformed behind its header, or null. */
export function linkStateKind(bytes: Uint8Array, offset: number, length: number): LinkStateKind | null {
  if (length < HEADER_BYTES || offset + length > bytes.length) return null
  if (bytes[offset] !== CONTROL_LINK_STATE || bytes[offset + 1] !== CONTROL_VERSION) return null
  return KINDS[bytes[offset + 2]!] ?? null
}

function header(kind: LinkStateKind, count: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes[0] = CONTROL_LINK_STATE
  bytes[1] = CONTROL_VERSION
  bytes[2] = LINK_STATE_KIND[kind]
  bytes[3] = count
  return bytes
}

/** True for a sequence that an origin may use: 1 to `Number.MAX_SAFE_INTEGER`. */
function sequenceIsValid(bytes: Uint8Array, offset: number): boolean {
  const high = readU32(bytes, offset)
  return high < 0x20_0000 && (high !== 0 || readU32(bytes, offset + 4) !== 0)
}

export function readSequence(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset) * 0x1_0000_0000 + readU32(bytes, offset + 4)
}

function writeSequence(bytes: Uint8Array, offset: number, sequence: number): void {
  writeU32(bytes, offset, Math.floor(sequence / 0x1_0000_0000))
  writeU32(bytes, offset + 4, sequence % 0x1_0000_0000)
}

/** How many neighbours a valid advertisement names. */
export function advertisedNeighbours(bytes: Uint8Array, offset = 0): number {
  return bytes[offset + 3]! & ~FLAG_RELAYS_NOTHING
}

/** Whether the origin of a valid advertisement passes unicast on for others. */
export function advertisedRelay(bytes: Uint8Array, offset = 0): boolean {
  return (bytes[offset + 3]! & FLAG_RELAYS_NOTHING) === 0
}

/**
 * Writes an advertisement.
 * @param neighbours ascending by id, each once, without the origin, at most `MAX_ADVERTISED_NEIGHBOURS`
 * @param relays whether the origin passes unicast on for others
 */
export function encodeAdvertisement(
  origin: Uint8Array,
  bootNonce: Uint8Array,
  sequence: number,
  neighbours: readonly AdvertisedNeighbour[],
  relays = true,
): Uint8Array {
  const length = ADVERTISEMENT_FIELD.neighbours + neighbours.length * NEIGHBOUR_BYTES
  const bytes = header('advertisement', neighbours.length | (relays ? 0 : FLAG_RELAYS_NOTHING), length)
  writeSequence(bytes, ADVERTISEMENT_FIELD.sequence, sequence)
  bytes.set(bootNonce.subarray(0, BOOT_NONCE_BYTES), ADVERTISEMENT_FIELD.bootNonce)
  bytes.set(origin, ADVERTISEMENT_FIELD.origin)
  let at = ADVERTISEMENT_FIELD.neighbours as number
  for (const { id, cost } of neighbours) {
    bytes.set(id, at)
    writeU16(bytes, at + ID_BYTES, cost)
    at += NEIGHBOUR_BYTES
  }
  return bytes
}

/** Whether the advertisement that fills `length` bytes from `offset` is one; its fields are read in place. */
export function advertisementIsValid(bytes: Uint8Array, offset: number, length: number): boolean {
  if (linkStateKind(bytes, offset, length) !== 'advertisement') return false
  const count = advertisedNeighbours(bytes, offset)
  if (count > MAX_ADVERTISED_NEIGHBOURS) return false
  if (length !== ADVERTISEMENT_FIELD.neighbours + count * NEIGHBOUR_BYTES) return false
  const origin = offset + ADVERTISEMENT_FIELD.origin
  if (isZeroId(bytes, origin) || !sequenceIsValid(bytes, offset + ADVERTISEMENT_FIELD.sequence)) return false
  const first = offset + ADVERTISEMENT_FIELD.neighbours
  for (let i = 0; i < count; i++) {
    const at = first + i * NEIGHBOUR_BYTES
    if (readU16(bytes, at + ID_BYTES) === 0) return false
    if (i > 0 && compareBytes(bytes, at - NEIGHBOUR_BYTES, bytes, at, ID_BYTES) >= 0) return false
    if (bytes[at] === bytes[origin] && compareBytes(bytes, at, bytes, origin, ID_BYTES) === 0) return false
  }
  return true
}

/** Digests as pairs of 32-bit halves: one for a digest, `DIGEST_BUCKETS` for buckets. */
export function encodeDigests(kind: 'digest' | 'buckets', halves: Uint32Array): Uint8Array {
  const bytes = header(kind, 0, HEADER_BYTES + halves.length * 4)
  for (let i = 0; i < halves.length; i++) writeU32(bytes, HEADER_BYTES + i * 4, halves[i]!)
  return bytes
}

/** Reads a digest or buckets into `halves`; false where the length is another. */
export function decodeDigests(
  bytes: Uint8Array,
  offset: number,
  length: number,
  halves: Uint32Array,
): boolean {
  if (length !== HEADER_BYTES + halves.length * 4 || bytes[offset + 3] !== 0) return false
  for (let i = 0; i < halves.length; i++) halves[i] = readU32(bytes, offset + HEADER_BYTES + i * 4)
  return true
}

export interface SummaryEntry {
  readonly id: Uint8Array
  readonly sequence: number
}

/** @param entries ascending by id, within `first` and `last`, at most `MAX_SUMMARY_ENTRIES` */
export function encodeSummary(
  first: Uint8Array,
  last: Uint8Array,
  entries: readonly SummaryEntry[],
): Uint8Array {
  const bytes = header(
    'summary',
    entries.length,
    SUMMARY_FIELD.entries + entries.length * SUMMARY_ENTRY_BYTES,
  )
  bytes.set(first, SUMMARY_FIELD.first)
  bytes.set(last, SUMMARY_FIELD.last)
  let at = SUMMARY_FIELD.entries as number
  for (const { id, sequence } of entries) {
    bytes.set(id, at)
    writeSequence(bytes, at + ID_BYTES, sequence)
    at += SUMMARY_ENTRY_BYTES
  }
  return bytes
}

/** Whether the summary that fills `length` bytes from `offset` is one; its fields are read in place. */
export function summaryIsValid(bytes: Uint8Array, offset: number, length: number): boolean {
  if (linkStateKind(bytes, offset, length) !== 'summary') return false
  const count = bytes[offset + 3]!
  if (count > MAX_SUMMARY_ENTRIES || length !== SUMMARY_FIELD.entries + count * SUMMARY_ENTRY_BYTES)
    return false
  const last = offset + SUMMARY_FIELD.last
  let low = offset + SUMMARY_FIELD.first
  if (compareBytes(bytes, low, bytes, last, ID_BYTES) > 0) return false
  for (let i = 0; i < count; i++) {
    const at = offset + SUMMARY_FIELD.entries + i * SUMMARY_ENTRY_BYTES
    const order = compareBytes(bytes, low, bytes, at, ID_BYTES)
    // The first entry may be the first id of the range; after that each is higher than the one before.
    if (order > 0 || (order === 0 && i > 0)) return false
    if (compareBytes(bytes, at, bytes, last, ID_BYTES) > 0) return false
    if (!sequenceIsValid(bytes, at + ID_BYTES)) return false
    low = at
  }
  return true
}

/** @param origins 1 to `MAX_SUMMARY_ENTRIES` node ids */
export function encodeRequest(origins: readonly Uint8Array[]): Uint8Array {
  const bytes = header('request', origins.length, HEADER_BYTES + origins.length * ID_BYTES)
  for (const [i, id] of origins.entries()) bytes.set(id, HEADER_BYTES + i * ID_BYTES)
  return bytes
}

export function requestIsValid(bytes: Uint8Array, offset: number, length: number): boolean {
  if (linkStateKind(bytes, offset, length) !== 'request') return false
  const count = bytes[offset + 3]!
  return count > 0 && count <= MAX_SUMMARY_ENTRIES && length === HEADER_BYTES + count * ID_BYTES
}
