import { WakunetError } from '@wakunet/interface'
import { formatIp, isIpv4Mapped, parseIpv4, parseIpv6 } from './ip-address.ts'

/** An address with the length of its network prefix. The bits behind the prefix are kept. */
export interface Cidr {
  readonly family: 4 | 6
  /** 4 or 16 bytes. */
  readonly bytes: Uint8Array
  /** 0 to 32 or 128. */
  readonly prefixLength: number
}

const PREFIX_TEXT = /^(0|[1-9]\d{0,2})$/
const EXAMPLES = 'for example 10.20.0.5/20 or fd12:3456:789a:1::5/64'

/**
 * Reads `<address>/<prefix length>`, strictly: no leading zeros, no zone, no spaces, and no IPv4 address written as
 * IPv6 (`::ffff:10.0.0.1`), which would slip through checks of either family.
 * @throws WakunetError `ERR_ADDRESS_INVALID`
 */
export function parseCidr(text: string): Cidr {
  const slash = text.indexOf('/')
  if (slash < 0) throw invalid(text, 'has no prefix length')
  const bytes = parseIp(text.slice(0, slash))
  if (bytes === null) throw invalid(text, 'does not begin with an IP address')
  if (isIpv4Mapped(bytes)) throw invalid(text, 'is an IPv4 address written as IPv6; write it as IPv4')
  const prefix = text.slice(slash + 1)
  const bits = bytes.length * 8
  if (!PREFIX_TEXT.test(prefix) || Number(prefix) > bits) {
    throw invalid(text, `needs a prefix length from 0 to ${bits}`)
  }
  return { family: bytes.length === 4 ? 4 : 6, bytes, prefixLength: Number(prefix) }
}

/** Canonical text: what `parseCidr` reads back as the same. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr.bytes)}/${cidr.prefixLength}`
}

/** The network that the address is in: the same with zeros behind the prefix. */
export function networkOf(cidr: Cidr): Cidr {
  const bytes = cidr.bytes.map((byte, i) => byte & maskByte(cidr.prefixLength, i))
  return { ...cidr, bytes }
}

/** Whether there are no bits behind the prefix. */
export function isNetwork(cidr: Cidr): boolean {
  return cidr.bytes.every((byte, i) => (byte & ~maskByte(cidr.prefixLength, i)) === 0)
}

/**
 * Whether an address (or every address of a network) is inside `network`. An address in text may have no prefix length; one
 * that is IPv4 in IPv6 clothes counts as IPv4. Text that is no address is inside nothing.
 */
export function cidrContains(network: Cidr, inner: Cidr | string): boolean {
  const other = typeof inner === 'string' ? readAddress(inner) : inner
  if (other === null || other.family !== network.family || other.prefixLength < network.prefixLength)
    return false
  return network.bytes.every((byte, i) => {
    return ((byte ^ other.bytes[i]!) & maskByte(network.prefixLength, i)) === 0
  })
}

function readAddress(text: string): Cidr | null {
  const slash = text.indexOf('/')
  const bytes = parseIp(slash < 0 ? text : text.slice(0, slash))
  if (bytes === null) return null
  const address = isIpv4Mapped(bytes) ? bytes.subarray(12) : bytes
  const unmapped = (bytes.length - address.length) * 8
  const prefix = slash < 0 ? String(bytes.length * 8) : text.slice(slash + 1)
  const prefixLength = Number(prefix) - unmapped
  if (!PREFIX_TEXT.test(prefix) || prefixLength < 0 || prefixLength > address.length * 8) return null
  return { family: address.length === 4 ? 4 : 6, bytes: address, prefixLength }
}

function parseIp(text: string): Uint8Array | null {
  return parseIpv4(text) ?? parseIpv6(text)
}

/** The part of the netmask that covers byte `index`. */
function maskByte(prefixLength: number, index: number): number {
  const bits = Math.min(8, Math.max(0, prefixLength - index * 8))
  return (0xff00 >>> bits) & 0xff
}

function invalid(text: string, what: string): WakunetError {
  const shown = JSON.stringify(text.slice(0, 64))
  return new WakunetError(
    'ERR_ADDRESS_INVALID',
    `${shown} ${what}; write <address>/<prefix length>, ${EXAMPLES}`,
  )
}
