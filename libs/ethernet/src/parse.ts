import { MAX_FRAME_BYTES, MIN_FRAME_BYTES } from '@wakunet/interface'
import {
  ETHERNET_HEADER_BYTES,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  isTagType,
  MAX_VLAN_TAGS,
  VLAN_TAG_BYTES,
} from './ethernet.ts'
import { IPV4_MIN_HEADER_BYTES } from './ipv4.ts'
import {
  extensionHeaderBytes,
  FRAGMENT_HEADER_BYTES,
  IPV6_HEADER_BYTES,
  isExtensionHeader,
  MAX_EXTENSION_HEADERS,
  PROTOCOL_FRAGMENT,
} from './ipv6.ts'
import { isInside, readUint16 } from './numbers.ts'

export const NOT_FRAGMENTED = 0
/** Has the upper-layer header, but not all of the payload. */
export const FIRST_FRAGMENT = 1
/** Has no upper-layer header. */
export const LATER_FRAGMENT = 2

/**
 * Where things are in a frame. One object is made once and filled again for every frame. Offsets count
 * from the first byte of the frame. Only meaningful after `parseFrame` answered `ok`.
 */
export interface FrameView {
  /** Behind the tags; below `MIN_ETHERTYPE` the length of an LLC frame. */
  etherType: number
  /** 0 to `MAX_VLAN_TAGS`. */
  tagCount: number
  /** Of the first byte behind the EtherType. */
  l3Offset: number
  /** 4, 6, or 0 where the frame carries no IP. */
  ipVersion: number
  /** Upper-layer protocol behind all extension headers; -1 where there is none or it cannot be known. */
  protocol: number
  /** Of the upper-layer header; 0 where there is none in this frame or it cannot be known. */
  l4Offset: number
  /** First byte behind the IP packet, which padding may follow; 0 without IP. */
  ipEnd: number
  /** `NOT_FRAGMENTED`, `FIRST_FRAGMENT` or `LATER_FRAGMENT`. An atomic IPv6 fragment counts as a first one. */
  fragment: number
}

/** What makes a frame malformed; a closed set, fit for the label of a counter. */
export const FRAME_FAULTS = [
  /** Outside the buffer, under `MIN_FRAME_BYTES` or over `MAX_FRAME_BYTES`. */
  'frame-length',
  /** A tag that the frame ends in. */
  'tag-truncated',
  /** IP version, IPv4 header length, or a header that the frame ends in. */
  'ip-header',
  /** IPv4 total length or IPv6 payload length that does not fit the frame. */
  'ip-length',
  /** An IPv6 extension header that reaches behind the packet. */
  'ip-extension',
] as const
export type FrameFault = (typeof FRAME_FAULTS)[number]

export function createFrameView(): FrameView {
  return {
    etherType: 0,
    tagCount: 0,
    l3Offset: 0,
    ipVersion: 0,
    protocol: -1,
    l4Offset: 0,
    ipEnd: 0,
    fragment: NOT_FRAGMENTED,
  }
}

/**
 * Finds tags, IP header and upper-layer header of the frame of `length` bytes at `offset`. Total and free of
 * allocations: it runs for every frame.
 */
export function parseFrame(
  bytes: Uint8Array,
  offset: number,
  length: number,
  view: FrameView,
): FrameFault | 'ok' {
  if (length < MIN_FRAME_BYTES || length > MAX_FRAME_BYTES || !isInside(bytes, offset, length)) {
    return 'frame-length'
  }
  if (!parseTags(bytes, offset, length, view)) return 'tag-truncated'
  view.ipVersion = 0
  view.protocol = -1
  view.l4Offset = 0
  view.ipEnd = 0
  view.fragment = NOT_FRAGMENTED
  if (view.etherType === ETHERTYPE_IPV4) return parseIpv4(bytes, offset, length, view)
  if (view.etherType === ETHERTYPE_IPV6) return parseIpv6(bytes, offset, length, view)
  return 'ok'
}

function parseTags(bytes: Uint8Array, offset: number, length: number, view: FrameView): boolean {
  let l3Offset = ETHERNET_HEADER_BYTES
  let etherType = readUint16(bytes, offset + 12)
  let tagCount = 0
  while (isTagType(etherType) && tagCount < MAX_VLAN_TAGS) {
    l3Offset += VLAN_TAG_BYTES
    if (l3Offset > length) return false
    etherType = readUint16(bytes, offset + l3Offset - 2)
    tagCount++
  }
  view.etherType = etherType
  view.tagCount = tagCount
  view.l3Offset = l3Offset
  return true
}

function parseIpv4(bytes: Uint8Array, offset: number, length: number, view: FrameView): FrameFault | 'ok' {
  const l3 = view.l3Offset
  const at = offset + l3
  const room = length - l3
  if (room < IPV4_MIN_HEADER_BYTES || bytes[at]! >>> 4 !== 4) return 'ip-header'
  const headerBytes = (bytes[at]! & 0x0f) * 4
  if (headerBytes < IPV4_MIN_HEADER_BYTES || headerBytes > room) return 'ip-header'
  const totalBytes = readUint16(bytes, at + 2)
  if (totalBytes < headerBytes || totalBytes > room) return 'ip-length'
  view.ipVersion = 4
  view.ipEnd = l3 + totalBytes
  view.protocol = bytes[at + 9]!
  const fragment = readUint16(bytes, at + 6)
  if ((fragment & 0x1fff) !== 0) {
    view.fragment = LATER_FRAGMENT
    return 'ok'
  }
  if ((fragment & 0x2000) !== 0) view.fragment = FIRST_FRAGMENT
  view.l4Offset = l3 + headerBytes
  return 'ok'
}

function parseIpv6(bytes: Uint8Array, offset: number, length: number, view: FrameView): FrameFault | 'ok' {
  const l3 = view.l3Offset
  const at = offset + l3
  if (length - l3 < IPV6_HEADER_BYTES || bytes[at]! >>> 4 !== 6) return 'ip-header'
  const ipEnd = l3 + IPV6_HEADER_BYTES + readUint16(bytes, at + 4)
  if (ipEnd > length) return 'ip-length'
  view.ipVersion = 6
  view.ipEnd = ipEnd
  return walkExtensions(bytes, offset, bytes[at + 6]!, view)
}

/** RFC 8200 §4. Leaves protocol -1 where the chain is too long to be an honest one. */
function walkExtensions(
  bytes: Uint8Array,
  offset: number,
  nextHeader: number,
  view: FrameView,
): FrameFault | 'ok' {
  let protocol = nextHeader
  let position = view.l3Offset + IPV6_HEADER_BYTES
  for (let count = 0; isExtensionHeader(protocol); count++) {
    if (count === MAX_EXTENSION_HEADERS) return 'ok'
    // Every extension header has at least eight bytes (RFC 8200 §4.2).
    if (position + FRAGMENT_HEADER_BYTES > view.ipEnd) return 'ip-extension'
    const at = offset + position
    const next = bytes[at]!
    position += extensionHeaderBytes(protocol, bytes[at + 1]!)
    if (position > view.ipEnd) return 'ip-extension'
    if (protocol === PROTOCOL_FRAGMENT) {
      if (readUint16(bytes, at + 2) >>> 3 !== 0) {
        view.fragment = LATER_FRAGMENT
        view.protocol = next
        return 'ok'
      }
      view.fragment = FIRST_FRAGMENT
    }
    protocol = next
  }
  view.protocol = protocol
  view.l4Offset = position
  return 'ok'
}
