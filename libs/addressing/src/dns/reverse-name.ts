import type { Cidr } from '../cidr.ts'
import { sharesPrefix } from '../station/address-bytes.ts'

const OCTET = /^(0|[1-9]\d{0,2})$/
const NIBBLE = /^[0-9a-f]$/
const IPV6_NIBBLES = 32

/** What a name below `in-addr.arpa` or `ip6.arpa` says. */
export interface ReverseName {
  /** Address, or network of whole labels. */
  readonly bytes: Uint8Array
  readonly prefixLength: number
}

/**
 * Reads a reverse name (RFC 1035 §3.5, RFC 3596 §2.5).
 * @param labels in lower case, outermost last
 * @returns null for a name that is no reverse one, or does not say an address
 */
export function parseReverseName(labels: readonly string[]): ReverseName | null {
  if (labels.at(-1) !== 'arpa') return null
  const parts = labels.slice(0, -2).reverse()
  if (labels.at(-2) === 'in-addr') return parseOctets(parts)
  return labels.at(-2) === 'ip6' ? parseNibbles(parts) : null
}

/** The reverse name of the first `prefixLength` bits, which are whole labels. */
export function reverseName(address: Uint8Array, prefixLength: number): string {
  if (address.length === 4) {
    return [...address.subarray(0, prefixLength / 8)].reverse().join('.').concat('.in-addr.arpa')
  }
  const nibbles = [...address].flatMap((byte) => [byte >>> 4, byte & 15]).slice(0, prefixLength / 4)
  return nibbles
    .map((nibble) => nibble.toString(16))
    .reverse()
    .join('.')
    .concat('.ip6.arpa')
}

/**
 * Bits of the zone that an address of the network is in: the network in whole labels; for an IPv4 network that is smaller than a label, the
 * label that it is in, of which the rest is refused.
 */
export function reverseZoneBits({ family, prefixLength }: Cidr): number {
  return family === 4 ? Math.min(24, Math.ceil(prefixLength / 8) * 8) : Math.ceil(prefixLength / 4) * 4
}

/** Whether all of what the name says is inside the network. */
export function isInNetwork({ bytes, prefixLength }: ReverseName, network: Cidr): boolean {
  return prefixLength >= network.prefixLength && sharesPrefix(bytes, network.bytes, network.prefixLength)
}

function parseOctets(parts: readonly string[]): ReverseName | null {
  if (parts.length === 0 || parts.length > 4) return null
  if (!parts.every((part) => OCTET.test(part) && Number(part) <= 255)) return null
  const bytes = new Uint8Array(4)
  bytes.set(parts.map(Number))
  return { bytes, prefixLength: 8 * parts.length }
}

function parseNibbles(parts: readonly string[]): ReverseName | null {
  if (parts.length === 0 || parts.length > IPV6_NIBBLES) return null
  if (!parts.every((part) => NIBBLE.test(part))) return null
  const bytes = new Uint8Array(16)
  for (const [i, part] of parts.entries()) {
    bytes[i >>> 1]! |= Number.parseInt(part, 16) << (i % 2 === 0 ? 4 : 0)
  }
  return { bytes, prefixLength: 4 * parts.length }
}
