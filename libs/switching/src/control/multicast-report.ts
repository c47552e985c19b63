import { ID_BYTES } from '@wakunet/interface'
import { isZeroId, readU16, readU32, writeU16, writeU32 } from '@wakunet/record'
import { compareBytes } from './bytes.ts'
import { CONTROL_MULTICAST_REPORT, CONTROL_VERSION } from './message.ts'

/** Kinds of multicast membership messages. */
export const MULTICAST_KIND = { report: 1, digest: 2, summary: 3, request: 4 } as const
export type MulticastKind = keyof typeof MULTICAST_KIND
const KINDS = [null, 'report', 'digest', 'summary', 'request'] as const

const HEADER_BYTES = 4
const REPORT_FIELD = { sequence: 4, origin: 12, groupCount: 28, reserved: 30, groups: 32 } as const
const SUMMARY_FIELD = { first: 4, last: 20, entries: 36 } as const
const GROUP_HEADER_BYTES = 2
const SUMMARY_ENTRY_BYTES = ID_BYTES + 8
const DIGEST_BYTES = HEADER_BYTES + 8

const FLAG_ROUTER = 1
const MODE_EXCLUDE = 1
const MODE_IPV6 = 2

/** Most groups of a report. */
export const MAX_REPORTED_GROUPS = 1_024
/** Most sources of one group in a report. */
export const MAX_REPORTED_SOURCES = 64
/** Most bytes of a report; all groups fit without their sources. */
export const MAX_REPORT_BYTES = 32_768
/** Most entries of a summary, most origins of a request. */
export const MAX_MULTICAST_ENTRIES = 128

/** What one member wants of one group. */
export interface ReportedGroup {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array
  /** All sources but the listed ones. */
  readonly exclude: boolean
  /** Ascending, each once, at most `MAX_REPORTED_SOURCES`; one at least where `exclude` is false. */
  readonly sources: readonly Uint8Array[]
}

/** Everything that one member wants. */
export interface MulticastReport {
  readonly sequence: number
  /** 16 bytes. */
  readonly origin: Uint8Array
  /** A multicast router is on its side: it gets every group. */
  readonly router: boolean
  /** IPv4 before IPv6, ascending, each once. */
  readonly groups: readonly ReportedGroup[]
}

export interface ReportSummaryEntry {
  /** 16 bytes. */
  readonly origin: Uint8Array
  readonly sequence: number
}

/** Reports that the sender has of the origins from the first to the last id; what is not named there it has not. */
export interface ReportSummary {
  readonly first: Uint8Array
  readonly last: Uint8Array
  /** Ascending by origin. */
  readonly entries: readonly ReportSummaryEntry[]
}

/** Kind of a message that may be malformed behind its header, or null. */
export function multicastKind(bytes: Uint8Array, offset: number, length: number): MulticastKind | null {
  if (length < HEADER_BYTES || offset + length > bytes.length) return null
  if (bytes[offset] !== CONTROL_MULTICAST_REPORT || bytes[offset + 1] !== CONTROL_VERSION) return null
  return KINDS[bytes[offset + 2]!] ?? null
}

/**
 * Writes a report. Sources that do not fit `MAX_REPORT_BYTES` are left out, and their group asks for all sources
 * instead: too much is better than nothing.
 * @param report at most `MAX_REPORTED_GROUPS` groups
 */
export function encodeMulticastReport(report: MulticastReport): Uint8Array {
  const groups = fitGroups(report.groups)
  const length = groups.reduce((sum, group) => sum + groupBytes(group), REPORT_FIELD.groups as number)
  const bytes = header('report', report.router ? FLAG_ROUTER : 0, length)
  writeSequence(bytes, REPORT_FIELD.sequence, report.sequence)
  bytes.set(report.origin, REPORT_FIELD.origin)
  writeU16(bytes, REPORT_FIELD.groupCount, groups.length)
  let at = REPORT_FIELD.groups as number
  for (const { address, exclude, sources } of groups) {
    bytes[at] = (exclude ? MODE_EXCLUDE : 0) | (address.length === 16 ? MODE_IPV6 : 0)
    bytes[at + 1] = sources.length
    at += GROUP_HEADER_BYTES
    for (const part of [address, ...sources]) {
      bytes.set(part, at)
      at += part.length
    }
  }
  return bytes
}

