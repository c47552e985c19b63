import { type Cidr, cidrContains, formatCidr, networkOf, parseCidr } from '@wakunet/addressing'

/** Addresses that say nothing of where a host is: everybody may have them. */
const PRIVATE: readonly Cidr[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '::/127',
  'fc00::/7',
  'fe80::/10',
].map(parseCidr)

/** Hosts within this share a network, as far as we can tell: the least that an attacker has to rent. */
const PREFIX_4 = 24
const PREFIX_6 = 48

/** What peers at private addresses have in common. */
export const LOCAL_GROUP = 'local'

/**
 * The network that an address is in, a /24 or a /48; `LOCAL_GROUP` for private ones, names, and what is no address.
 * @param address multiaddr
 */
export function networkGroup(address: string): string {
  const [, kind, host] = address.split('/')
  if (host === undefined || (kind !== 'ip4' && kind !== 'ip6')) return LOCAL_GROUP
  try {
    const cidr = parseCidr(`${host}/${kind === 'ip4' ? 32 : 128}`)
    if (PRIVATE.some((network) => cidrContains(network, cidr))) return LOCAL_GROUP
    return formatCidr(networkOf({ ...cidr, prefixLength: cidr.family === 4 ? PREFIX_4 : PREFIX_6 }))
  } catch {
    return LOCAL_GROUP
  }
}

/** The group of the first public address; `LOCAL_GROUP` where there is none. */
export function groupOfAddresses(addresses: readonly string[]): string {
  for (const address of addresses) {
    const group = networkGroup(address)
    if (group !== LOCAL_GROUP) return group
  }
  return LOCAL_GROUP
}

/** Host and port, without what follows: where a dial knocks. */
export function endpointOf(address: string): string {
  return address.split('/').slice(1, 5).join('/')
}
