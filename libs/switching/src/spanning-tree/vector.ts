import { ID_BYTES } from '@wakunet/interface'
import { BRIDGE_ID_BYTES } from '../control/bpdu.ts'
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
