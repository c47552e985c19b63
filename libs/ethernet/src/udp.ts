import { isInside, readUint16, writeUint16 } from './numbers.ts'

/** RFC 768. */
export const UDP_HEADER_BYTES = 8
/** Where the checksum is inside the header. */
export const UDP_CHECKSUM_OFFSET = 6

export interface UdpHeader {
  readonly sourcePort: number
  readonly destinationPort: number
  /** As on the wire; 0 means none (IPv4 only). */
  readonly checksum: number
}

export interface UdpDatagram extends UdpHeader {
  /** What the length field names. A view of the input. */
  readonly payload: Uint8Array
}

/**
 * Decodes the datagram at `offset`. Bytes behind its length field are ignored.
 * @returns null where the header is cut off or the length field does not fit the bytes
 */
export function decodeUdp(
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): UdpDatagram | null {
  if (!isInside(bytes, offset, length) || length < UDP_HEADER_BYTES) return null
  const datagramBytes = readUint16(bytes, offset + 4)
  if (datagramBytes < UDP_HEADER_BYTES || datagramBytes > length) return null
  return {
    sourcePort: readUint16(bytes, offset),
    destinationPort: readUint16(bytes, offset + 2),
    checksum: readUint16(bytes, offset + UDP_CHECKSUM_OFFSET),
    payload: bytes.subarray(offset + UDP_HEADER_BYTES, offset + datagramBytes),
  }
}

export function encodeUdp(header: UdpHeader, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(UDP_HEADER_BYTES + payload.length)
  writeUint16(bytes, 0, header.sourcePort)
  writeUint16(bytes, 2, header.destinationPort)
  writeUint16(bytes, 4, bytes.length)
  writeUint16(bytes, UDP_CHECKSUM_OFFSET, header.checksum)
  bytes.set(payload, UDP_HEADER_BYTES)
  return bytes
}
