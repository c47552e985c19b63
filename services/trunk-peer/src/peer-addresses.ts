import { isIPv4, isIPv6 } from 'node:net'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { type Cidr, cidrContains, parseCidr } from '@wakunet/addressing'

const MAX_ADDRESSES = 8
const MAX_ADDRESS_CHARACTERS = 128
const CIRCUIT = '/p2p-circuit'
const MAX_CIRCUIT_CHARACTERS = MAX_ADDRESS_CHARACTERS + CIRCUIT.length

/** Networks that are not the same everywhere: an address in them means a host only to those who have one there too. */
const LOCAL_NETWORKS: readonly (readonly Cidr[])[] = [
  ['127.0.0.0/8', '::1/128'],
  // RFC 1918, RFC 6598, RFC 2544, RFC 4193: networks of one organisation, and its laboratory.
  ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '198.18.0.0/15', 'fc00::/7'],
  ['169.254.0.0/16'],
].map((networks) => networks.map((network) => parseCidr(network)))

/** No host of its own: this network, groups, reserved, translations of IPv4, link-local (it names no interface). */
const NEVER: readonly Cidr[] = [
  '0.0.0.0/8',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  'ff00::/8',
  'fe80::/10',
  '64:ff9b::/96',
  '2002::/16',
].map((network) => parseCidr(network))

export interface AddressRules {
  /** Multiaddrs of this node. */
  readonly own: readonly string[]
  readonly isOverlay: (address: Multiaddr) => boolean
}

/**
 * Those of a stranger's addresses that this node may dial. A member of a VLAN tells what it likes; without these rules it could
 * make others knock at hosts of their own networks, or run a trunk through the VLAN that it carries. Names are left out: they
 * would be looked up here, and lead wherever their owner wants.
 */
export function dialableAddresses(claimed: readonly string[], rules: AddressRules): string[] {
  const forbidden = forbiddenNetworks(rules.own.map(hostOfText).filter((host) => host !== null))
  const dialable = new Set<string>()
  for (const text of claimed.slice(0, MAX_ADDRESSES)) {
    const address = parse(text)
    const host = address === null ? null : tcpHost(address)
    if (address === null || host === null || within(forbidden, host) || rules.isOverlay(address)) continue
    dialable.add(text)
  }
  return [...dialable]
}

/**
 * True where datagrams may be sent to a host that a peer has told of.
 * @param own IP addresses of this node
 */
export function mayReachHost(host: string, own: readonly string[]): boolean {
  return (isIPv4(host) || isIPv6(host)) && !within(forbiddenNetworks(own), host)
}

/** Networks in which a stranger's address says nothing to a node with these addresses. */
function forbiddenNetworks(own: readonly string[]): readonly Cidr[] {
  const allowed = LOCAL_NETWORKS.filter((networks) => own.some((host) => within(networks, host)))
  return [...NEVER, ...LOCAL_NETWORKS.filter((networks) => !allowed.includes(networks)).flat()]
}

/** True for an address of loopback or of a network that is not the internet. */
export function isLocalAddress(address: Multiaddr): boolean {
  const host = hostOfText(address.toString())
  return host !== null && isLocalHost(host)
}

/** The same for an IP address. */
export function isLocalHost(host: string): boolean {
  return LOCAL_NETWORKS.some((networks) => within(networks, host)) || within(NEVER, host)
}

/** An IP address with a TCP port. */
export interface TcpSocket {
  readonly host: string
  readonly port: number
  readonly family: 4 | 6
}

/** Where an address of `tcpHost`'s form leads; null for others, relayed ones included. */
export function socketOf(text: string): TcpSocket | null {
  const address = parse(text)
  const host = address === null ? null : tcpHost(address)
  if (address === null || host === null) return null
  const port = Number(address.getComponents()[1]?.value)
  return { host, port, family: isIPv6(host) ? 6 : 4 }
}

/**
 * Those of a stranger's addresses over relays, `/ip4|ip6/HOST/tcp/PORT/p2p/RELAY/p2p-circuit`, whose relay this node may dial, by the
 * rules of `dialableAddresses`.
 */
export function dialableCircuits(claimed: readonly string[], rules: AddressRules): string[] {
  const circuits = claimed.filter((text) => text.endsWith(CIRCUIT) && text.length <= MAX_CIRCUIT_CHARACTERS)
  return circuits
    .slice(0, MAX_ADDRESSES)
    .filter((text) => dialableAddresses([text.slice(0, -CIRCUIT.length)], rules).length === 1)
    .filter((text) => text.includes('/p2p/'))
}

function parse(text: string): Multiaddr | null {
  if (text.length > MAX_ADDRESS_CHARACTERS) return null
  try {
    return multiaddr(text)
  } catch {
    return null
  }
}

/** Host of an address that is `/ip4|ip6/HOST/tcp/PORT`, with or without `/ws` and a peer id at its end; null for all others. */
function tcpHost(address: Multiaddr): string | null {
  const [ip, tcp, ...rest] = address.getComponents()
  if ((ip?.name !== 'ip4' && ip?.name !== 'ip6') || tcp?.name !== 'tcp' || tcp.value === '0') return null
  const end = rest.map(({ name }) => name).join('/')
  return ['', 'p2p', 'ws', 'ws/p2p'].includes(end) ? (ip.value ?? null) : null
}

function hostOfText(text: string): string | null {
  const host = text.split('/')[2] ?? ''
  return isIPv4(host) || isIPv6(host) ? host : null
}

function within(networks: readonly Cidr[], host: string): boolean {
  return networks.some((network) => cidrContains(network, host))
}
