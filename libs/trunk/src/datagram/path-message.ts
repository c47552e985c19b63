import { SOCKET_ADDRESS_BYTES } from '@wakunet/netio'

/** Messages about the path, sealed like records (`docs/protocols/trunk.md`, addresses). */

export const TOKEN_BYTES = 8
const CHALLENGE = 1
const RESPONSE = 2
const CHALLENGE_BYTES = 13
const RESPONSE_BYTES = 32
/** A response must be no larger than what asked for it. */
export const MIN_CHALLENGE_DATAGRAM_BYTES = 96

/** Of a packed socket address (`struct sockaddr_in`, `sockaddr_in6`). */
const AF_INET = 2
const AF_INET6 = 10
const PACKED_PORT = 2
const PACKED_IPV4 = 4
const PACKED_IPV6 = 8

export interface PathChallenge {
  readonly type: 'challenge'
  readonly token: Uint8Array
  /** Records that came over the datagram path so far, modulo 2^32. */
  readonly received: number
}

export interface PathResponse {
  readonly type: 'response'
  readonly token: Uint8Array
  readonly received: number
  /** Where the challenge came from, as a packed socket address. */
  readonly observed: Uint8Array
}

export type PathMessage = PathChallenge | PathResponse

export function encodePathMessage(message: PathMessage): Uint8Array {
  const isChallenge = message.type === 'challenge'
  const bytes = new Uint8Array(isChallenge ? CHALLENGE_BYTES : RESPONSE_BYTES)
  const view = new DataView(bytes.buffer)
  bytes[0] = isChallenge ? CHALLENGE : RESPONSE
  bytes.set(message.token, 1)
  view.setUint32(9, message.received >>> 0)
  if (message.type === 'challenge') return bytes
  const isIpv6 = isPackedIpv6(message.observed)
  bytes[13] = isIpv6 ? 6 : 4
  bytes.set(message.observed.subarray(PACKED_PORT, PACKED_PORT + 2), 14)
  const start = isIpv6 ? PACKED_IPV6 : PACKED_IPV4
  bytes.set(message.observed.subarray(start, start + (isIpv6 ? 16 : 4)), 16)
  return bytes
}

/** Total: null for anything that is not exactly one message. The bytes are copied. */
export function decodePathMessage(bytes: Uint8Array): PathMessage | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes[0] === CHALLENGE && bytes.length === CHALLENGE_BYTES) {
    return { type: 'challenge', token: tokenOf(bytes), received: view.getUint32(9) }
  }
  if (bytes[0] !== RESPONSE || bytes.length !== RESPONSE_BYTES) return null
  const observed = observedAddress(bytes)
  if (observed === null) return null
  return { type: 'response', token: tokenOf(bytes), received: view.getUint32(9), observed }
}

function tokenOf(bytes: Uint8Array): Uint8Array {
  return bytes.slice(1, 1 + TOKEN_BYTES)
}

function observedAddress(bytes: Uint8Array): Uint8Array | null {
  const family = bytes[13]
  if (family !== 4 && family !== 6) return null
  if (family === 4 && bytes.subarray(20).some((byte) => byte !== 0)) return null
  const packed = new Uint8Array(SOCKET_ADDRESS_BYTES)
  new DataView(packed.buffer).setUint16(0, family === 6 ? AF_INET6 : AF_INET, true)
  packed.set(bytes.subarray(14, 16), PACKED_PORT)
  if (family === 6) packed.set(bytes.subarray(16, 32), PACKED_IPV6)
  else packed.set(bytes.subarray(16, 20), PACKED_IPV4)
  return packed
}

/** True for a packed IPv6 address. The family is in host byte order; Wakunet runs on little-endian machines. */
export function isPackedIpv6(packed: Uint8Array): boolean {
  return packed[0] === AF_INET6 && packed[1] === 0
}
