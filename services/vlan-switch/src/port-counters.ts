import { ADDRESSING_DROPS, STATION_DROPS } from '@wakunet/addressing'
import { OFFLOAD_FAULTS } from '@wakunet/ethernet'
import {
  BRIDGE_DROPS,
  createDropCounters,
  DATAPATH_DROPS,
  FABRIC_DROPS,
  GUARD_DROPS,
  LAN_DROPS,
  PATH_MTU_DROPS,
} from '@wakunet/switching'

/**
 * Why a port drops frames and records; closed, so that it labels a counter. Beside those of fabric, bridge and datapath:
 * - `guard-…`: a guard objected
 * - `addressing-…`: a member announcement or a DHCPv4 message that does not count
 * - `station-…`: a frame for the switch's own station that it does not answer
 * - `path-mtu-…`: too large for the port of the member that it is for, and its sender could not be told
 * - `offload-…`: the offload hints of a frame do not fit it (`checkOffload`)
 * - `frame-size`: the TAP handed out a frame of an impossible size
 * - `port-down`: frames for a port whose TAP is gone
 * - `lan-…`: a hello from the LAN behind a bridge is not believed
 * - `tap-refused`, `tap-full`: the kernel would not take a frame, or had no room for it
 */
export const PORT_DROPS = [
  ...FABRIC_DROPS,
  ...BRIDGE_DROPS,
  ...DATAPATH_DROPS,
  ...PATH_MTU_DROPS.map((reason) => `path-mtu-${reason}` as const),
  ...GUARD_DROPS.map((reason) => `guard-${reason}` as const),
  ...LAN_DROPS.map((reason) => `lan-${reason}` as const),
  ...ADDRESSING_DROPS.map((reason) => `addressing-${reason}` as const),
  ...STATION_DROPS.map((reason) => `station-${reason}` as const),
  ...OFFLOAD_FAULTS.map((fault) => `offload-${fault}` as const),
  'frame-size',
  'port-down',
  'tap-refused',
  'tap-full',
] as const
export type PortDrop = (typeof PORT_DROPS)[number]
export type PortDrops = Record<PortDrop, number>

export const ADDRESSING_COUNTERS = [
  'addressConflicts',
  'addressMoves',
  'announcementsOut',
  'dhcpOffers',
  'dhcpAcks',
  'dhcpNaks',
  'dhcpDeclines',
  'dhcpReleases',
  'dhcpPoolExhausted',
  'stationArpReplies',
  'stationNeighbourReplies',
  'stationEchoReplies',
  'stationRouterAdvertisements',
  'stationDhcp6Replies',
  'stationDnsReplies',
] as const

/**
 * Monotonic counters of a port. "In" is what came from the VLAN to this host, "out" what went from this host
 * into the VLAN, as `ip -s link` has it.
 */
export const PORT_COUNTERS = [
  'framesIn',
  'bytesIn',
  'framesOut',
  'bytesOut',
  'recordsIn',
  'recordsOut',
  'framesFinished',
  'recordsPassedOn',
  'controlRecordsOut',
  'recordsSealed',
  'recordsOpened',
  'recordsRelayed',
  'bytesRelayed',
  'macsLearned',
  'macsMoved',
  'macsAged',
  'macsContested',
  'macsRefused',
  'membersRefused',
  'topologyChanges',
  'rootChanges',
  'tooBigAnswered',
  'framesFragmented',
  'neighboursAnswered',
  'bindingsLearned',
  'bindingsMoved',
  'bindingConflicts',
  'groupQueriesOut',
  'groupReportsIn',
  'lanTakeovers',
  'lanYields',
  'lanLapses',
  'lanHellosIn',
  'lanHellosOut',
  ...ADDRESSING_COUNTERS,
  'tapFailures',
] as const
export type PortCounter = (typeof PORT_COUNTERS)[number]
export type PortCounters = Record<PortCounter, number>

export function newPortDrops(): PortDrops {
  return createDropCounters(PORT_DROPS)
}

export function newPortCounters(): PortCounters {
  return createDropCounters(PORT_COUNTERS)
}

/** Adds every number of `from` to `into`. */
export function addCounters<K extends string>(
  into: Record<K, number>,
  from: Readonly<Record<K, number>>,
): void {
  for (const key of Object.keys(from) as K[]) into[key] += from[key]
}

export function sumOf(counters: Readonly<Record<string, number>>): number {
  return Object.values(counters).reduce((sum, count) => sum + count, 0)
}
