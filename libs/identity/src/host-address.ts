import { cidrContains, formatIp, parseCidr, parseIpv4, parseIpv6 } from '@wakunet/addressing'

/**
 * IPv4 addresses of a subnet that its hosts may have, as 32-bit numbers, both ends included: not the network, not
 * the broadcast address, and not the first host address, which is that of every switch's own station.
 */
export interface HostRange {
  readonly first: number
  readonly last: number
}

/** @param subnet4 a network with a prefix length from 0 to 30 */
export function hostRangeOf(subnet4: string): HostRange {
  const { bytes, prefixLength } = parseCidr(subnet4)
  const network = toNumber(bytes)
  return { first: network + 2, last: network + 2 ** (32 - prefixLength) - 2 }
}

/** What is wrong with an address for a host of the subnet, as the end of a sentence that begins with it; null for a good one. */
export function hostFault(address4: string, subnet4: string): string | null {
  const range = hostRangeOf(subnet4)
  const value = numberOf4(address4)
  if (value >= range.first && value <= range.last) return null
  return `${whyNot(value, range)}; take one from ${textOf4(range.first)} to ${textOf4(range.last)}`
}

function whyNot(value: number, { first, last }: HostRange): string {
  if (value === first - 1) return "is the address of the switches' own DHCP and DNS"
  if (value === first - 2) return 'is the network address of the subnet'
  return value === last + 1 ? 'is the broadcast address of the subnet' : "is outside the VLAN's subnet"
}

/** What is wrong with the text of an IPv4 address; null for the one form that everybody writes. */
export function ipv4Fault(text: string): string | null {
  return parseIpv4(text) === null ? 'must be an IPv4 address like 10.20.0.7' : null
}

/** 32-bit number of an address in text that is known to be one. */
export function numberOf4(address4: string): number {
  const bytes = parseIpv4(address4)
  return bytes === null ? Number.NaN : toNumber(bytes)
}

/** Addresses that mean something else on every host, or are no single host's. */
const NO_SERVERS = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/127',
  'fe80::/10',
  'ff00::/8',
].map(parseCidr)

/** What is wrong with the address of a server that members shall use, in either family; null for a good one. */
export function serverAddressFault(text: string): string | null {
  const bytes = parseIpv4(text) ?? parseIpv6(text)
  // IPv4 in IPv6 clothes has another canonical text in this program, and is read as IPv4 below.
  if (bytes === null || formatIp(bytes) !== text || text.startsWith('::ffff:'))
    return 'must be an IP address like 10.20.0.53 or fd12:3456:789a:1::53'
  if (!NO_SERVERS.some((network) => cidrContains(network, text))) return null
  return 'must be an address that other hosts can reach, not a local, multicast or reserved one'
}

function toNumber(bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0)
}

function textOf4(value: number): string {
  return formatIp(Uint8Array.of(value / 2 ** 24, (value / 2 ** 16) % 256, (value / 256) % 256, value % 256))
}
