import { multiaddr } from '@multiformats/multiaddr'

/** All peers that are reached over a relay: their own network is not seen. */
const RELAYED = 'relayed'
const V6_GROUPS = 3

/**
 * The network of a trunk's address: /24 of IPv4, /48 of IPv6. Whoever can have one address of it can have all, so they share what
 * one network may fill.
 */
export function peerNetwork(address: string): string {
  if (address.includes('/p2p-circuit')) return RELAYED
  for (const { name, value } of multiaddr(address).getComponents()) {
    if (name === 'ip4' && value !== undefined) return `${value.split('.').slice(0, 3).join('.')}.0/24`
    if (name === 'ip6' && value !== undefined) return `${firstGroups(value)}::/48`
  }
  return address
}

/** The first three of the eight groups, written out. */
function firstGroups(address: string): string {
  const [head = '', tail] = address.split('::')
  const groups = head.split(':').filter((group) => group !== '')
  const missing =
    tail === undefined ? 0 : 8 - groups.length - tail.split(':').filter((group) => group !== '').length
  const all = [...groups, ...new Array(Math.max(0, missing)).fill('0'), ...(tail ?? '').split(':')]
  return all
    .slice(0, V6_GROUPS)
    .map((group) => Number.parseInt(group || '0', 16).toString(16))
    .join(':')
}
