/**
 * Address plans: which MAC, IPv4 and IPv6 addresses a member of a VLAN has. Everything is derived from the VLAN id and the
 * node id, so that all members know each other's automatic addresses without asking, and a host gets the same ones
 * every time. Pure.
 */
export * from './address-plan.ts'
export {
  CONTROL_MEMBER,
  MAX_ANNOUNCEMENT_BYTES,
  MAX_MEMBER_LEASES,
} from './announcement/announcement.ts'
export { nodeIdOfKey, signedBytes, type Verify } from './announcement/announcement-proof.ts'
export * from './cidr.ts'
export { MAX_ANSWER_BYTES } from './dns/dns-responder.ts'
export { DOMAIN_ROOT, defaultDomain, hostLabel, STATION_LABEL } from './dns/host-label.ts'
export * from './dns/name-source.ts'
export { NameTable } from './dns/name-table.ts'
export * from './ip-address.ts'
export { LEASE_KINDS, type Lease, type LeaseKind } from './leases/lease.ts'
export * from './member-address.ts'
export { stationAddresses, stationMac } from './station/station-addresses.ts'
export * from './station/station-types.ts'
export { VlanStation } from './station/vlan-station.ts'
export * from './subnet.ts'
export * from './vlan-addressing.ts'
export * from './vlan-addressing-init.ts'
