import { GSO_NONE, GSO_TCPV4, NEEDS_CSUM } from '@wakunet/interface'

/** Protocols of IPv4 that frames here have. */
const PROTOCOL_TCP = 6
const PROTOCOL_UDP = 17

const ETHERNET_BYTES = 14
const IPV4_BYTES = 20
/** Payload of a segment of a super-frame. */
const SEGMENT_BYTES = 1_348
/** Longer frames are super-frames; up to here they are jumbo frames of one packet. */
const LARGEST_PACKET_FRAME = 9_014
const NO_HINT = { flags: 0, gsoType: GSO_NONE, gsoSize: 0, csumStart: 0, csumOffset: 0 }

export const BROADCAST_MAC = 0xffff_ffff_ffff
/** A multicast group, and its MAC address (RFC 1112 §6.4). */
export const GROUP_ADDRESS = Uint8Array.of(239, 77, 0, 1)
export const GROUP_MAC = 0x0100_5e4d_0001

/** The offload header of a frame as the kernel gives it for a TCP segment, or a super-frame of them. */
export function hintOf(protocol: FrameProtocol, length: number) {
  if (protocol === 'udp') return NO_HINT
  const isSuper = length > LARGEST_PACKET_FRAME
  return {
    flags: NEEDS_CSUM,
    gsoType: isSuper ? GSO_TCPV4 : GSO_NONE,
    gsoSize: isSuper ? SEGMENT_BYTES : 0,
    csumStart: ETHERNET_BYTES + IPV4_BYTES,
    csumOffset: 16,
  }
}

export type FrameProtocol = 'tcp' | 'udp'

/** Ethernet II, IPv4 (RFC 791) and TCP (RFC 9293) or UDP (RFC 768), to the port of iperf3. `length` is the whole frame's. */
export function writeFrame(
  bytes: Uint8Array,
  at: number,
  length: number,
  frame: { destination: number; source: number; protocol: FrameProtocol; address: Uint8Array },
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, length)
  bytes.set(frame.address, at + 30)
  writeMac(view, 0, frame.destination)
  writeMac(view, 6, frame.source)
  view.setUint16(12, 0x0800)
  view.setUint8(14, 0x45)
  view.setUint16(16, length - ETHERNET_BYTES)
  view.setUint8(22, 64)
  view.setUint8(23, frame.protocol === 'tcp' ? PROTOCOL_TCP : PROTOCOL_UDP)
  view.setUint32(26, 0x0a4d_0001)
  view.setUint16(34, 5201)
  view.setUint16(36, 5201)
  if (frame.protocol === 'udp') {
    view.setUint16(38, length - ETHERNET_BYTES - IPV4_BYTES)
    return
  }
  view.setUint8(46, 5 << 4)
  view.setUint8(47, 0x10)
}

function writeMac(view: DataView, at: number, mac: number): void {
  view.setUint16(at, Math.floor(mac / 0x1_0000_0000))
  view.setUint32(at + 2, mac % 0x1_0000_0000)
}
