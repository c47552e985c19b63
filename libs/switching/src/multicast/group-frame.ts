import {
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  type FrameView,
  isBroadcastMac,
  isMulticastMac,
  LATER_FRAGMENT,
  MLD_QUERY,
  MLD_V1_DONE,
  MLD_V1_REPORT,
  MLD_V2_REPORT,
  PROTOCOL_ICMPV6,
  PROTOCOL_IGMP,
} from '@wakunet/ethernet'

/**
 * What a frame is to the multicast tables:
 * - `unicast`: for one station, not for these tables
 * - `broadcast`: for everybody
 * - `flood`: multicast that goes to everybody: not IP, or of a group that hosts do not report, see `isAlwaysFlooded`
 * - `group`: goes to those who asked for it
 * - `local`: does not leave the host: interface-local scope (RFC 4291 §2.7)
 * - `igmp`, `mld`: a report, query or the like
 */
export type GroupFrameKind = 'unicast' | 'broadcast' | 'flood' | 'group' | 'local' | 'igmp' | 'mld'

/** Where group and source of a frame of kind `group` are, from the start of the bytes. Reused by its owner. */
export interface GroupFrame {
  kind: GroupFrameKind
  groupOffset: number
  sourceOffset: number
  /** 4 or 16. */
  addressBytes: number
}

export function createGroupFrame(): GroupFrame {
  return { kind: 'unicast', groupOffset: 0, sourceOffset: 0, addressBytes: 4 }
}

const IPV4_SOURCE = 12
const IPV6_SOURCE = 8

/**
 * Classifies the frame at `offset` that `parseFrame` has taken apart. Free of allocations.
 * @param view of this frame
 */
export function classifyGroupFrame(
  bytes: Uint8Array,
  offset: number,
  view: FrameView,
  out: GroupFrame,
): GroupFrameKind {
  out.kind = kindOf(bytes, offset, view, out)
  return out.kind
}

function kindOf(bytes: Uint8Array, offset: number, view: FrameView, out: GroupFrame): GroupFrameKind {
  if (!isMulticastMac(bytes, offset)) return 'unicast'
  if (isBroadcastMac(bytes, offset)) return 'broadcast'
  const packet = offset + view.l3Offset
  if (view.etherType === ETHERTYPE_IPV4 && view.ipVersion === 4) {
    out.sourceOffset = packet + IPV4_SOURCE
    out.groupOffset = out.sourceOffset + 4
    out.addressBytes = 4
    if (view.protocol === PROTOCOL_IGMP) return 'igmp'
    return isAlwaysFlooded4(bytes, out.groupOffset) ? 'flood' : 'group'
  }
  if (view.etherType === ETHERTYPE_IPV6 && view.ipVersion === 6) {
    out.sourceOffset = packet + IPV6_SOURCE
    out.groupOffset = out.sourceOffset + 16
    out.addressBytes = 16
    if (isMld(bytes, offset, view)) return 'mld'
    return kindOfGroup6(bytes, out.groupOffset)
  }
  return 'flood'
}

function isMld(bytes: Uint8Array, offset: number, view: FrameView): boolean {
  if (view.protocol !== PROTOCOL_ICMPV6 || view.fragment === LATER_FRAGMENT) return false
  if (view.l4Offset >= view.ipEnd) return false
  switch (bytes[offset + view.l4Offset]) {
    case MLD_QUERY:
    case MLD_V1_REPORT:
    case MLD_V1_DONE:
    case MLD_V2_REPORT:
      return true
    default:
      return false
  }
}

/**
 * 224.0.0.0/24, for which hosts need not report (RFC 4541 §2.1.2 (2)). A multicast MAC address over an address of one
 * host is the trick of some clusters, and must reach all of them.
 */
function isAlwaysFlooded4(bytes: Uint8Array, at: number): boolean {
  if ((bytes[at]! & 0xf0) !== 0xe0) return true
  return bytes[at] === 0xe0 && bytes[at + 1] === 0 && bytes[at + 2] === 0
}

/**
 * Scope 2 is flooded as a whole. RFC 4541 §3 would allow to prune what hosts report with MLD there, solicited-node groups
 * first of all, and leaves only ff02::1. That is not done: duplicate address detection must reach everybody, the hosts
 * too whose report was lost or whose switch has a full table; and the groups of every single address would use up tables
 * that are meant for streams. The neighbour proxy and storm control bound what is flooded.
 */
function kindOfGroup6(bytes: Uint8Array, at: number): GroupFrameKind {
  if (bytes[at] !== 0xff) return 'flood'
  const scope = bytes[at + 1]! & 0x0f
  // RFC 4291 §2.7: scope 0 is reserved and treated like 1 wherever it turns up.
  if (scope <= 1) return 'local'
  return scope === 2 ? 'flood' : 'group'
}

/** Whether a group is one that the tables keep: multicast, and not always flooded. */
export function isTableGroup(group: Uint8Array): boolean {
  if (group.length === 4) return !isAlwaysFlooded4(group, 0)
  return group.length === 16 && kindOfGroup6(group, 0) === 'group'
}

/** Protocol Independent Multicast (RFC 7761). */
const PROTOCOL_PIM = 103
/** Multicast Router Advertisement, as IGMP and as ICMPv6 type (RFC 4286 §7). */
const IGMP_ROUTER_ADVERTISEMENT = 0x30
const ICMPV6_ROUTER_ADVERTISEMENT = 151

/** Whether only a multicast router sends such a frame, queries left out (RFC 4541 §2.1.1 (1)). Free of allocations. */
export function isRouterSign(bytes: Uint8Array, offset: number, view: FrameView): boolean {
  if (view.ipVersion === 0 || view.fragment === LATER_FRAGMENT || view.l4Offset >= view.ipEnd) return false
  if (!isMulticastMac(bytes, offset)) return false
  if (view.protocol === PROTOCOL_PIM) return true
  const type = bytes[offset + view.l4Offset]
  if (view.protocol === PROTOCOL_IGMP) return view.ipVersion === 4 && type === IGMP_ROUTER_ADVERTISEMENT
  return view.protocol === PROTOCOL_ICMPV6 && view.ipVersion === 6 && type === ICMPV6_ROUTER_ADVERTISEMENT
}
