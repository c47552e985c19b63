import type { AddressPlan } from '../address-plan.ts'
import type { NameSource } from '../dns/name-source.ts'
import type { BindingChange } from '../vlan-addressing-init.ts'

export interface StationInit {
  /** 16 bytes. */
  readonly vlanId: Uint8Array
  readonly vlanName: string
  readonly plan: AddressPlan
  /** What the name server answers from. */
  readonly names: NameSource
  /** 32 random bits, so that nobody can aim at the rate limit of another. */
  readonly hashSeed: number
  /** In [0, 1). */
  readonly random: () => number
}

export interface StationOutput {
  /** A whole frame for the TAP, checksums complete. */
  toTap(frame: Uint8Array): void
  /** The station's own addresses, on the TAP's side: nobody else shall claim them. */
  onBindings(change: BindingChange): void
  /** A DHCPv4 message of a client (UDP port 67), its checksums verified. Answered with `VlanStation.sendDhcp4`. */
  onDhcp4(request: StationDatagram, nowMs: number): void
}

/** A UDP datagram that came to the station. All views of the frame: valid during the call only. */
export interface StationDatagram {
  /** Of the frame, six bytes. */
  readonly sourceMac: Uint8Array
  /** 4 or 16 bytes, as all addresses of the datagram. */
  readonly source: Uint8Array
  /** One of the station's addresses, or a broadcast or multicast address that it listens on. */
  readonly destination: Uint8Array
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload: Uint8Array
}

/** A UDP datagram from the station's IPv4 address. */
export interface Datagram4 {
  readonly destinationMac: Uint8Array
  /** Four bytes. */
  readonly destination: Uint8Array
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload: Uint8Array
}

/** Who the station is. Every switch of a VLAN has the same one, each on its own TAP's side. */
export interface StationAddresses {
  /** 02:57:4b and three bytes derived from the VLAN id. */
  readonly mac: Uint8Array
  /** First host address of the subnet. */
  readonly address4: Uint8Array
  /** `<prefix>::53`. */
  readonly address6: Uint8Array
  /** fe80:: with the EUI-64 of the MAC address. */
  readonly linkLocal: Uint8Array
}

/** Monotonic counters: what the station answered. */
export interface StationStats {
  arp: number
  neighbour: number
  echo: number
  /** ICMP errors: a port or protocol that nobody listens on. */
  unreachable: number
  routerAdvertisements: number
  dhcp4: number
  dhcp6: number
  dns: number
}

/**
 * Why the station did not answer a frame. Closed, so that it labels a counter.
 *
 * - `malformed`: lengths, versions or fields that the protocol does not allow
 * - `checksum`: a wrong one
 * - `fragment`: the station puts nothing together
 * - `not-for-us`: a protocol, an address or a message that it has no answer for
 * - `foreign-source`: a sender outside the VLAN's subnets, which an answer could be aimed at
 * - `rate`: more than a sender, or all of them, may ask
 */
export const STATION_DROPS = [
  'malformed',
  'checksum',
  'fragment',
  'not-for-us',
  'foreign-source',
  'rate',
] as const
export type StationDrop = (typeof STATION_DROPS)[number]

/** What became of a frame: answered, or noted to be; or why not. */
export type StationVerdict = 'taken' | StationDrop
