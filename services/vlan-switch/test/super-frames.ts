import { GSO_TCPV4, GSO_UDP_L4, NEEDS_CSUM } from '@wakunet/interface'
import type { FrameHint } from '@wakunet/record'
import { bytesOf } from './support.ts'

/** `struct virtio_net_hdr_mrg_rxbuf`, little-endian. */
export function virtioHeader(hint: FrameHint, headerLength: number): Uint8Array {
  const bytes = Buffer.alloc(12)
  bytes[0] = hint.flags
  bytes[1] = hint.gsoType
  bytes.writeUInt16LE(headerLength, 2)
  bytes.writeUInt16LE(hint.gsoSize, 4)
  bytes.writeUInt16LE(hint.csumStart, 6)
  bytes.writeUInt16LE(hint.csumOffset, 8)
  return new Uint8Array(bytes)
}

export const TCP_HINT: FrameHint = {
  flags: NEEDS_CSUM,
  gsoType: GSO_TCPV4,
  gsoSize: 1360,
  csumStart: 34,
  csumOffset: 16,
}
export const UDP_HINT: FrameHint = {
  flags: NEEDS_CSUM,
  gsoType: GSO_UDP_L4,
  gsoSize: 1300,
  csumStart: 34,
  csumOffset: 6,
}

/** Ethernet and IPv4 headers with the right lengths and header checksum. */
function ipv4Frame(source: string, destination: string, protocol: number, l4Length: number): Buffer {
  const bytes = Buffer.alloc(34 + l4Length)
  bytes.set(bytesOf(destination.replaceAll(':', '')), 0)
  bytes.set(bytesOf(source.replaceAll(':', '')), 6)
  bytes.writeUInt16BE(0x0800, 12)
  bytes[14] = 0x45
  bytes.writeUInt16BE(20 + l4Length, 16)
  bytes[22] = 64
  bytes[23] = protocol
  bytes.set([10, 0, 0, 1, 10, 0, 0, 2], 26)
  let sum = 0
  for (let i = 14; i < 34; i += 2) sum += bytes.readUInt16BE(i)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  bytes.writeUInt16BE(~sum & 0xffff, 24)
  return bytes
}

/** The sum over the pseudo header, where the kernel leaves it for the checksum to be completed. */
function pseudoSum(protocol: number, l4Length: number): number {
  const sum = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + protocol + l4Length
  return (sum & 0xffff) + (sum >>> 16)
}

/** A TCP super-frame over IPv4 with a partial checksum: hints `TCP_HINT`. */
export function tcpSuperFrame(source: string, destination: string, payloadBytes: number): Uint8Array {
  const bytes = ipv4Frame(source, destination, 6, 20 + payloadBytes)
  bytes.writeUInt16BE(5001, 34)
  bytes.writeUInt16BE(5002, 36)
  bytes[46] = 0x50
  bytes[47] = 0x10
  bytes.writeUInt16BE(pseudoSum(6, 20 + payloadBytes), 50)
  for (let i = 54; i < bytes.length; i++) bytes[i] = i * 7
  return new Uint8Array(bytes)
}

/** A UDP super-frame over IPv4 with a partial checksum: hints `UDP_HINT`. */
export function udpSuperFrame(source: string, destination: string, payloadBytes: number): Uint8Array {
  const bytes = ipv4Frame(source, destination, 17, 8 + payloadBytes)
  bytes.writeUInt16BE(5001, 34)
  bytes.writeUInt16BE(5002, 36)
  bytes.writeUInt16BE(8 + payloadBytes, 38)
  bytes.writeUInt16BE(pseudoSum(17, 8 + payloadBytes), 40)
  for (let i = 42; i < bytes.length; i++) bytes[i] = i * 7
  return new Uint8Array(bytes)
}

/** True where the TCP or UDP checksum of an IPv4 frame is complete. */
export function checksumIsRight(frame: Uint8Array): boolean {
  const l4Length = frame.length - 34
  let sum = pseudoSum(frame[23]!, l4Length)
  for (let i = 34; i < frame.length; i += 2) sum += (frame[i]! << 8) | (frame[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum === 0xffff
}
