import { checksum16 } from './checksum.ts'
import { isInside, readUint16, writeUint16 } from './numbers.ts'

/** Header without options (RFC 791 §3.1). */
export const IPV4_MIN_HEADER_BYTES = 20
export const IPV4_MAX_HEADER_BYTES = 60

/** Protocol numbers that IPv4 and IPv6 share (IANA). */
export const PROTOCOL_ICMP = 1
export const PROTOCOL_IGMP = 2
export const PROTOCOL_TCP = 6
export const PROTOCOL_UDP = 17

export interface Ipv4Header {
  /** Differentiated services and ECN. */
  readonly trafficClass: number
  readonly identification: number
  readonly dontFragment: boolean
  readonly moreFragments: boolean
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset: number
  readonly ttl: number
  readonly protocol: number
  /** Four bytes each. Decoded: views of the input. */
  readonly source: Uint8Array
  readonly destination: Uint8Array
  /** A multiple of four bytes, at most 40. Decoded: a view of the input. */
  readonly options: Uint8Array
}

export interface Ipv4Packet extends Ipv4Header {
  readonly headerChecksumValid: boolean
  /** What the total length names; bytes behind it are not part of the packet. A view of the input. */
  readonly payload: Uint8Array
}

/**
 * Decodes the packet at `offset`. Bytes behind its total length are ignored.
 * @returns null where the version is not 4, or header or total length do not fit the bytes
 */
export function decodeIpv4(
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): Ipv4Packet | null {
  if (!isInside(bytes, offset, length) || length < IPV4_MIN_HEADER_BYTES) return null
  const headerBytes = (bytes[offset]! & 0x0f) * 4
  const totalBytes = readUint16(bytes, offset + 2)
  if (bytes[offset]! >>> 4 !== 4 || headerBytes < IPV4_MIN_HEADER_BYTES) return null
  if (totalBytes < headerBytes || totalBytes > length) return null
  const fragment = readUint16(bytes, offset + 6)
  return {
    trafficClass: bytes[offset + 1]!,
    identification: readUint16(bytes, offset + 4),
    dontFragment: (fragment & 0x4000) !== 0,
    moreFragments: (fragment & 0x2000) !== 0,
    fragmentOffset: (fragment & 0x1fff) * 8,
    ttl: bytes[offset + 8]!,
    protocol: bytes[offset + 9]!,
    source: bytes.subarray(offset + 12, offset + 16),
    destination: bytes.subarray(offset + 16, offset + 20),
    options: bytes.subarray(offset + 20, offset + headerBytes),
    headerChecksumValid: checksum16(bytes, offset, headerBytes) === 0,
    payload: bytes.subarray(offset + headerBytes, offset + totalBytes),
  }
}

/** Header with its checksum, then the payload. */
export function encodeIpv4(header: Ipv4Header, payload: Uint8Array): Uint8Array {
  const headerBytes = IPV4_MIN_HEADER_BYTES + header.options.length
  const bytes = new Uint8Array(headerBytes + payload.length)
  const flags = (header.dontFragment ? 0x4000 : 0) | (header.moreFragments ? 0x2000 : 0)
  bytes[0] = 0x40 | (headerBytes / 4)
  bytes[1] = header.trafficClass
  writeUint16(bytes, 2, bytes.length)
  writeUint16(bytes, 4, header.identification)
  writeUint16(bytes, 6, flags | (header.fragmentOffset / 8))
  bytes[8] = header.ttl
  bytes[9] = header.protocol
  bytes.set(header.source, 12)
  bytes.set(header.destination, 16)
  bytes.set(header.options, 20)
  writeUint16(bytes, 10, checksum16(bytes, 0, headerBytes))
  bytes.set(payload, headerBytes)
  return bytes
}
