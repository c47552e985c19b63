/**
 * Why a guard drops a frame. Closed, so that it labels a counter.
 *
 * - `malformed`: lengths or headers that do not fit the frame, or an upper-layer header that is cut
 * - `snap`: IP, ARP or a tag behind LLC and SNAP headers, where some hosts look and guards do not
 * - `tag-double`, `tag-filtered`: 802.1Q tags that the policy of the VLAN does not carry
 * - `bpdu-member`: a BPDU over a trunk, where none belongs
 * - `bpdu-edge`: a BPDU from a TAP that no bridge shall be behind
 * - `bpdu-rate`: too many from a bridged LAN
 * - `bpdu-root`: a member, or the root that it names, says that it has a priority that the VLAN's owner has not granted
 * - `fragment-tiny`: a first fragment without its headers, or one that would overwrite them (RFC 1858, RFC 7112)
 * - `fragment-malformed`, `fragment-overlap`: reaches behind 65,535 bytes or leaves a gap; was there before (RFC 5722)
 * - `header-chain`: IPv6 headers behind which anything could hide (RFC 7113)
 * - `router-advertisement`, `router-solicitation`, `redirect`: router discovery that would cross a trunk
 * - `dhcp-server`, `dhcp-client`: DHCP that would cross a trunk
 * - `dhcp-chaddr`, `dhcp-rate`: a request in the name of another station, or too many
 * - `arp-…`, `nd-…`: not an honest form; another sender than the frame's; an address that is bound elsewhere; too many
 * - `nd-fragmented`: neighbour discovery in fragments (RFC 6980)
 * - `multicast-control`, `multicast-rate`: IGMP or MLD over a trunk, or too much of it
 * - `storm-…`: more than storm control lets through
 */
export const GUARD_DROPS = [
  'malformed',
  'snap',
  'tag-double',
  'tag-filtered',
  'bpdu-member',
  'bpdu-edge',
  'bpdu-rate',
  'bpdu-root',
  'fragment-tiny',
  'fragment-malformed',
  'fragment-overlap',
  'header-chain',
  'router-advertisement',
  'router-solicitation',
  'redirect',
  'dhcp-chaddr',
  'dhcp-rate',
  'dhcp-server',
  'dhcp-client',
  'arp-rate',
  'arp-malformed',
  'arp-source',
  'arp-spoofed',
  'nd-rate',
  'nd-fragmented',
  'nd-malformed',
  'nd-source',
  'nd-spoofed',
  'multicast-rate',
  'multicast-control',
  'storm-broadcast',
  'storm-multicast',
  'storm-unicast',
] as const
export type GuardDrop = (typeof GUARD_DROPS)[number]

/**
 * Frames from the TAP that the switch itself answers, and that go nowhere else. Not an attack, so not counted as a drop.
 */
export const GUARD_LOCALS = [
  'local-bpdu',
  'local-router-solicitation',
  'local-dhcpv4',
  'local-dhcpv6',
  'local-multicast',
] as const
export type GuardLocal = (typeof GUARD_LOCALS)[number]

export type GuardVerdict = 'pass' | GuardLocal | GuardDrop

export function isGuardLocal(verdict: GuardVerdict): verdict is GuardLocal {
  return verdict.startsWith('local-')
}
