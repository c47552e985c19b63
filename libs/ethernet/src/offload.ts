import {
  DATA_VALID,
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  NEEDS_CSUM,
} from '@wakunet/interface'
import { addToSum } from './checksum.ts'
import { MIN_PAYLOAD_BYTES } from './ethernet.ts'
import { PROTOCOL_ICMP, PROTOCOL_IGMP, PROTOCOL_TCP, PROTOCOL_UDP } from './ipv4.ts'
import { PROTOCOL_ICMPV6 } from './ipv6.ts'
import { readUint16, writeUint16 } from './numbers.ts'
import { createFrameView, FRAME_FAULTS, type FrameView, NOT_FRAGMENTED, parseFrame } from './parse.ts'
import { TCP_CHECKSUM_OFFSET, TCP_MIN_HEADER_BYTES, TCP_RST, TCP_SYN, tcpHeaderBytes } from './tcp.ts'
import { UDP_CHECKSUM_OFFSET, UDP_HEADER_BYTES } from './udp.ts'
import type { OffloadHint } from './virtio-header.ts'

/**
 * Smallest segment of a TCP super-frame. Linux itself goes down to 48 bytes: an application may set the
 * MSS to 88, of which 40 can be options (TCP_MIN_MSS, MAX_TCP_OPTION_SPACE). Anything smaller is only good for making
 * thousands of packets out of one frame. With it, a frame is never more than 1,365 segments.
 */
export const MIN_TCP_SEGMENT_BYTES = 48
/** Smallest segment of a UDP super-frame; applications choose it, and `MAX_UDP_SEGMENTS` bounds the number. */
export const MIN_UDP_SEGMENT_BYTES = 16
/** UDP_MAX_SEGMENTS of linux/udp.h; a kernel refuses more. */
export const MAX_UDP_SEGMENTS = 128

/** Why a hint is refused; a closed set, fit for the label of a counter. */
export const OFFLOAD_FAULTS = [
  ...FRAME_FAULTS,
  /** Flag bits that nobody defined. */
  'flags',
  /** A GSO type that is not carried, or ECN without TCP. */
  'gso-type',
  /** The type does not match the frame's protocols. */
  'gso-protocol',
  /** A fragment that claims to be a super-frame. */
  'gso-fragment',
  /** A super-frame without `NEEDS_CSUM`, or whose checksum is not that of its upper-layer header. */
  'gso-checksum',
  /** Bytes behind the packet, or a UDP length that differs from the packet's. */
  'gso-length',
  /** A TCP header that does not fit, or SYN or RST in a super-frame. */
  'gso-header',
  /** Segments too small, or too many of them. */
  'gso-too-small',
  /** Segments that would not fit the MTU. */
  'gso-too-large',
  /** Larger than the MTU and not a super-frame. */
  'giant',
  /** A partial checksum in a frame or protocol that has none to complete. */
  'csum-protocol',
  /** A partial checksum in a fragment. */
  'csum-fragment',
  /** A partial checksum outside the upper-layer bytes, or in the wrong place of a known header. */
  'csum-range',
  /** Bytes behind a packet with a partial checksum that are more than Ethernet's padding. */
  'csum-length',
] as const
export type OffloadFault = (typeof OFFLOAD_FAULTS)[number]
export type OffloadVerdict = OffloadFault | 'ok'

const scratch = createFrameView()

/**
 * Whether the frame of `frameLength` bytes at `frameOffset` and the hint that came with it fit together, so that
 * both may be handed to a kernel (DESIGN.md 3.3). Everything that Linux itself puts on a TAP passes; whatever
 * lies is named. Hint fields without meaning for their flags and type are ignored, as virtio 1.3 §5.1.6.4.2 says.
 *
 * Allocates nothing: it runs for every frame.
 * @param mtu of the VLAN: most bytes of one packet behind Ethernet header and tags
 */
export function checkOffload(
  bytes: Uint8Array,
  frameOffset: number,
  frameLength: number,
  hint: OffloadHint,
  mtu: number,
): OffloadVerdict {
  const parsed = parseFrame(bytes, frameOffset, frameLength, scratch)
  if (parsed !== 'ok') return parsed
  // virtio 1.3 §5.1.6.1 defines NEEDS_CSUM, DATA_VALID, RSC_INFO and tunnel flags; none of the others was offered.
  if ((hint.flags & ~(NEEDS_CSUM | DATA_VALID)) !== 0) return 'flags'
  if (hint.gsoType !== GSO_NONE) return checkSuperFrame(bytes, frameOffset, frameLength, hint, mtu, scratch)
  // A zeroed header over a super-frame makes it vanish in the kernel, or leave a port as one giant frame.
  if (frameLength - scratch.l3Offset > mtu) return 'giant'
  if ((hint.flags & NEEDS_CSUM) === 0) return 'ok'
  return checkPartialSum(bytes, frameOffset, frameLength, hint, scratch)
}

