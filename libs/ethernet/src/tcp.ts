import { isInside, readUint16, readUint32, writeUint16, writeUint32 } from './numbers.ts'

/** Header without options (RFC 9293 §3.1). */
export const TCP_MIN_HEADER_BYTES = 20
/** Where the checksum is inside the header. */
export const TCP_CHECKSUM_OFFSET = 16

export const TCP_FIN = 0x01
export const TCP_SYN = 0x02
export const TCP_RST = 0x04
export const TCP_PSH = 0x08
export const TCP_ACK = 0x10
export const TCP_URG = 0x20
export const TCP_ECE = 0x40
export const TCP_CWR = 0x80

export interface TcpHeader {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly sequence: number
  readonly acknowledgement: number
  /** The eight control bits, `TCP_FIN` to `TCP_CWR`. */
  readonly flags: number
  readonly window: number
  /** As on the wire. */
  readonly checksum: number
  readonly urgentPointer: number
  /** A multiple of four bytes, at most 40. Decoded: a view of the input. */
  readonly options: Uint8Array
}

export interface TcpSegment extends TcpHeader {
  /** Everything behind the header. A view of the input. */
  readonly payload: Uint8Array
}

/**
 * Decodes the segment of `length` bytes at `offset`.
 * @returns null where the header does not fit the bytes
 */
export function decodeTcp(
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): TcpSegment | null {
  if (!isInside(bytes, offset, length) || length < TCP_MIN_HEADER_BYTES) return null
  const headerBytes = tcpHeaderBytes(bytes, offset)
  if (headerBytes < TCP_MIN_HEADER_BYTES || headerBytes > length) return null
  return {
    sourcePort: readUint16(bytes, offset),
    destinationPort: readUint16(bytes, offset + 2),
    sequence: readUint32(bytes, offset + 4),
    acknowledgement: readUint32(bytes, offset + 8),
    flags: bytes[offset + 13]!,
    window: readUint16(bytes, offset + 14),
    checksum: readUint16(bytes, offset + TCP_CHECKSUM_OFFSET),
    urgentPointer: readUint16(bytes, offset + 18),
    options: bytes.subarray(offset + TCP_MIN_HEADER_BYTES, offset + headerBytes),
    payload: bytes.subarray(offset + headerBytes, offset + length),
  }
}

export function encodeTcp(header: TcpHeader, payload: Uint8Array): Uint8Array {
  const headerBytes = TCP_MIN_HEADER_BYTES + header.options.length
  const bytes = new Uint8Array(headerBytes + payload.length)
  writeUint16(bytes, 0, header.sourcePort)
  writeUint16(bytes, 2, header.destinationPort)
  writeUint32(bytes, 4, header.sequence)
  writeUint32(bytes, 8, header.acknowledgement)
  bytes[12] = (headerBytes / 4) << 4
  bytes[13] = header.flags
  writeUint16(bytes, 14, header.window)
  writeUint16(bytes, TCP_CHECKSUM_OFFSET, header.checksum)
  writeUint16(bytes, 18, header.urgentPointer)
  bytes.set(header.options, TCP_MIN_HEADER_BYTES)
  bytes.set(payload, headerBytes)
  return bytes
}

/** What the data offset of the header at `offset` claims, 0 to 60; not checked. */
export function tcpHeaderBytes(bytes: Uint8Array, offset: number): number {
  return (bytes[offset + 12]! >>> 4) * 4
}
