/**
 * Addresses of a VLAN. Derived ones (MAC, IPv6, automatic IPv4) follow from the VLAN id and the node id, so that a host has the same ones every
 * time. `VlanAddressing` is everything at run time: the leases of all members, which they announce to each other (`announcement`), the rule by
 * which one of two claims counts (`leases`), the DHCPv4 server (`dhcpv4`), and the switch's own station (`station`, `dhcpv6`, `dns`). Pure and
 * clocked from outside.
 */
export * from './address-plan.ts'
export {
  type Announcement,
  CONTROL_MEMBER,
  MAX_ANNOUNCEMENT_BYTES,
  MAX_MEMBER_LEASES,
  type ReadAnnouncement,
  readAnnouncement,
} from './announcement/announcement.ts'
export { nodeIdOfKey, signedBytes, type Verify } from './announcement/announcement-proof.ts'
export * from './announcement/sealing-key.ts'
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
