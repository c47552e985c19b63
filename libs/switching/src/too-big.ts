import {
  checksum16,
  type FrameView,
  IPV4_MIN_HEADER_BYTES,
  IPV6_HEADER_BYTES,
  LATER_FRAGMENT,
  MAC_BYTES,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  pseudoHeaderSum,
} from '@wakunet/ethernet'
import { FRAME_HEADER_BYTES } from '@wakunet/interface'
import { writeU16, writeU32 } from '@wakunet/record'

const ICMP_HEADER_BYTES = 8
/** RFC 792, RFC 1191 §4: destination unreachable, fragmentation needed and DF set. */
const ICMP_UNREACHABLE = 3
const ICMP_FRAGMENTATION_NEEDED = 4
/** Most bytes of an error with its own IP header (RFC 1812 §4.3.2.3). */
const MAX_ICMP_ERROR_BYTES = 576
/** RFC 4443 §3.2. */
const ICMPV6_PACKET_TOO_BIG = 2
/** RFC 4443 §2.4 (c): not more than the smallest MTU. */
const MAX_ICMPV6_ERROR_BYTES = 1280
/** RFC 4443 §2.1: below are errors; RFC 4443 §2.4 (e.2): nor about redirects. */
const ICMPV6_FIRST_INFORMATIONAL = 128
const ICMPV6_REDIRECT = 137
/** RFC 1812 §4.3.2.5: internetwork control. */
const ERROR_TOS = 0xc0
const ERROR_TTL = 64
const DONT_FRAGMENT = 0x40

/** Whether the sender of an IP packet may be told of an error (RFC 1812 §4.3.2.7, RFC 4443 §2.4 (e)). */
export function mayBeAnswered(bytes: Uint8Array, offset: number, view: FrameView): boolean {
  if (view.fragment === LATER_FRAGMENT || view.protocol < 0) return false
  const ip = offset + view.l3Offset
  const isHost = view.ipVersion === 4 ? isIpv4Host : isIpv6Host
  const [source, destination] = view.ipVersion === 4 ? [ip + 12, ip + 16] : [ip + 8, ip + 24]
  return isHost(bytes, source) && isHost(bytes, destination) && !isIcmpError(bytes, offset, view)
}

function isIcmpError(bytes: Uint8Array, offset: number, view: FrameView): boolean {
  const isIcmp = view.protocol === (view.ipVersion === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6)
  if (!isIcmp) return false
  if (view.l4Offset === 0 || view.l4Offset >= view.ipEnd) return true
  const type = bytes[offset + view.l4Offset]!
  if (view.ipVersion === 6) return type < ICMPV6_FIRST_INFORMATIONAL || type === ICMPV6_REDIRECT
  // Unreachable, source quench, redirect, time exceeded, parameter problem (RFC 1122 §3.2.2).
  return type === 3 || type === 4 || type === 5 || type === 11 || type === 12
}

/** A single host: not of 0.0.0.0/8, 127.0.0.0/8, multicast, reserved or broadcast. */
function isIpv4Host(bytes: Uint8Array, at: number): boolean {
  const first = bytes[at]!
  return first !== 0 && first !== 127 && first < 224
}

/** A single host: not ::, ::1 or multicast. */
function isIpv6Host(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] === 0xff) return false
  for (let i = 0; i < 15; i++) if (bytes[at + i] !== 0) return true
  return bytes[at + 15]! > 1
}

/**
 * The frame that tells the sender of the one at `offset` what would have fitted, from the address that it was sent to: ICMP
 * "fragmentation needed" (RFC 1191 §4) or ICMPv6 "packet too big" (RFC 4443 §3.2), behind a header slot of zeros. Tags are the
 * same.
 * @param packetBytes length that the quoted packet claims: of a super-frame that of its segments
 */
export function writeTooBig(
  bytes: Uint8Array,
  offset: number,
  view: FrameView,
  packetBytes: number,
  mtu: number,
): Uint8Array {
  const ipBytes = view.ipVersion === 4 ? IPV4_MIN_HEADER_BYTES : IPV6_HEADER_BYTES
  const mostBytes = view.ipVersion === 4 ? MAX_ICMP_ERROR_BYTES : MAX_ICMPV6_ERROR_BYTES
  const quoteBytes = Math.min(packetBytes, mostBytes - ipBytes - ICMP_HEADER_BYTES)
  const ip = FRAME_HEADER_BYTES + view.l3Offset
  const icmp = ip + ipBytes
  const quote = icmp + ICMP_HEADER_BYTES
  const out = new Uint8Array(quote + quoteBytes)
  const from = offset + view.l3Offset
  out.set(bytes.subarray(offset, from), FRAME_HEADER_BYTES)
  out.copyWithin(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + MAC_BYTES, FRAME_HEADER_BYTES + 2 * MAC_BYTES)
  out.set(bytes.subarray(offset, offset + MAC_BYTES), FRAME_HEADER_BYTES + MAC_BYTES)
  out.set(bytes.subarray(from, from + quoteBytes), quote)
  if (view.ipVersion === 4) finishIpv4(out, ip, quote, packetBytes, mtu)
  else finishIpv6(out, ip, quote, packetBytes, mtu)
  return out
}

function finishIpv4(out: Uint8Array, ip: number, quote: number, packetBytes: number, mtu: number): void {
  const icmp = ip + IPV4_MIN_HEADER_BYTES
  setIpv4Length(out, quote, (out[quote]! & 0x0f) * 4, packetBytes)
  out[ip] = 0x45
  out[ip + 1] = ERROR_TOS
  out[ip + 6] = DONT_FRAGMENT
  out[ip + 8] = ERROR_TTL
  out[ip + 9] = PROTOCOL_ICMP
  out.copyWithin(ip + 12, quote + 16, quote + 20)
  out.copyWithin(ip + 16, quote + 12, quote + 16)
  setIpv4Length(out, ip, IPV4_MIN_HEADER_BYTES, out.length - ip)
  out[icmp] = ICMP_UNREACHABLE
  out[icmp + 1] = ICMP_FRAGMENTATION_NEEDED
  writeU16(out, icmp + 6, mtu)
  writeU16(out, icmp + 2, checksum16(out, icmp, out.length - icmp))
}

/** Total length and the checksum that goes with it. */
function setIpv4Length(out: Uint8Array, ip: number, headerBytes: number, length: number): void {
  writeU16(out, ip + 2, length)
  writeU16(out, ip + 10, 0)
  writeU16(out, ip + 10, checksum16(out, ip, headerBytes))
}

function finishIpv6(out: Uint8Array, ip: number, quote: number, packetBytes: number, mtu: number): void {
  const icmp = ip + IPV6_HEADER_BYTES
  const length = out.length - icmp
  writeU16(out, quote + 4, packetBytes - IPV6_HEADER_BYTES)
  out[ip] = 0x60
  writeU16(out, ip + 4, length)
  out[ip + 6] = PROTOCOL_ICMPV6
  out[ip + 7] = ERROR_TTL
  out.copyWithin(ip + 8, quote + 24, quote + 40)
  out.copyWithin(ip + 24, quote + 8, quote + 24)
  out[icmp] = ICMPV6_PACKET_TOO_BIG
  writeU32(out, icmp + 4, mtu)
  const pseudo = pseudoHeaderSum(out, ip + 8, 32, PROTOCOL_ICMPV6, length)
  writeU16(out, icmp + 2, checksum16(out, icmp, length, pseudo))
}