/**
 * Completes the partial checksum of a frame in place, and marks the hint as done, because a second time would
 * spoil it. Bytes behind the packet are not summed.
 * @returns false where hint and frame do not fit together or the frame is a super-frame; nothing has changed then
 */
export function completeChecksum(
  bytes: Uint8Array,
  frameOffset: number,
  frameLength: number,
  hint: OffloadHint,
): boolean {
  if ((hint.flags & NEEDS_CSUM) === 0) return true
  if (hint.gsoType !== GSO_NONE) return false
  if (parseFrame(bytes, frameOffset, frameLength, scratch) !== 'ok') return false
  if (checkPartialSum(bytes, frameOffset, frameLength, hint, scratch) !== 'ok') return false
  const start = frameOffset + hint.csumStart
  storeChecksum(bytes, start, frameOffset + scratch.ipEnd - start, hint.csumOffset)
  hint.flags &= ~NEEDS_CSUM
  hint.csumStart = 0
  hint.csumOffset = 0
  return true
}

/**
 * Sums `length` bytes at `start` and stores the checksum. The field holds the sum of the pseudo header, which is
 * so part of the sum (virtio 1.3 §5.1.6.2).
 */
export function storeChecksum(bytes: Uint8Array, start: number, length: number, csumOffset: number): void {
  const checksum = ~addToSum(0, bytes, start, length) & 0xffff
  // RFC 768: zero would mean "no checksum", its other form in one's complement does not. Harmless in TCP.
  writeUint16(bytes, start + csumOffset, checksum === 0 ? 0xffff : checksum)
}

function checkSuperFrame(
  bytes: Uint8Array,
  frameOffset: number,
  frameLength: number,
  hint: OffloadHint,
  mtu: number,
  view: FrameView,
): OffloadVerdict {
  const type = hint.gsoType & ~GSO_ECN
  // virtio 1.3 §5.1.6.2: ECN is a bit beside a TCP type; UFO (3) was not offered.
  if (type !== GSO_TCPV4 && type !== GSO_TCPV6 && hint.gsoType !== GSO_UDP_L4) return 'gso-type'
  if (!matchesProtocol(type, view)) return 'gso-protocol'
  // Segments of a fragment would all claim its place; no stack makes one.
  if (view.fragment !== NOT_FRAGMENTED) return 'gso-fragment'
  const tcp = type !== GSO_UDP_L4
  // linux/virtio_net.h refuses a UDP_L4 frame without NEEDS_CSUM, and any whose checksum is not its protocol's.
  if ((hint.flags & NEEDS_CSUM) === 0 || hint.csumStart !== view.l4Offset) return 'gso-checksum'
  if (hint.csumOffset !== (tcp ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET)) return 'gso-checksum'
  // The last segment would carry whatever follows the packet.
  if (view.ipEnd !== frameLength) return 'gso-length'
  const l4 = frameOffset + view.l4Offset
  const l4Length = frameLength - view.l4Offset
  return tcp
    ? checkTcpSegments(bytes, l4, l4Length, hint.gsoSize, mtu - (view.l4Offset - view.l3Offset))
    : checkUdpSegments(bytes, l4, l4Length, hint.gsoSize, mtu - (view.l4Offset - view.l3Offset))
}

function matchesProtocol(type: number, view: FrameView): boolean {
  // linux/virtio_net.h virtio_net_hdr_match_proto(); the frame decides, the type must agree.
  if (type === GSO_UDP_L4) return view.ipVersion !== 0 && view.protocol === PROTOCOL_UDP
  return view.protocol === PROTOCOL_TCP && view.ipVersion === (type === GSO_TCPV4 ? 4 : 6)
}

/** @param room bytes that the MTU leaves for the TCP header and the payload of one segment */
function checkTcpSegments(
  bytes: Uint8Array,
  l4: number,
  l4Length: number,
  gsoSize: number,
  room: number,
): OffloadVerdict {
  if (l4Length < TCP_MIN_HEADER_BYTES) return 'gso-header'
  const headerBytes = tcpHeaderBytes(bytes, l4)
  if (headerBytes < TCP_MIN_HEADER_BYTES || headerBytes > l4Length) return 'gso-header'
  // Linux never batches these (tcp_gro_receive, tcp_output); in each of a thousand segments they are an attack.
  if ((bytes[l4 + 13]! & (TCP_SYN | TCP_RST)) !== 0) return 'gso-header'
  if (gsoSize < MIN_TCP_SEGMENT_BYTES) return 'gso-too-small'
  if (headerBytes + gsoSize > room) return 'gso-too-large'
  return 'ok'
}