/** Reads the report that fills `length` bytes from `offset`; null for anything that a sender must not say. */
export function decodeMulticastReport(
  bytes: Uint8Array,
  offset = 0,
  length = bytes.length - offset,
): MulticastReport | null {
  if (multicastKind(bytes, offset, length) !== 'report' || length > MAX_REPORT_BYTES) return null
  if (length < REPORT_FIELD.groups || (bytes[offset + 3]! & ~FLAG_ROUTER) !== 0) return null
  const count = readU16(bytes, offset + REPORT_FIELD.groupCount)
  if (count > MAX_REPORTED_GROUPS || readU16(bytes, offset + REPORT_FIELD.reserved) !== 0) return null
  const sequence = readSequence(bytes, offset + REPORT_FIELD.sequence)
  const origin = offset + REPORT_FIELD.origin
  if (sequence === null || isZeroId(bytes, origin)) return null
  const groups = decodeGroups(bytes, offset + REPORT_FIELD.groups, offset + length, count)
  if (groups === null) return null
  return {
    sequence,
    origin: bytes.slice(origin, origin + ID_BYTES),
    router: bytes[offset + 3] === FLAG_ROUTER,
    groups,
  }
}

function decodeGroups(bytes: Uint8Array, start: number, end: number, count: number): ReportedGroup[] | null {
  const groups: ReportedGroup[] = []
  let at = start
  for (let i = 0; i < count; i++) {
    const group = decodeGroup(bytes, at, end)
    if (group === null || !isMulticastAddress(group.address)) return null
    const before = groups[i - 1]
    if (before !== undefined && order(before.address, group.address) >= 0) return null
    groups.push(group)
    at += groupBytes(group)
  }
  return at === end ? groups : null
}

function decodeGroup(bytes: Uint8Array, at: number, end: number): ReportedGroup | null {
  const mode = bytes[at]!
  const addressBytes = (mode & MODE_IPV6) === 0 ? 4 : 16
  if (at + GROUP_HEADER_BYTES + addressBytes > end || (mode & ~(MODE_EXCLUDE | MODE_IPV6)) !== 0) return null
  const exclude = (mode & MODE_EXCLUDE) !== 0
  const count = bytes[at + 1]!
  if (count > MAX_REPORTED_SOURCES || (count === 0 && !exclude)) return null
  const first = at + GROUP_HEADER_BYTES + addressBytes
  if (first + count * addressBytes > end) return null
  const sources: Uint8Array[] = []
  for (let i = 0; i < count; i++) {
    const source = bytes.slice(first + i * addressBytes, first + (i + 1) * addressBytes)
    if (i > 0 && order(sources[i - 1]!, source) >= 0) return null
    sources.push(source)
  }
  return { address: bytes.slice(first - addressBytes, first), exclude, sources }
}

export function encodeReportDigest(high: number, low: number): Uint8Array {
  const bytes = header('digest', 0, DIGEST_BYTES)
  writeU32(bytes, HEADER_BYTES, high)
  writeU32(bytes, HEADER_BYTES + 4, low)
  return bytes
}

export function decodeReportDigest(
  bytes: Uint8Array,
  offset = 0,
  length = bytes.length - offset,
): { readonly high: number; readonly low: number } | null {
  if (multicastKind(bytes, offset, length) !== 'digest') return null
  if (length !== DIGEST_BYTES || bytes[offset + 3] !== 0) return null
  return { high: readU32(bytes, offset + HEADER_BYTES), low: readU32(bytes, offset + HEADER_BYTES + 4) }
}

/** @param summary at most `MAX_MULTICAST_ENTRIES` entries, within its range */
export function encodeReportSummary({ first, last, entries }: ReportSummary): Uint8Array {
  const length = SUMMARY_FIELD.entries + entries.length * SUMMARY_ENTRY_BYTES
  const bytes = header('summary', entries.length, length)
  bytes.set(first, SUMMARY_FIELD.first)
  bytes.set(last, SUMMARY_FIELD.last)
  for (const [i, { origin, sequence }] of entries.entries()) {
    const at = SUMMARY_FIELD.entries + i * SUMMARY_ENTRY_BYTES
    bytes.set(origin, at)
    writeSequence(bytes, at + ID_BYTES, sequence)
  }
  return bytes
}

