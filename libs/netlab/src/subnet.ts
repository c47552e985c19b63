import { isIPv4, isIPv6 } from 'node:net'
import { WakunetError } from '@wakunet/interface'

/** Benchmark range of RFC 2544 (RFC 6890): never in use on a real network. */
export const DEFAULT_SUBNET4 = '198.18.0.0/24'
/** A unique local prefix of our own (RFC 4193). */
export const DEFAULT_SUBNET6 = 'fd77:616b:756e::/64'

export interface HostAddress {
  readonly address: string
  readonly prefixLength: number
}

/**
 * Address of the host `index` (from 1) inside an IPv4 subnet such as `198.18.0.0/24`.
 * @throws WakunetError `ERR_ADDRESS_INVALID`, also where the subnet has too few addresses
 */
export function hostAddress4(subnet: string, index: number): HostAddress {
  const [network = '', length = ''] = subnet.split('/')
  const prefixLength = parsePrefixLength(length, 8, 30)
  if (!isIPv4(network) || prefixLength === null) {
    throw new WakunetError(
      'ERR_ADDRESS_INVALID',
      `"${subnet}" is not an IPv4 subnet such as ${DEFAULT_SUBNET4}`,
    )
  }
  const size = 2 ** (32 - prefixLength)
  if (index >= size - 1) {
    throw new WakunetError(
      'ERR_ADDRESS_INVALID',
      `${subnet} has no address for host ${index}: take a larger subnet`,
    )
  }
  const octets = network.split('.').map(Number) as [number, number, number, number]
  const value = octets[0] * 2 ** 24 + octets[1] * 2 ** 16 + octets[2] * 2 ** 8 + octets[3]
  const address = value - (value % size) + index
  return {
    address: [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.'),
    prefixLength,
  }
}

/** The other half of the benchmark range: a /30 for each single cable between two hosts. */
const EDGE_NETWORK = [198, 19] as const

/** Address of one end (1 or 2) of the cable `index` (from 0, below 16,384). */
export function edgeAddress4(index: number, end: 1 | 2): HostAddress {
  const offset = index * 4 + end
  return { address: [...EDGE_NETWORK, offset >> 8, offset & 0xff].join('.'), prefixLength: 30 }
}

/**
 * Address of the host `index` (from 1) inside an IPv6 prefix written as `fd77:616b:756e::/64`.
 * @throws WakunetError `ERR_ADDRESS_INVALID`
 */
export function hostAddress6(subnet: string, index: number): HostAddress {
  const [network = '', length = ''] = subnet.split('/')
  const prefixLength = parsePrefixLength(length, 16, 112)
  if (!isIPv6(network) || !network.endsWith('::') || prefixLength === null) {
    throw new WakunetError(
      'ERR_ADDRESS_INVALID',
      `"${subnet}" is not an IPv6 prefix such as ${DEFAULT_SUBNET6}`,
    )
  }
  return { address: `${network}${index.toString(16)}`, prefixLength }
}

function parsePrefixLength(text: string, least: number, most: number): number | null {
  if (!/^\d{1,3}$/.test(text)) return null
  const value = Number(text)
  return value >= least && value <= most ? value : null
}
