import { gossipKind, newGossipMessage, readSequence, writeSequence } from '@wakunet/gossip'
import { ID_BYTES } from '@wakunet/interface'
import { isZeroId, readU16, writeU16 } from '@wakunet/record'
import { compareBytes } from './bytes.ts'
import { CONTROL_MULTICAST_REPORT } from './message.ts'

const REPORT_FIELD = { sequence: 4, origin: 12, groupCount: 28, reserved: 30, groups: 32 } as const
const GROUP_HEADER_BYTES = 2

const FLAG_ROUTER = 1
const MODE_EXCLUDE = 1
const MODE_IPV6 = 2

/** Most groups of a report. */
export const MAX_REPORTED_GROUPS = 1_024
/** Most sources of one group in a report. */
export const MAX_REPORTED_SOURCES = 64
/** Most bytes of a report; all groups fit without their sources. */
export const MAX_REPORT_BYTES = 32_768

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

/**
 * Writes a report. Sources that do not fit `MAX_REPORT_BYTES` are left out, and their group asks for all sources
 * instead: too much is better than nothing.
 * @param report at most `MAX_REPORTED_GROUPS` groups
 */
export function encodeMulticastReport(report: MulticastReport): Uint8Array {
  const groups = fitGroups(report.groups)
  const length = groups.reduce((sum, group) => sum + groupBytes(group), REPORT_FIELD.groups as number)
  const bytes = newGossipMessage(
    CONTROL_MULTICAST_REPORT,
    'document',
    report.router ? FLAG_ROUTER : 0,
    length,
  )
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
  const kind = gossipKind(CONTROL_MULTICAST_REPORT, bytes, offset, length)
  if (kind !== 'document' || length > MAX_REPORT_BYTES) return null
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
