import { checksum16, foldSum } from './checksum.ts'
import {
  ETHERNET_HEADER_BYTES,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  isTagType,
  MAX_VLAN_TAGS,
  VLAN_TAG_BYTES,
} from './ethernet.ts'
import { IPV4_MIN_HEADER_BYTES } from './ipv4.ts'
import { IPV6_HEADER_BYTES } from './ipv6.ts'
import { readUint16, readUint32, writeUint16, writeUint32 } from './numbers.ts'
import { TCP_CHECKSUM_OFFSET, TCP_CWR, TCP_FIN, TCP_MIN_HEADER_BYTES, TCP_PSH } from './tcp.ts'
import { UDP_CHECKSUM_OFFSET, UDP_HEADER_BYTES } from './udp.ts'

/** A run of segments out of the payload of a super-frame. */
export interface SuperFramePart {
  /** Of the TCP or UDP header in the frame. */
  readonly l4Offset: number
  readonly udp: boolean
  /** Where the run begins in the payload of the whole, bytes. */
  readonly payloadOffset: number
  /** Which segment of the whole it begins with. */
  readonly segment: number
  /** Whether it reaches to the end of the whole. */
  readonly last: boolean
}

/**
 * Makes the frame of `length` bytes at `at`, which has the headers of a whole super-frame and a run of its payload, the frame that
 * the whole would have been without the rest: lengths, identification, sequence number, flags, and the pseudo header's sum in the
 * checksum field, which stays to be completed.
 * @returns false where there are no such headers; the frame may have changed by then and is of no use
 */
export function toSuperFramePart(
  bytes: Uint8Array,
  at: number,
  length: number,
  part: SuperFramePart,
): boolean {
  const l3Offset = l3OffsetOf(bytes, at, length)
  const l4Bytes = length - part.l4Offset
  if (l4Bytes < (part.udp ? UDP_HEADER_BYTES : TCP_MIN_HEADER_BYTES)) return false
  const wholeBytes = finishIp(bytes, at + l3Offset, part.l4Offset - l3Offset, l4Bytes, part.segment)
  if (wholeBytes <= 0) return false
  const l4 = at + part.l4Offset
  if (part.udp) writeUint16(bytes, l4 + 4, l4Bytes)
  else finishTcp(bytes, l4, part)
  const field = l4 + (part.udp ? UDP_CHECKSUM_OFFSET : TCP_CHECKSUM_OFFSET)
  writeUint16(bytes, field, foldSum(readUint16(bytes, field) + (~wholeBytes & 0xffff) + l4Bytes))
  return true
}

/** 0 where the frame ends in its tags. */
function l3OffsetOf(bytes: Uint8Array, at: number, length: number): number {
  let l3Offset = ETHERNET_HEADER_BYTES
  for (let tags = 0; tags < MAX_VLAN_TAGS && isTagType(readUint16(bytes, at + l3Offset - 2)); tags++)
    l3Offset += VLAN_TAG_BYTES
  return l3Offset <= length ? l3Offset : 0
}

/** @returns upper-layer bytes that the whole had, 0 where this is no IP header of that length */
function finishIp(
  bytes: Uint8Array,
  l3: number,
  headerBytes: number,
  l4Bytes: number,
  segment: number,
): number {
  const etherType = readUint16(bytes, l3 - 2)
  if (etherType === ETHERTYPE_IPV6) {
    if (headerBytes < IPV6_HEADER_BYTES) return 0
    const extensionBytes = headerBytes - IPV6_HEADER_BYTES
    const wholeBytes = readUint16(bytes, l3 + 4) - extensionBytes
    writeUint16(bytes, l3 + 4, extensionBytes + l4Bytes)
    return wholeBytes
  }
  if (etherType !== ETHERTYPE_IPV4) return 0
  if (headerBytes < IPV4_MIN_HEADER_BYTES || headerBytes !== (bytes[l3]! & 0x0f) * 4) return 0
  const wholeBytes = readUint16(bytes, l3 + 2) - headerBytes
  writeUint16(bytes, l3 + 2, headerBytes + l4Bytes)
  writeUint16(bytes, l3 + 4, readUint16(bytes, l3 + 4) + segment)
  writeUint16(bytes, l3 + 10, 0)
  writeUint16(bytes, l3 + 10, checksum16(bytes, l3, headerBytes))
  return wholeBytes
}

/** RFC 9293 §3.1 and RFC 3168 §6.1.2, as in `segment`. */
function finishTcp(bytes: Uint8Array, l4: number, { payloadOffset, last }: SuperFramePart): void {
  writeUint32(bytes, l4 + 4, (readUint32(bytes, l4 + 4) + payloadOffset) >>> 0)
  let flags = bytes[l4 + 13]!
  if (!last) flags &= ~(TCP_FIN | TCP_PSH)
  if (payloadOffset !== 0) flags &= ~TCP_CWR
  bytes[l4 + 13] = flags
}
