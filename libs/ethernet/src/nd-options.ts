import { decodeDomainNames, encodeDomainNames } from './domain-name.ts'
import {
  ND_OPTION_PREFIX,
  ND_OPTION_SOURCE_LINK_ADDRESS,
  ND_OPTION_TARGET_LINK_ADDRESS,
  type NeighborOption,
} from './icmpv6-nd.ts'
import { MAC_BYTES } from './mac.ts'
import { decodeAddresses } from './multicast-record.ts'
import { readUint32, writeUint32 } from './numbers.ts'

/** RFC 4861 §4.6.4. */
export const ND_OPTION_MTU = 5
/** RFC 4191 §2.3. */
export const ND_OPTION_ROUTE = 24
/** RFC 8106 §5.1. */
export const ND_OPTION_DNS_SERVERS = 25
/** RFC 8106 §5.2. */
export const ND_OPTION_DNS_SEARCH = 31

/** For ever, where an option has a lifetime. */
export const ND_INFINITE_SECONDS = 0xffff_ffff
/** Flags of a router advertisement (RFC 4861 §4.2). */
export const RA_FLAG_MANAGED = 0x80
export const RA_FLAG_OTHER = 0x40

const IPV6_BYTES = 16

/** Preference of a route or router (RFC 4191 §2.1); the reserved value is read as medium. */
export type RoutePreference = 'low' | 'medium' | 'high'
const PREFERENCE_BITS: Record<RoutePreference, number> = { low: 3, medium: 0, high: 1 }

/** The options of neighbour discovery that have a meaning here, as values. */
export type NdOption =
  | {
      readonly type: typeof ND_OPTION_SOURCE_LINK_ADDRESS | typeof ND_OPTION_TARGET_LINK_ADDRESS
      /** Six bytes. */
      readonly mac: Uint8Array
    }
  | {
      readonly type: typeof ND_OPTION_PREFIX
      /** 0 to 128. */
      readonly prefixLength: number
      readonly onLink: boolean
      readonly autonomous: boolean
      readonly validSeconds: number
      readonly preferredSeconds: number
      /** Sixteen bytes. */
      readonly prefix: Uint8Array
    }
  | { readonly type: typeof ND_OPTION_MTU; readonly mtu: number }
  | {
      readonly type: typeof ND_OPTION_ROUTE
      readonly prefixLength: number
      readonly preference: RoutePreference
      readonly lifetimeSeconds: number
      readonly prefix: Uint8Array
    }
  | {
      readonly type: typeof ND_OPTION_DNS_SERVERS
      readonly lifetimeSeconds: number
      readonly addresses: readonly Uint8Array[]
    }
  | {
      readonly type: typeof ND_OPTION_DNS_SEARCH
      readonly lifetimeSeconds: number
      readonly names: readonly string[]
    }

/**
 * What an option of a decoded message says.
 * @returns null for a type that is not known here, and for one whose length or values its RFC does not allow
 */
export function decodeNdOption({ type, data }: NeighborOption): NdOption | null {
  switch (type) {
    case ND_OPTION_SOURCE_LINK_ADDRESS:
    case ND_OPTION_TARGET_LINK_ADDRESS:
      return data.length === MAC_BYTES ? { type, mac: data } : null
    case ND_OPTION_PREFIX:
      return decodePrefix(data)
    case ND_OPTION_MTU:
      return data.length === 6 ? { type, mtu: readUint32(data, 2) } : null
    case ND_OPTION_ROUTE:
      return decodeRoute(data)
    case ND_OPTION_DNS_SERVERS:
      return decodeDnsServers(data)
    case ND_OPTION_DNS_SEARCH:
      return decodeDnsSearch(data)
    default:
      return null
  }
}

