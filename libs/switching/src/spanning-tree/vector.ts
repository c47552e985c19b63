import { ID_BYTES } from '@wakunet/interface'
import { BRIDGE_ID_BYTES, type ControlBpdu } from '../control/bpdu.ts'
import { compareBytes } from '../control/bytes.ts'

/** Priority of a bridge that the VLAN's owner said nothing about (IEEE 802.1D-2004 table 17-2). */
export const DEFAULT_BRIDGE_PRIORITY = 32_768

/** Bridge id: 16-bit priority, then the node id; the lower one is better (802.1D-2004 §9.2.5). */
export function bridgeIdOf(priority: number, nodeId: Uint8Array): Uint8Array {
  const id = new Uint8Array(BRIDGE_ID_BYTES)
  id[0] = priority >>> 8
  id[1] = priority
  id.set(nodeId.subarray(0, ID_BYTES), 2)
  return id
}

export function priorityOf(bridgeId: Uint8Array): number {
  return (bridgeId[0]! << 8) | bridgeId[1]!
}

/** The node id within a bridge id. */
export function nodeIdOf(bridgeId: Uint8Array): Uint8Array {
  return bridgeId.subarray(2)
}

/** Spanning tree priority vector (802.1D-2004 §17.5), without the receiving port. */
export interface TreeVector {
  readonly rootId: Uint8Array
  readonly cost: number
  readonly bridgeId: Uint8Array
  readonly portId: number
}

export function compareBridgeIds(a: Uint8Array, b: Uint8Array): number {
  return a === b ? 0 : compareBytes(a, 0, b, 0, BRIDGE_ID_BYTES)
}

/** Negative where `a` is better. */
export function compareVectors(a: TreeVector, b: TreeVector): number {
  return (
    compareBridgeIds(a.rootId, b.rootId) ||
    a.cost - b.cost ||
    compareBridgeIds(a.bridgeId, b.bridgeId) ||
    a.portId - b.portId
  )
}

/** The same for what nodes, not ports, have: nobody else has the same bridge id. */
export function compareNodeVectors(a: TreeVector, b: TreeVector): number {
  return compareBridgeIds(a.rootId, b.rootId) || a.cost - b.cost || compareBridgeIds(a.bridgeId, b.bridgeId)
}

/** What a BPDU says. */
export function vectorOf({ rootId, rootPathCost, bridgeId, portId }: ControlBpdu): TreeVector {
  return { rootId, cost: rootPathCost, bridgeId, portId }
}

/** The same with ids that are known already, so that comparing them is mostly comparing references. */
export function sharedVectorOf(bpdu: ControlBpdu, rootId: Uint8Array, before: TreeVector | null): TreeVector {
  const same = (id: Uint8Array, known: Uint8Array | undefined) =>
    known !== undefined && compareBridgeIds(id, known) === 0 ? known : id
  const root = same(bpdu.rootId, rootId)
  return {
    rootId: root === rootId ? root : same(root, before?.rootId),
    cost: bpdu.rootPathCost,
    bridgeId: same(bpdu.bridgeId, before?.bridgeId),
    portId: bpdu.portId,
  }
}
