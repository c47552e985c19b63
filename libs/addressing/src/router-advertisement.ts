import {
  encodeNdOption,
  ND_OPTION_DNS_SEARCH,
  ND_OPTION_DNS_SERVERS,
  ND_OPTION_MTU,
  ND_OPTION_PREFIX,
  ND_OPTION_SOURCE_LINK_ADDRESS,
  ND_ROUTER_ADVERTISEMENT,
  type NdOption,
  type NeighborMessage,
  type NeighborOption,
  RA_FLAG_OTHER,
} from '@wakunet/ethernet'

/** How long an address lives that a host made itself, and how long it begins new connections with it. */
export const PREFIX_VALID_SECONDS = 86_400
export const PREFIX_PREFERRED_SECONDS = 14_400
/** Three times the longest interval between advertisements (RFC 8106 §5.1). */
export const DNS_LIFETIME_SECONDS = 1_800
/** What hosts put into their packets (RFC 4861 §6.3.2). */
const HOST_HOP_LIMIT = 64

export interface RouterAdvertisementContent {
  /** Of the station, six bytes. */
  readonly mac: Uint8Array
  /** A /64, sixteen bytes. */
  readonly prefix: Uint8Array
  readonly mtu: number
  /** IPv6 resolvers, the station first. */
  readonly dnsServers: readonly Uint8Array[]
  readonly searchDomains: readonly string[]
}

/** A prefix that was advertised, and is no more. */
export interface WithdrawnPrefix {
  readonly prefix: Uint8Array
}

/**
 * The advertisement of a link that has a prefix and no router (RFC 4861 §4.2): lifetime 0, so that nobody takes the station for a
 * way out; addresses are made by the hosts, everything else is asked for by DHCPv6 (flag O).
 * @param isFinal hosts shall stop using all that it says: lifetimes of 0
 */
export function routerAdvertisement(
  content: RouterAdvertisementContent,
  withdrawn: readonly WithdrawnPrefix[] = [],
  isFinal = false,
): NeighborMessage {
  const dnsSeconds = isFinal ? 0 : DNS_LIFETIME_SECONDS
  const options: (NdOption | null)[] = [
    { type: ND_OPTION_SOURCE_LINK_ADDRESS, mac: content.mac },
    { type: ND_OPTION_MTU, mtu: content.mtu },
    prefixOption(content.prefix, isFinal),
    ...withdrawn.map(({ prefix }) => prefixOption(prefix, true)),
    dnsServersOption(content.dnsServers, dnsSeconds),
    dnsSearchOption(content.searchDomains, dnsSeconds),
  ]
  return {
    type: ND_ROUTER_ADVERTISEMENT,
    hopLimit: HOST_HOP_LIMIT,
    flags: RA_FLAG_OTHER,
    lifetimeSeconds: 0,
    reachableMs: 0,
    retransmitMs: 0,
    options: options.map((option) => (option === null ? null : encodeNdOption(option))).filter(isOption),
  }
}

/** RFC 4862 §5.5.3: a host keeps an address that it has for two hours at least, but begins nothing new with it. */
function prefixOption(prefix: Uint8Array, isWithdrawn: boolean): NdOption {
  return {
    type: ND_OPTION_PREFIX,
    prefixLength: 64,
    onLink: true,
    autonomous: true,
    validSeconds: isWithdrawn ? 0 : PREFIX_VALID_SECONDS,
    preferredSeconds: isWithdrawn ? 0 : PREFIX_PREFERRED_SECONDS,
    prefix,
  }
}

function dnsServersOption(addresses: readonly Uint8Array[], lifetimeSeconds: number): NdOption | null {
  return addresses.length === 0 ? null : { type: ND_OPTION_DNS_SERVERS, lifetimeSeconds, addresses }
}

function dnsSearchOption(names: readonly string[], lifetimeSeconds: number): NdOption | null {
  return names.length === 0 ? null : { type: ND_OPTION_DNS_SEARCH, lifetimeSeconds, names }
}

function isOption(option: NeighborOption | null): option is NeighborOption {
  return option !== null
}
