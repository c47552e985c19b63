import { DHCPV4_CODE, type Dhcpv4OptionName, type Dhcpv4Options } from '@wakunet/ethernet'
import type { AddressPlan } from '../address-plan.ts'
import { parseIpv4 } from '../ip-address.ts'
import { fromUint32 } from '../leases/address-order.ts'
import type { AddressSpace } from '../leases/address-space.ts'
import { planServers } from '../plan-services.ts'

/** Of a record that does not say. */
export const DEFAULT_LEASE_SECONDS = 3_600
/** A client may ask for less, but not for less than this. */
export const MIN_LEASE_SECONDS = 120
/** Renewal is a question to the own switch, so it costs nothing; a lease that was lost is noticed by it. */
const MAX_RENEWAL_SECONDS = 60

/** What clients are told beside their address (RFC 2132), in the order in which it is said. */
export type ClientConfiguration = Pick<
  Dhcpv4Options,
  | 'subnetMask'
  | 'routers'
  | 'dnsServers'
  | 'domainName'
  | 'searchList'
  | 'broadcastAddress'
  | 'interfaceMtu'
  | 'ntpServers'
>

/** @param domain of the VLAN */
export function clientConfiguration(
  plan: AddressPlan,
  space: AddressSpace,
  domain: string,
): ClientConfiguration {
  const station = fromUint32(space.station4)
  const router = plan.router4 === undefined ? null : parseIpv4(plan.router4)
  const { prefixLength, bytes } = space.subnet4
  const mask = fromUint32(prefixLength === 0 ? 0 : (0xffff_ffff << (32 - prefixLength)) >>> 0)
  return {
    subnetMask: mask,
    ...(router === null ? {} : { routers: [router] }),
    dnsServers: [station, ...planServers(plan.dns).addresses4],
    domainName: domain,
    searchList: [domain],
    broadcastAddress: bytes.map((byte, i) => byte | (~mask[i]! & 0xff)),
    interfaceMtu: plan.mtu,
    ntpServers: planServers(plan.ntp).addresses4,
  }
}

/** How long a client gets an address: what it asks for, within bounds. */
export function leaseSecondsOf(plan: AddressPlan, requested: number | undefined): number {
  const most = plan.leaseSeconds ?? DEFAULT_LEASE_SECONDS
  return requested === undefined ? most : Math.max(MIN_LEASE_SECONDS, Math.min(requested, most))
}

/** T1 and T2 are said always: whoever renews late learns late that its address is gone. */
export function leaseTimes(seconds: number): Dhcpv4Options {
  const renewalSeconds = Math.min(MAX_RENEWAL_SECONDS, Math.floor(seconds / 2))
  return { leaseSeconds: seconds, renewalSeconds, rebindingSeconds: Math.floor((seconds * 7) / 8) }
}

/**
 * What of it a client gets: what it asks for, or everything where it does not say what it wants. The subnet mask comes always, for
 * many are lost without.
 * @param wanted option codes (option 55)
 */
export function selectConfiguration(
  configuration: ClientConfiguration,
  wanted: Uint8Array | undefined,
): Dhcpv4Options {
  if (wanted === undefined) return configuration
  const names = Object.keys(configuration) as (keyof ClientConfiguration & Dhcpv4OptionName)[]
  return Object.fromEntries(
    names
      .filter((name) => name === 'subnetMask' || wanted.includes(DHCPV4_CODE[name]))
      .map((name) => [name, configuration[name]]),
  ) as Dhcpv4Options
}
