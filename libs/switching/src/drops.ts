/**
 * Why the bridge drops a record or a frame. Closed, so that it can label a counter.
 *
 * Records from trunks, in the order of the checks:
 * - `sender-unknown`: the trunk's peer is no member of the VLAN
 * - `sender-not-ingress`: the record names another ingress node than the trunk's peer
 * - `boot-nonce`: not the boot nonce that the membership names
 * - `egress-other`: neither for this node nor for the tree
 * - `epoch`: a key epoch in an open VLAN
 * - `sequence-seen`, `sequence-old`: a duplicate, or too far behind to know
 *
 * Frames:
 * - `source-group`: a multicast or broadcast source address
 * - `reserved-destination`: 01-80-C2-00-00-0x, which no bridge forwards
 * - `mac-spoofed`: the source address belongs to another member, or to this node
 * - `local-destination`: from the TAP, for an address on the TAP's side
 * - `split-horizon`: from a trunk, for an address behind a trunk
 * - `no-member`: from the TAP, while no other member is there
 */
export const BRIDGE_DROPS = [
  'sender-unknown',
  'sender-not-ingress',
  'boot-nonce',
  'egress-other',
  'epoch',
  'sequence-seen',
  'sequence-old',
  'source-group',
  'reserved-destination',
  'mac-spoofed',
  'local-destination',
  'split-horizon',
  'no-member',
] as const
export type BridgeDrop = (typeof BRIDGE_DROPS)[number]

/** A counter for each reason of a closed set. */
export type DropCounters<Reason extends string> = Record<Reason, number>

export function createDropCounters<Reason extends string>(reasons: readonly Reason[]): DropCounters<Reason> {
  return Object.fromEntries(reasons.map((reason) => [reason, 0])) as DropCounters<Reason>
}
