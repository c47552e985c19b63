import { isInside, readUint16, writeUint16 } from './numbers.ts'

/** What a group record of IGMPv3 or MLDv2 says (RFC 3376 §4.2.12, RFC 3810 §5.2.12). */
export const RECORD_IS_INCLUDE = 1
export const RECORD_IS_EXCLUDE = 2
export const RECORD_TO_INCLUDE = 3
export const RECORD_TO_EXCLUDE = 4
export const RECORD_ALLOW = 5
export const RECORD_BLOCK = 6

/** Header of a group record, before the group address. */
const RECORD_HEADER_BYTES = 4

export interface GroupRecord {
  /** `RECORD_IS_INCLUDE` to `RECORD_BLOCK`, or one of a later protocol, which a receiver ignores. */
  readonly type: number
  /** 4 or 16 bytes. Decoded addresses are views of the input. */
  readonly group: Uint8Array
  readonly sources: readonly Uint8Array[]
}

/**
 * Decodes `count` group records that end at or before `end`; auxiliary data is skipped (RFC 3376 §4.2.11).
 * The bytes bound what is allocated: a record has at least eight.
 */
export function decodeGroupRecords(
  bytes: Uint8Array,
  offset: number,
  end: number,
  count: number,
  addressBytes: 4 | 16,
): GroupRecord[] | null {
  const records: GroupRecord[] = []
  let position = offset
  for (let i = 0; i < count; i++) {
    if (position + RECORD_HEADER_BYTES + addressBytes > end) return null
    const group = position + RECORD_HEADER_BYTES
    const sources = decodeAddresses(
      bytes,
      group + addressBytes,
      end,
      readUint16(bytes, position + 2),
      addressBytes,
    )
    if (sources === null) return null
    const auxiliaryBytes = bytes[position + 1]! * 4
    records.push({ type: bytes[position]!, group: bytes.subarray(group, group + addressBytes), sources })
    position = group + addressBytes * (1 + sources.length) + auxiliaryBytes
    if (position > end) return null
  }
  return records
}

export function groupRecordsBytes(records: readonly GroupRecord[]): number {
  return records.reduce(
    (sum, { group, sources }) => sum + RECORD_HEADER_BYTES + group.length * (1 + sources.length),
    0,
  )
}

export function encodeGroupRecords(bytes: Uint8Array, offset: number, records: readonly GroupRecord[]): void {
  let position = offset
  for (const { type, group, sources } of records) {
    bytes[position] = type
    writeUint16(bytes, position + 2, sources.length)
    bytes.set(group, position + RECORD_HEADER_BYTES)
    position = encodeAddresses(bytes, position + RECORD_HEADER_BYTES + group.length, sources)
  }
}

/** `count` addresses from `offset`, null where they reach behind `end`. */
export function decodeAddresses(
  bytes: Uint8Array,
  offset: number,
  end: number,
  count: number,
  addressBytes: number,
): Uint8Array[] | null {
  if (offset + count * addressBytes > end || !isInside(bytes, offset, count * addressBytes)) return null
  return Array.from({ length: count }, (_, i) =>
    bytes.subarray(offset + i * addressBytes, offset + (i + 1) * addressBytes),
  )
}

/** @returns the position behind the last address */
export function encodeAddresses(bytes: Uint8Array, offset: number, addresses: readonly Uint8Array[]): number {
  let position = offset
  for (const address of addresses) {
    bytes.set(address, position)
    position += address.length
  }
  return position
}
