import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  isTagType,
  NOT_FRAGMENTED,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  TCP_MIN_HEADER_BYTES,
  tcpHeaderBytes,
  UDP_HEADER_BYTES,
} from '@wakunet/ethernet'
import type { GuardVerdict } from './guard-drops.ts'
import type { Guard, GuardFrame } from './guard-frame.ts'

/** Type, code, checksum, and the word that every ICMP message has behind them. */
const ICMP_BYTES = 8
/** Most that one host can be sent in an Ethernet length field (IEEE 802.3 §3.2.6). */
const MAX_LLC_BYTES = 1_500
const MIN_ETHERTYPE = 0x0600
/** LLC and SNAP headers: SAPs, control, organisation, type. */
const SNAP_BYTES = 8

/** Lengths before anything else: a frame that is not what its headers say is not looked at any further. */
export class FrameGuard implements Guard {
  inspect(frame: GuardFrame): GuardVerdict {
    if (frame.fault !== 'ok') return 'malformed'
    const { view } = frame
    if (view.etherType < MIN_ETHERTYPE) {
      if (!isLlcLengthRight(frame)) return 'malformed'
      return isSnapPacket(frame) ? 'snap' : 'pass'
    }
    // Fragments are the fragment guard's.
    if (view.ipVersion === 0 || view.fragment !== NOT_FRAGMENTED) return 'pass'
    return hasUpperHeader(frame) ? 'pass' : 'malformed'
  }
}

/** An 802.3 length names bytes that are there. */
function isLlcLengthRight({ view, length }: GuardFrame): boolean {
  return view.etherType <= MAX_LLC_BYTES && view.etherType <= length - view.l3Offset
}

/**
 * IP, ARP or a tag behind LLC and SNAP headers (RFC 1042): a way around guards, as there are hosts that take it for the
 * packet itself (CVE-2021-27853 and its siblings), and no Ethernet host sends it (RFC 1122 §2.3.3).
 */
function isSnapPacket({ bytes, offset, length, view }: GuardFrame): boolean {
  const at = offset + view.l3Offset
  if (view.l3Offset + SNAP_BYTES > length || bytes[at] !== 0xaa || bytes[at + 1] !== 0xaa) return false
  // RFC 1042's own organisation code, and the one of bridge tunnels (IEEE 802.1H).
  if (bytes[at + 3] !== 0 || bytes[at + 4] !== 0 || (bytes[at + 5] !== 0 && bytes[at + 5] !== 0xf8))
    return false
  const type = (bytes[at + 6]! << 8) | bytes[at + 7]!
  return type === ETHERTYPE_IPV4 || type === ETHERTYPE_ARP || type === ETHERTYPE_IPV6 || isTagType(type)
}

/** Whether the upper-layer header is there as a whole; a first fragment without it is one that hides it. */
export function hasUpperHeader({ bytes, offset, view }: GuardFrame): boolean {
  const room = view.ipEnd - view.l4Offset
  switch (view.protocol) {
    case PROTOCOL_TCP: {
      if (room < TCP_MIN_HEADER_BYTES) return false
      const headerBytes = tcpHeaderBytes(bytes, offset + view.l4Offset)
      return headerBytes >= TCP_MIN_HEADER_BYTES && headerBytes <= room
    }
    case PROTOCOL_UDP:
      return room >= UDP_HEADER_BYTES
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMPV6:
      return room >= ICMP_BYTES
    default:
      return true
  }
}
