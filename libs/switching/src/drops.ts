/**
 * Why the bridge drops a record or a frame. Closed, so that it can label a counter.
 *
 * Records from trunks, in the order of the checks:
 * - `senderUnknown`: the trunk's peer is no member of the VLAN
 * - `senderNotIngress`: the record names another ingress node than the trunk's peer
 * - `bootNonce`: not the boot nonce that the membership names
 * - `egressOther`: neither for this node nor for the tree
 * - `epoch`: a key epoch in an open VLAN
 * - `sequenceSeen`, `sequenceOld`: a duplicate, or too far behind to know
 *
 * Frames:
 * - `sourceGroup`: a multicast or broadcast source address
 * - `reservedDestination`: 01-80-C2-00-00-0x, which no bridge forwards
 * - `macSpoofed`: the source address belongs to another member, or to this node
 * - `localDestination`: from the TAP, for an address on the TAP's side
 * - `splitHorizon`: from a trunk, for an address behind a trunk
 * - `noMember`: from the TAP, while no other member is there
 */
export const BRIDGE_DROPS = [
  'senderUnknown',
  'senderNotIngress',
  'bootNonce',
  'egressOther',
  'epoch',
  'sequenceSeen',
  'sequenceOld',
  'sourceGroup',
  'reservedDestination',
  'macSpoofed',
  'localDestination',
  'splitHorizon',
  'noMember',
] as const
export type BridgeDrop = (typeof BRIDGE_DROPS)[number]

/** A counter for each reason of a closed set. */
export type DropCounters<Reason extends string> = Record<Reason, number>

export function createDropCounters<Reason extends string>(reasons: readonly Reason[]): DropCounters<Reason> {
  return Object.fromEntries(reasons.map((reason) => [reason, 0])) as DropCounters<Reason>
}
