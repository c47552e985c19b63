/**
 * Why the datapath drops a frame that no guard objects to. Closed, so that it can label a counter.
 *
 * - `multicast-unwanted`: of a group that nobody there has joined
 * - `host-scope`: multicast that does not leave its host (RFC 4291 §2.7)
 * - `unknown-unicast`: for a station that nobody knows, while no member has others than its own behind it
 * - `tree-unicast`: to one station, in a record to everybody, where any member could have put it in the name of another
 * - `station-forged`: from a member, in the name of this switch's own station
 * - `lan-forged`: from a member, as only switches on one LAN speak to each other there
 * - `lan-dhcp`: a DHCP request on a LAN that has a server of its own, or where that is not known yet
 * - `lan-silent`: of the switch itself, for a LAN that another member serves
 */
export const DATAPATH_DROPS = [
  'multicast-unwanted',
  'host-scope',
  'unknown-unicast',
  'tree-unicast',
  'station-forged',
  'lan-forged',
  'lan-dhcp',
  'lan-silent',
] as const
export type DatapathDrop = (typeof DATAPATH_DROPS)[number]
