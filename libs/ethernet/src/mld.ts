import { decodeFloatCode, encodeFloatCode, FLOAT_CODE_8, FLOAT_CODE_16 } from './float-code.ts'
import { icmpv6Sum, storeIcmpv6Checksum } from './icmpv6.ts'
import { type Ipv6Packet, PROTOCOL_HOP_BY_HOP, PROTOCOL_ICMPV6 } from './ipv6.ts'
import {
  decodeAddresses,
  decodeGroupRecords,
  encodeAddresses,
  encodeGroupRecords,
  type GroupRecord,
  groupRecordsBytes,
} from './multicast-record.ts'
import { readUint16, writeUint16 } from './numbers.ts'

/** Types of MLD messages (RFC 2710 §3.1, RFC 3810 §5). */
export const MLD_QUERY = 130
export const MLD_V1_REPORT = 131
export const MLD_V1_DONE = 132
export const MLD_V2_REPORT = 143

const SHORT_BYTES = 24
const V2_QUERY_BYTES = 28
const REPORT_HEADER_BYTES = 8

/** What every MLD message travels behind: hop-by-hop options with Router Alert for MLD (RFC 2711 §2.1) and padding. */
const ROUTER_ALERT = Uint8Array.of(PROTOCOL_ICMPV6, 0, 5, 2, 0, 0, 1, 0)
const OPTION_PAD1 = 0
const OPTION_ROUTER_ALERT = 5

export interface MldQuery {
  readonly type: typeof MLD_QUERY
  readonly version: 1 | 2
  readonly maxResponseMs: number
  /** Sixteen bytes; all zero in a general query. Decoded: a view of the input. */
  readonly group: Uint8Array
  /** The fields that follow belong to version 2; in version 1 they are false, 0 and none. */
  readonly suppress: boolean
  readonly robustness: number
  readonly intervalSeconds: number
  readonly sources: readonly Uint8Array[]
}

export type MldMessage =
  | MldQuery
  | { readonly type: typeof MLD_V1_REPORT | typeof MLD_V1_DONE; readonly group: Uint8Array }
  | { readonly type: typeof MLD_V2_REPORT; readonly records: readonly GroupRecord[] }

/**
 * Decodes the MLD message of an IPv6 packet. What follows a complete message is ignored (RFC 3810 §5.1.11).
 * @returns null for anything that RFC 3810 §6.2 and §7.4 tell a router to drop: hop limit not 1, no Router Alert
 * in a hop-by-hop header, wrong checksum, cut off; and for an unknown type or a query of no version (§8.1)
 */
export function decodeMld(packet: Ipv6Packet): MldMessage | null {
  if (packet.nextHeader !== PROTOCOL_HOP_BY_HOP || packet.hopLimit !== 1) return null
  const start = behindRouterAlert(packet.payload)
  if (start === 0) return null
  const bytes = packet.payload.subarray(start)
  if (bytes.length < REPORT_HEADER_BYTES) return null
  if (icmpv6Sum(packet.source, packet.destination, bytes) !== 0xffff) return null
  return decodeMessage(bytes)
}

/** The payload of an IPv6 packet (next header `PROTOCOL_HOP_BY_HOP`, hop limit 1) between these addresses. */
export function encodeMld(message: MldMessage, source: Uint8Array, destination: Uint8Array): Uint8Array {
  const payload = new Uint8Array(ROUTER_ALERT.length + messageBytes(message))
  payload.set(ROUTER_ALERT)
  const bytes = payload.subarray(ROUTER_ALERT.length)
  bytes[0] = message.type
  if (message.type === MLD_V2_REPORT) {
    writeUint16(bytes, 6, message.records.length)
    encodeGroupRecords(bytes, REPORT_HEADER_BYTES, message.records)
  } else {
    bytes.set(message.group, 8)
    if (message.type === MLD_QUERY) encodeQuery(message, bytes)
  }
  storeIcmpv6Checksum(source, destination, bytes)
  return payload
}

/** Where the ICMPv6 message starts; 0 without a hop-by-hop header that has a Router Alert for MLD in it. */
function behindRouterAlert(payload: Uint8Array): number {
  const end = ((payload[1] ?? 0) + 1) * 8
  if (end > payload.length || payload[0] !== PROTOCOL_ICMPV6) return 0
  for (let position = 2; position < end; ) {
    const type = payload[position]!
    if (type === OPTION_PAD1) {
      position++
      continue
    }
    const length = payload[position + 1]!
    if (position + 2 + length > end) return 0
    if (type === OPTION_ROUTER_ALERT && length === 2 && readUint16(payload, position + 2) === 0) return end
    position += 2 + length
  }
  return 0
}

function decodeMessage(bytes: Uint8Array): MldMessage | null {
  const type = bytes[0]!
  if (type === MLD_V2_REPORT) {
    const count = readUint16(bytes, 6)
    const records = decodeGroupRecords(bytes, REPORT_HEADER_BYTES, bytes.length, count, 16)
    return records === null ? null : { type, records }
  }
  if (bytes.length < SHORT_BYTES) return null
  if (type === MLD_QUERY) return decodeQuery(bytes)
  if (type !== MLD_V1_REPORT && type !== MLD_V1_DONE) return null
  return { type, group: bytes.subarray(8, 24) }
}

function decodeQuery(bytes: Uint8Array): MldQuery | null {
  const code = readUint16(bytes, 4)
  const group = bytes.subarray(8, 24)
  if (bytes.length === SHORT_BYTES) {
    return {
      type: MLD_QUERY,
      version: 1,
      maxResponseMs: code,
      group,
      suppress: false,
      robustness: 0,
      intervalSeconds: 0,
      sources: [],
    }
  }
  if (bytes.length < V2_QUERY_BYTES) return null
  const sources = decodeAddresses(bytes, V2_QUERY_BYTES, bytes.length, readUint16(bytes, 26), 16)
  if (sources === null) return null
  return {
    type: MLD_QUERY,
    version: 2,
    maxResponseMs: decodeFloatCode(code, FLOAT_CODE_16),
    group,
    suppress: (bytes[24]! & 0x08) !== 0,
    robustness: bytes[24]! & 0x07,
    intervalSeconds: decodeFloatCode(bytes[25]!, FLOAT_CODE_8),
    sources,
  }
}

function messageBytes(message: MldMessage): number {
  if (message.type === MLD_V2_REPORT) return REPORT_HEADER_BYTES + groupRecordsBytes(message.records)
  if (message.type !== MLD_QUERY || message.version !== 2) return SHORT_BYTES
  return V2_QUERY_BYTES + 16 * message.sources.length
}

function encodeQuery(query: MldQuery, bytes: Uint8Array): void {
  if (query.version === 1) {
    writeUint16(bytes, 4, Math.min(0xffff, Math.trunc(query.maxResponseMs)))
    return
  }
  writeUint16(bytes, 4, encodeFloatCode(query.maxResponseMs, FLOAT_CODE_16))
  bytes[24] = (query.suppress ? 0x08 : 0) | query.robustness
  bytes[25] = encodeFloatCode(query.intervalSeconds, FLOAT_CODE_8)
  writeUint16(bytes, 26, query.sources.length)
  encodeAddresses(bytes, V2_QUERY_BYTES, query.sources)
}
