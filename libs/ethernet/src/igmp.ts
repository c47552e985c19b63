import { checksum16 } from './checksum.ts'
import { decodeFloatCode, encodeFloatCode, FLOAT_CODE_8 } from './float-code.ts'
import {
  decodeAddresses,
  decodeGroupRecords,
  encodeAddresses,
  encodeGroupRecords,
  type GroupRecord,
  groupRecordsBytes,
} from './multicast-record.ts'
import { isInside, readUint16, writeUint16 } from './numbers.ts'

/** Types of IGMP messages (RFC 3376 §4). */
export const IGMP_QUERY = 0x11
export const IGMP_V1_REPORT = 0x12
export const IGMP_V2_REPORT = 0x16
export const IGMP_V2_LEAVE = 0x17
export const IGMP_V3_REPORT = 0x22

const SHORT_BYTES = 8
const V3_QUERY_BYTES = 12
/** In an IGMPv1 query the response time is unused, and means ten seconds (RFC 2236 §4). */
const V1_RESPONSE_TENTHS = 100
/** Max Resp Code counts tenths of a second. */
const RESPONSE_UNIT_MS = 100

export interface IgmpQuery {
  readonly type: typeof IGMP_QUERY
  readonly version: 1 | 2 | 3
  readonly maxResponseMs: number
  /** Four bytes; all zero in a general query. Decoded: a view of the input. */
  readonly group: Uint8Array
  /** The fields that follow belong to version 3; in others they are false, 0 and none. */
  readonly suppress: boolean
  /** Querier's robustness variable, 0 to 7; 0 says nothing. */
  readonly robustness: number
  readonly intervalSeconds: number
  readonly sources: readonly Uint8Array[]
}

export type IgmpMessage =
  | IgmpQuery
  | {
      readonly type: typeof IGMP_V1_REPORT | typeof IGMP_V2_REPORT | typeof IGMP_V2_LEAVE
      readonly group: Uint8Array
    }
  | { readonly type: typeof IGMP_V3_REPORT; readonly records: readonly GroupRecord[] }

/**
 * Decodes the IGMP message that fills the payload of an IPv4 packet. What follows a complete message counts for
 * the checksum and is otherwise ignored (RFC 2236 §2.5, RFC 3376 §4.1.10).
 * @returns null for a wrong checksum, an unknown type, a cut message, or a query of no version (RFC 3376 §7.1)
 */
export function decodeIgmp(
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): IgmpMessage | null {
  if (!isInside(bytes, offset, length) || length < SHORT_BYTES) return null
  if (checksum16(bytes, offset, length) !== 0) return null
  const type = bytes[offset]!
  switch (type) {
    case IGMP_QUERY:
      return decodeQuery(bytes, offset, length)
    case IGMP_V1_REPORT:
    case IGMP_V2_REPORT:
    case IGMP_V2_LEAVE:
      return { type, group: bytes.subarray(offset + 4, offset + 8) }
    case IGMP_V3_REPORT: {
      const count = readUint16(bytes, offset + 6)
      const records = decodeGroupRecords(bytes, offset + SHORT_BYTES, offset + length, count, 4)
      return records === null ? null : { type, records }
    }
    default:
      return null
  }
}

function decodeQuery(bytes: Uint8Array, offset: number, length: number): IgmpQuery | null {
  const code = bytes[offset + 1]!
  const group = bytes.subarray(offset + 4, offset + 8)
  if (length === SHORT_BYTES) {
    const version = code === 0 ? 1 : 2
    const maxResponseMs = (version === 1 ? V1_RESPONSE_TENTHS : code) * RESPONSE_UNIT_MS
    return {
      type: IGMP_QUERY,
      version,
      maxResponseMs,
      group,
      suppress: false,
      robustness: 0,
      intervalSeconds: 0,
      sources: [],
    }
  }
  if (length < V3_QUERY_BYTES) return null
  const count = readUint16(bytes, offset + 10)
  const sources = decodeAddresses(bytes, offset + V3_QUERY_BYTES, offset + length, count, 4)
  if (sources === null) return null
  return {
    type: IGMP_QUERY,
    version: 3,
    maxResponseMs: decodeFloatCode(code, FLOAT_CODE_8) * RESPONSE_UNIT_MS,
    group,
    suppress: (bytes[offset + 8]! & 0x08) !== 0,
    robustness: bytes[offset + 8]! & 0x07,
    intervalSeconds: decodeFloatCode(bytes[offset + 9]!, FLOAT_CODE_8),
    sources,
  }
}

/** The message with its checksum. Times are rounded down to what their codes can say. */
export function encodeIgmp(message: IgmpMessage): Uint8Array {
  const bytes = new Uint8Array(messageBytes(message))
  bytes[0] = message.type
  if (message.type === IGMP_V3_REPORT) {
    writeUint16(bytes, 6, message.records.length)
    encodeGroupRecords(bytes, SHORT_BYTES, message.records)
  } else {
    bytes.set(message.group, 4)
    if (message.type === IGMP_QUERY) encodeQuery(message, bytes)
  }
  writeUint16(bytes, 2, checksum16(bytes, 0, bytes.length))
  return bytes
}

function messageBytes(message: IgmpMessage): number {
  if (message.type === IGMP_V3_REPORT) return SHORT_BYTES + groupRecordsBytes(message.records)
  if (message.type !== IGMP_QUERY || message.version !== 3) return SHORT_BYTES
  return V3_QUERY_BYTES + 4 * message.sources.length
}

function encodeQuery(query: IgmpQuery, bytes: Uint8Array): void {
  const tenths = query.maxResponseMs / RESPONSE_UNIT_MS
  if (query.version === 2) bytes[1] = Math.min(0xff, Math.trunc(tenths))
  if (query.version !== 3) return
  bytes[1] = encodeFloatCode(tenths, FLOAT_CODE_8)
  bytes[8] = (query.suppress ? 0x08 : 0) | query.robustness
  bytes[9] = encodeFloatCode(query.intervalSeconds, FLOAT_CODE_8)
  writeUint16(bytes, 10, query.sources.length)
  encodeAddresses(bytes, V3_QUERY_BYTES, query.sources)
}