export function decodeReportSummary(
  bytes: Uint8Array,
  offset = 0,
  length = bytes.length - offset,
): ReportSummary | null {
  if (multicastKind(bytes, offset, length) !== 'summary') return null
  const count = bytes[offset + 3]!
  if (count > MAX_MULTICAST_ENTRIES) return null
  if (length !== SUMMARY_FIELD.entries + count * SUMMARY_ENTRY_BYTES) return null
  const first = idAt(bytes, offset + SUMMARY_FIELD.first)
  const last = idAt(bytes, offset + SUMMARY_FIELD.last)
  const entries: ReportSummaryEntry[] = []
  for (let i = 0; i < count; i++) {
    const at = offset + SUMMARY_FIELD.entries + i * SUMMARY_ENTRY_BYTES
    const origin = idAt(bytes, at)
    const sequence = readSequence(bytes, at + ID_BYTES)
    const before = entries[i - 1]
    if (sequence === null || (before !== undefined && order(before.origin, origin) >= 0)) return null
    if (order(origin, first) < 0 || order(origin, last) > 0) return null
    entries.push({ origin, sequence })
  }
  return order(first, last) <= 0 ? { first, last, entries } : null
}

/** @param origins 1 to `MAX_MULTICAST_ENTRIES` node ids */
export function encodeReportRequest(origins: readonly Uint8Array[]): Uint8Array {
  const bytes = header('request', origins.length, HEADER_BYTES + origins.length * ID_BYTES)
  for (const [i, id] of origins.entries()) bytes.set(id, HEADER_BYTES + i * ID_BYTES)
  return bytes
}

export function decodeReportRequest(
  bytes: Uint8Array,
  offset = 0,
  length = bytes.length - offset,
): Uint8Array[] | null {
  if (multicastKind(bytes, offset, length) !== 'request') return null
  const count = bytes[offset + 3]!
  if (count === 0 || count > MAX_MULTICAST_ENTRIES || length !== HEADER_BYTES + count * ID_BYTES) return null
  return Array.from({ length: count }, (_, i) => idAt(bytes, offset + HEADER_BYTES + i * ID_BYTES))
}

function header(kind: MulticastKind, fourth: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes[0] = CONTROL_MULTICAST_REPORT
  bytes[1] = CONTROL_VERSION
  bytes[2] = MULTICAST_KIND[kind]
  bytes[3] = fourth
  return bytes
}

function fitGroups(groups: readonly ReportedGroup[]): readonly ReportedGroup[] {
  let length = REPORT_FIELD.groups as number
  for (const { address } of groups) length += GROUP_HEADER_BYTES + address.length
  return groups.map((group) => {
    const sourceBytes = group.sources.length * group.address.length
    if (group.sources.length > MAX_REPORTED_SOURCES || length + sourceBytes > MAX_REPORT_BYTES)
      return { ...group, exclude: true, sources: [] }
    length += sourceBytes
    return group
  })
}

function groupBytes({ address, sources }: ReportedGroup): number {
  return GROUP_HEADER_BYTES + address.length * (1 + sources.length)
}

function isMulticastAddress(address: Uint8Array): boolean {
  return address.length === 4 ? (address[0]! & 0xf0) === 0xe0 : address[0] === 0xff
}

/** Shorter before longer, then as big-endian numbers. */
function order(a: Uint8Array, b: Uint8Array): number {
  return a.length === b.length ? compareBytes(a, 0, b, 0, a.length) : a.length - b.length
}

function idAt(bytes: Uint8Array, offset: number): Uint8Array {
  return bytes.slice(offset, offset + ID_BYTES)
}

/** 1 to `Number.MAX_SAFE_INTEGER`, or null. */
function readSequence(bytes: Uint8Array, offset: number): number | null {
  const high = readU32(bytes, offset)
  const sequence = high * 0x1_0000_0000 + readU32(bytes, offset + 4)
  return high >= 0x20_0000 || sequence === 0 ? null : sequence
}

function writeSequence(bytes: Uint8Array, offset: number, sequence: number): void {
  writeU32(bytes, offset, Math.floor(sequence / 0x1_0000_0000))
  writeU32(bytes, offset + 4, sequence % 0x1_0000_0000)
}