/** @param room bytes that the MTU leaves for the UDP header and the payload of one segment */
function checkUdpSegments(
  bytes: Uint8Array,
  l4: number,
  l4Length: number,
  gsoSize: number,
  room: number,
): OffloadVerdict {
  if (l4Length < UDP_HEADER_BYTES) return 'gso-header'
  // The length of a UDP super-frame is that of all segments (net/ipv4/udp.c udp_send_skb()).
  if (readUint16(bytes, l4 + 4) !== l4Length) return 'gso-length'
  if (gsoSize < MIN_UDP_SEGMENT_BYTES) return 'gso-too-small'
  // linux/virtio_net.h: more than UDP_MAX_SEGMENTS is EINVAL.
  if (l4Length - UDP_HEADER_BYTES > gsoSize * MAX_UDP_SEGMENTS) return 'gso-too-small'
  if (UDP_HEADER_BYTES + gsoSize > room) return 'gso-too-large'
  return 'ok'
}

function checkPartialSum(
  bytes: Uint8Array,
  frameOffset: number,
  frameLength: number,
  hint: OffloadHint,
  view: FrameView,
): OffloadVerdict {
  // Completing a sum writes two bytes. In ARP, ICMP or IGMP that could change what a guard has read before, and no
  // stack leaves those to be completed.
  if (view.l4Offset === 0 || view.ipVersion === 0) {
    return view.fragment === NOT_FRAGMENTED ? 'csum-protocol' : 'csum-fragment'
  }
  // Linux completes before it fragments (ip_do_fragment(), ip6_fragment()).
  if (view.fragment !== NOT_FRAGMENTED) return 'csum-fragment'
  // What a kernel sums reaches to the end of the buffer; only Ethernet's own padding may follow the packet.
  if (view.ipEnd < frameLength && frameLength > view.l3Offset + MIN_PAYLOAD_BYTES) return 'csum-length'
  // virtio 1.3 §5.1.6.2: the sum runs from csum_start, its field is csum_offset behind; both inside the packet.
  if (hint.csumStart < view.l4Offset) return 'csum-range'
  if (hint.csumStart + hint.csumOffset + 2 > view.ipEnd) return 'csum-range'
  return checkSumPlace(bytes, frameOffset, hint, view)
}

/**
 * Whether the protocol of the frame has a checksum where the hint says. Linux also leaves the *inner* checksum of
 * a tunnel to be completed and fills the outer one itself (Documentation/networking/checksum-offloads.rst, local
 * checksum offload), so what is behind UDP or an encapsulation may be anywhere.
 */
function checkSumPlace(
  bytes: Uint8Array,
  frameOffset: number,
  hint: OffloadHint,
  view: FrameView,
): OffloadVerdict {
  const start = hint.csumStart - view.l4Offset
  switch (view.protocol) {
    case PROTOCOL_TCP:
      return start === 0 && hint.csumOffset === TCP_CHECKSUM_OFFSET ? 'ok' : 'csum-range'
    case PROTOCOL_ICMPV6:
      return start === 0 && hint.csumOffset === 2 ? 'ok' : 'csum-range'
    case PROTOCOL_UDP:
      if (start === 0) return hint.csumOffset === UDP_CHECKSUM_OFFSET ? 'ok' : 'csum-range'
      if (start < UDP_HEADER_BYTES) return 'csum-range'
      return isDhcp(bytes, frameOffset + view.l4Offset) ? 'csum-protocol' : 'ok'
    case PROTOCOL_ICMP:
    case PROTOCOL_IGMP:
      return 'csum-protocol'
    default:
      return 'ok'
  }
}

/** DHCPv4 and DHCPv6 (RFC 2131 §4.1, RFC 8415 §7.2): read by guards, never a tunnel. */
function isDhcp(bytes: Uint8Array, udp: number): boolean {
  return isDhcpPort(readUint16(bytes, udp)) || isDhcpPort(readUint16(bytes, udp + 2))
}

function isDhcpPort(port: number): boolean {
  return port === 67 || port === 68 || port === 546 || port === 547
}
