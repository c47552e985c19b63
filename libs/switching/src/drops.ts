/**
 * Why the bridge drops a frame. Closed, so that it can label a counter.
 *
 * - `source-group`: a multicast or broadcast source address
 * - `reserved-destination`: 01-80-C2-00-00-0x, which no bridge forwards
 * - `mac-spoofed`: the source address belongs to another member, or to this node
 * - `mac-held`: the source address is another port's, which is being asked, or has answered
 * - `local-destination`: from the TAP, for an address on the TAP's side
 * - `split-horizon`: from a trunk, for an address behind a trunk
 * - `no-member`: from the TAP, while no other member is there
 */
export const BRIDGE_DROPS = [
  'source-group',
  'reserved-destination',
  'mac-spoofed',
  'mac-held',
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
