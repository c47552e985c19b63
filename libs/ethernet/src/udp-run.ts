import { GSO_NONE, NEEDS_CSUM } from '@wakunet/interface'
import { ETHERNET_HEADER_BYTES, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from './ethernet.ts'
import { IPV4_MIN_HEADER_BYTES, PROTOCOL_UDP } from './ipv4.ts'
import { IPV6_HEADER_BYTES } from './ipv6.ts'
import { readUint16 } from './numbers.ts'
import { MIN_UDP_SEGMENT_BYTES } from './offload.ts'
import { UDP_CHECKSUM_OFFSET, UDP_HEADER_BYTES } from './udp.ts'
import type { OffloadHint } from './virtio-header.ts'

/** Datagrams of one super-frame: what every kernel takes (UDP_MAX_SEGMENTS before Linux 6.8). */
export const MAX_UDP_RUN = 64

const L3 = ETHERNET_HEADER_BYTES
const DONT_FRAGMENT = 0x4000

/**
 * Where the UDP header of a frame is that datagrams like it can be joined to, to a super-frame (UDP_L4); 0 for any other. Joined
 * are datagrams without tags, IP options and extension headers, not fragmented, with a checksum that is still to be completed: of
 * a complete one nobody here knows whether it is right.
 */
export function udpRunOffset(bytes: Uint8Array, at: number, length: number, hint: OffloadHint): number {
  if (hint.flags !== NEEDS_CSUM || hint.gsoType !== GSO_NONE || hint.csumOffset !== UDP_CHECKSUM_OFFSET)
    return 0
  const l4Offset = hint.csumStart
  if (length < l4Offset + UDP_HEADER_BYTES + MIN_UDP_SEGMENT_BYTES) return 0
  const l3 = at + L3
  const etherType = readUint16(bytes, l3 - 2)
  if (etherType === ETHERTYPE_IPV4) {
    if (l4Offset !== L3 + IPV4_MIN_HEADER_BYTES || bytes[l3] !== 0x45 || bytes[l3 + 9] !== PROTOCOL_UDP)
      return 0
    if ((readUint16(bytes, l3 + 6) & ~DONT_FRAGMENT) !== 0 || readUint16(bytes, l3 + 2) !== length - L3)
      return 0
  } else if (etherType === ETHERTYPE_IPV6) {
    if (l4Offset !== L3 + IPV6_HEADER_BYTES || bytes[l3]! >>> 4 !== 6 || bytes[l3 + 6] !== PROTOCOL_UDP)
      return 0
    if (readUint16(bytes, l3 + 4) !== length - l4Offset) return 0
  } else return 0
  return readUint16(bytes, at + l4Offset + 4) === length - l4Offset ? l4Offset : 0
}

/**
 * Whether the frame at `at`, for which `udpRunOffset` has answered `l4Offset` as for the first one of a run, is of the same flow and
 * may follow it as number `index`: all headers are equal but for lengths, checksums and the identification.
 */
export function continuesUdpRun(
  first: Uint8Array,
  firstAt: number,
  bytes: Uint8Array,
  at: number,
  l4Offset: number,
  index: number,
): boolean {
  const isIpv4 = l4Offset === L3 + IPV4_MIN_HEADER_BYTES
  // Addresses and ports, from the end on: where flows differ they differ here.
  const addresses = isIpv4 ? L3 + 12 : L3 + 8
  for (let i = l4Offset + 3; i >= addresses; i--) if (first[firstAt + i] !== bytes[at + i]) return false
  const lengths = isIpv4 ? L3 + 2 : L3 + 4
  for (let i = 0; i < lengths; i++) if (first[firstAt + i] !== bytes[at + i]) return false
  if (!isIpv4) return first[firstAt + L3 + 7] === bytes[at + L3 + 7]
  const l3 = at + L3
  // Don't fragment, time to live, protocol.
  if (first[firstAt + L3 + 6] !== bytes[l3 + 6] || first[firstAt + L3 + 8] !== bytes[l3 + 8]) return false
  // Cut again, identifications count up; that matters where somebody may fragment (RFC 6864 §4).
  if ((bytes[l3 + 6]! & (DONT_FRAGMENT >>> 8)) !== 0) return true
  const expected = (readUint16(first, firstAt + L3 + 4) + index) & 0xffff
  return readUint16(bytes, l3 + 4) === expected
}
