import { addressEquals } from './address-bytes.ts'
import { STATION_DROPS, type StationAddresses, type StationDrop, type StationStats } from './station-types.ts'

/** What the parts of the station have in common: who it is, its way to the TAP, and its counters. */
export class StationPort {
  addresses: StationAddresses
  readonly send: (frame: Uint8Array) => void
  readonly stats: StationStats = {
    arp: 0,
    neighbour: 0,
    echo: 0,
    unreachable: 0,
    routerAdvertisements: 0,
    dhcp4: 0,
    dhcp6: 0,
    dns: 0,
  }
  readonly drops: Record<StationDrop, number>

  constructor(addresses: StationAddresses, send: (frame: Uint8Array) => void) {
    this.addresses = addresses
    this.send = send
    this.drops = Object.fromEntries(STATION_DROPS.map((drop) => [drop, 0])) as Record<StationDrop, number>
  }

  /** Whether this is one of the station's own unicast addresses. */
  isOwn(address: Uint8Array): boolean {
    const { address4, address6, linkLocal } = this.addresses
    if (address.length === 4) return addressEquals(address, address4)
    return addressEquals(address, address6) || addressEquals(address, linkLocal)
  }
}
