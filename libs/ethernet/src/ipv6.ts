import { isInside, readUint16, readUint32, writeUint16, writeUint32 } from './numbers.ts'

/** Fixed header (RFC 8200 §3). */
export const IPV6_HEADER_BYTES = 40
/**
 * Extension headers that are looked through. RFC 8200 lets every one come once, destination options twice;
 * more than that is a way to hide what follows (RFC 7113).
 */
export const MAX_EXTENSION_HEADERS = 8

export const PROTOCOL_HOP_BY_HOP = 0
export const PROTOCOL_ROUTING = 43
export const PROTOCOL_FRAGMENT = 44
export const PROTOCOL_AUTHENTICATION = 51
export const PROTOCOL_ICMPV6 = 58
export const PROTOCOL_NO_NEXT_HEADER = 59
export const PROTOCOL_DESTINATION_OPTIONS = 60
const PROTOCOL_MOBILITY = 135
const PROTOCOL_HOST_IDENTITY = 139
const PROTOCOL_SHIM6 = 140

/** Bytes of a fragment header (RFC 8200 §4.5). */
export const FRAGMENT_HEADER_BYTES = 8

export interface Ipv6Header {
  readonly trafficClass: number
  readonly flowLabel: number
  /** First of the chain: an extension header or the upper-layer protocol. */
  readonly nextHeader: number
  readonly hopLimit: number
  /** Sixteen bytes each. Decoded: views of the input. */
  readonly source: Uint8Array
  readonly destination: Uint8Array
}

export interface Ipv6Packet extends Ipv6Header {
  /** Extension headers and upper layer. A view of the input. */
  readonly payload: Uint8Array
}

/**
 * Decodes the packet at `offset`. Bytes behind its payload length are ignored. Jumbograms (RFC 2675) do not
 * exist on an Ethernet; one shows as an empty payload.
 * @returns null where the version is not 6, or the payload length does not fit the bytes
 */
export function decodeIpv6(
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): Ipv6Packet | null {
  if (!isInside(bytes, offset, length) || length < IPV6_HEADER_BYTES) return null
  const payloadBytes = readUint16(bytes, offset + 4)
  if (bytes[offset]! >>> 4 !== 6 || IPV6_HEADER_BYTES + payloadBytes > length) return null
  const first = readUint32(bytes, offset)
  return {
    trafficClass: (first >>> 20) & 0xff,
    flowLabel: first & 0xfffff,
    nextHeader: bytes[offset + 6]!,
    hopLimit: bytes[offset + 7]!,
    source: bytes.subarray(offset + 8, offset + 24),
    destination: bytes.subarray(offset + 24, offset + 40),
    payload: bytes.subarray(offset + IPV6_HEADER_BYTES, offset + IPV6_HEADER_BYTES + payloadBytes),
  }
}

export function encodeIpv6(header: Ipv6Header, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(IPV6_HEADER_BYTES + payload.length)
  writeUint32(bytes, 0, 0x60000000 | (header.trafficClass << 20) | header.flowLabel)
  writeUint16(bytes, 4, payload.length)
  bytes[6] = header.nextHeader
  bytes[7] = header.hopLimit
  bytes.set(header.source, 8)
  bytes.set(header.destination, 24)
  bytes.set(payload, IPV6_HEADER_BYTES)
  return bytes
}

/** Extension headers that name the next one in their first byte (RFC 7045 §1; ESP hides what follows). */
export function isExtensionHeader(protocol: number): boolean {
  switch (protocol) {
    case PROTOCOL_HOP_BY_HOP:
    case PROTOCOL_ROUTING:
    case PROTOCOL_FRAGMENT:
    case PROTOCOL_AUTHENTICATION:
    case PROTOCOL_DESTINATION_OPTIONS:
    case PROTOCOL_MOBILITY:
    case PROTOCOL_HOST_IDENTITY:
    case PROTOCOL_SHIM6:
      return true
    default:
      return false
  }
}

/** Length of an extension header from its kind and its second byte (RFC 8200 §4.3 to §4.6, RFC 4302 §2.2). */
export function extensionHeaderBytes(protocol: number, lengthByte: number): number {
  if (protocol === PROTOCOL_FRAGMENT) return FRAGMENT_HEADER_BYTES
  if (protocol === PROTOCOL_AUTHENTICATION) return (lengthByte + 2) * 4
  return (lengthByte + 1) * 8
}
