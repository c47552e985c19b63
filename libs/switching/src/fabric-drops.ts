/**
 * Why the fabric drops a record, or what of one. Closed, so that it can label a counter.
 *
 * Records from trunks, in the order of the checks:
 * - `trunk-unknown`: no trunk to that peer is known here
 * - `epoch`: a key epoch in an open VLAN
 * - `control-hop`: control for a neighbour that is not from it, not for this node, or could have gone further
 * - `own-record`: of this node itself; something has sent it in a circle
 * - `ingress-unknown`: nobody has advertised that member
 * - `boot-nonce`: not the boot nonce that the ingress node has advertised
 * - `unsealed`: unicast that somebody else than its ingress node has sent here, or that is for somebody else, in clear
 * - `seal-no-key`: sealed by a member whose key is not known here; or for one whose key is not known (yet), so that it was not sent
 * - `seal-forged`: not sealed by its ingress node for this one, or changed on the way
 * - `seal-malformed`: sealed by a member as it should be, but what is inside is no batch of frames
 * - `tree-blocked`: to the tree, over a trunk that does not forward
 * - `tree-rate`: to the tree, more of one member than any receiver would take; not passed on
 * - `sequence-seen`, `sequence-old`: a duplicate, or too far behind to know
 * - `relay-off`: for another member, and this one relays nothing
 * - `relay-again`: sealed for another member, and passed on just now
 * - `relay-rate`: for another member, and over the limit of what is relayed for all, or for its ingress node
 * - `hop-limit`: to be passed on, but it has crossed enough trunks
 * - `no-route`: no way leads to the egress node, or only the one that the record came by
 * - `lan-blocked`: for the TAP, or from it, while a LAN there is served by another member
 *
 * Control messages:
 * - `control-malformed`, `control-unknown`: does not decode; of an unknown type, or of one that does not go to the tree
 * - `control-full`: more messages wait for a trunk than it takes
 */
export const FABRIC_DROPS = [
  'trunk-unknown',
  'epoch',
  'control-hop',
  'own-record',
  'ingress-unknown',
  'boot-nonce',
  'unsealed',
  'seal-no-key',
  'seal-forged',
  'seal-malformed',
  'tree-blocked',
  'tree-rate',
  'sequence-seen',
  'sequence-old',
  'relay-off',
  'relay-again',
  'relay-rate',
  'hop-limit',
  'no-route',
  'lan-blocked',
  'control-malformed',
  'control-unknown',
  'control-full',
] as const
export type FabricDrop = (typeof FABRIC_DROPS)[number]
