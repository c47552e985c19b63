import { ETHERTYPE_IPV4 } from './ethernet.ts'
import { MAC_BYTES } from './mac.ts'
import { isInside, readUint16, writeUint16 } from './numbers.ts'

/** ARP for IPv4 over Ethernet (RFC 826). */
export const ARP_BYTES = 28
export const ARP_REQUEST = 1
export const ARP_REPLY = 2

const HARDWARE_ETHERNET = 1

export interface ArpPacket {
  /** `ARP_REQUEST`, `ARP_REPLY` or another operation, which is carried as it is. */
  readonly operation: number
  /** Six bytes. Decoded addresses are views of the input. */
  readonly senderMac: Uint8Array
  /** Four bytes; all zero in a probe (RFC 5227 §1.1). */
  readonly senderAddress: Uint8Array
  readonly targetMac: Uint8Array
  readonly targetAddress: Uint8Array
}

/**
 * Decodes the ARP packet at `offset`; bytes behind it are Ethernet padding and ignored.
 * @returns null where it is cut off, or is not about IPv4 over Ethernet
 */
export function decodeArp(
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): ArpPacket | null {
  if (!isInside(bytes, offset, length) || length < ARP_BYTES) return null
  if (readUint16(bytes, offset) !== HARDWARE_ETHERNET) return null
  if (readUint16(bytes, offset + 2) !== ETHERTYPE_IPV4) return null
  if (bytes[offset + 4] !== MAC_BYTES || bytes[offset + 5] !== 4) return null
  return {
    operation: readUint16(bytes, offset + 6),
    senderMac: bytes.subarray(offset + 8, offset + 14),
    senderAddress: bytes.subarray(offset + 14, offset + 18),
    targetMac: bytes.subarray(offset + 18, offset + 24),
    targetAddress: bytes.subarray(offset + 24, offset + 28),
  }
}

export function encodeArp(packet: ArpPacket): Uint8Array {
  const bytes = new Uint8Array(ARP_BYTES)
  writeUint16(bytes, 0, HARDWARE_ETHERNET)
  writeUint16(bytes, 2, ETHERTYPE_IPV4)
  bytes[4] = MAC_BYTES
  bytes[5] = 4
  writeUint16(bytes, 6, packet.operation)
  bytes.set(packet.senderMac, 8)
  bytes.set(packet.senderAddress, 14)
  bytes.set(packet.targetMac, 18)
  bytes.set(packet.targetAddress, 24)
  return bytes
}