/** The option as `encodeNeighborMessage` takes it; null for a search list with a name that is none. */
export function encodeNdOption(option: NdOption): NeighborOption | null {
  switch (option.type) {
    case ND_OPTION_SOURCE_LINK_ADDRESS:
    case ND_OPTION_TARGET_LINK_ADDRESS:
      return { type: option.type, data: option.mac }
    case ND_OPTION_PREFIX: {
      const data = new Uint8Array(30)
      data[0] = option.prefixLength
      data[1] = (option.onLink ? 0x80 : 0) | (option.autonomous ? 0x40 : 0)
      writeUint32(data, 2, option.validSeconds)
      writeUint32(data, 6, option.preferredSeconds)
      data.set(option.prefix, 14)
      return { type: option.type, data }
    }
    case ND_OPTION_MTU: {
      const data = new Uint8Array(6)
      writeUint32(data, 2, option.mtu)
      return { type: option.type, data }
    }
    case ND_OPTION_ROUTE: {
      const data = new Uint8Array(6 + routePrefixBytes(option.prefixLength))
      data[0] = option.prefixLength
      data[1] = PREFERENCE_BITS[option.preference] << 3
      writeUint32(data, 2, option.lifetimeSeconds)
      data.set(option.prefix.subarray(0, data.length - 6), 6)
      return { type: option.type, data }
    }
    case ND_OPTION_DNS_SERVERS: {
      const data = withLifetime(option.lifetimeSeconds, option.addresses.length * IPV6_BYTES)
      for (const [i, address] of option.addresses.entries()) data.set(address, 6 + i * IPV6_BYTES)
      return { type: option.type, data }
    }
    case ND_OPTION_DNS_SEARCH: {
      const names = encodeDomainNames(option.names)
      if (names === null) return null
      const data = withLifetime(option.lifetimeSeconds, Math.ceil(names.length / 8) * 8)
      data.set(names, 6)
      return { type: option.type, data }
    }
  }
}

function decodePrefix(data: Uint8Array): NdOption | null {
  if (data.length !== 30 || data[0]! > 128) return null
  return {
    type: ND_OPTION_PREFIX,
    prefixLength: data[0]!,
    onLink: (data[1]! & 0x80) !== 0,
    autonomous: (data[1]! & 0x40) !== 0,
    validSeconds: readUint32(data, 2),
    preferredSeconds: readUint32(data, 6),
    prefix: data.subarray(14, 30),
  }
}

/** RFC 4191 §2.3: the prefix has 0, 8 or 16 bytes, and at least as many as its length needs. */
function decodeRoute(data: Uint8Array): NdOption | null {
  const prefixBytes = data.length - 6
  if (prefixBytes !== 0 && prefixBytes !== 8 && prefixBytes !== IPV6_BYTES) return null
  if (data[0]! > 128 || routePrefixBytes(data[0]!) > prefixBytes) return null
  const prefix = new Uint8Array(IPV6_BYTES)
  prefix.set(data.subarray(6))
  return {
    type: ND_OPTION_ROUTE,
    prefixLength: data[0]!,
    preference: preferenceOf((data[1]! >>> 3) & 3),
    lifetimeSeconds: readUint32(data, 2),
    prefix,
  }
}

function routePrefixBytes(prefixLength: number): number {
  return Math.ceil(prefixLength / 64) * 8
}

/** RFC 8106 §5.1: one address at least. */
function decodeDnsServers(data: Uint8Array): NdOption | null {
  const count = (data.length - 6) / IPV6_BYTES
  if (count < 1 || !Number.isInteger(count)) return null
  const addresses = decodeAddresses(data, 6, data.length, count, IPV6_BYTES)
  if (addresses === null) return null
  return { type: ND_OPTION_DNS_SERVERS, lifetimeSeconds: readUint32(data, 2), addresses }
}

/** RFC 8106 §5.2: one name at least, uncompressed, with zeros up to a multiple of eight bytes. */
function decodeDnsSearch(data: Uint8Array): NdOption | null {
  if (data.length < 14) return null
  let end = data.length
  while (end > 6 && data[end - 1] === 0) end--
  // The last zero ends the last name.
  const names = decodeDomainNames(data.subarray(6, Math.min(end + 1, data.length)))
  if (names === null || names.length === 0) return null
  return { type: ND_OPTION_DNS_SEARCH, lifetimeSeconds: readUint32(data, 2), names }
}

function withLifetime(lifetimeSeconds: number, rest: number): Uint8Array {
  const data = new Uint8Array(6 + rest)
  writeUint32(data, 2, lifetimeSeconds)
  return data
}

function preferenceOf(bits: number): RoutePreference {
  if (bits === PREFERENCE_BITS.high) return 'high'
  return bits === PREFERENCE_BITS.low ? 'low' : 'medium'
}
