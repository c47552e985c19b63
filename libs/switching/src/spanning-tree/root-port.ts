import type { TreePort } from './port.ts'
import { compareBridgeIds, type TreeVector } from './vector.ts'

const MAX_ROOT_PATH_COST = 0xffff_ffff

/**
 * The port whose neighbour knows the best way to the best root, or null where this node is the root itself
 * (802.1D-2004 §17.21.25).
 */
export function selectRootPort(
  ports: Iterable<TreePort>,
  bridgeId: Uint8Array,
  rootPort: TreePort | null,
  mayBeStale: (heard: TreeVector, isRootPort: boolean) => boolean,
): TreePort | null {
  let best: TreePort | null = null
  // Most neighbours name the same root, and its id is one object then.
  let rootId: Uint8Array | null = null
  let isLower = false
  for (const port of ports) {
    if (!mayLead(port, bridgeId)) continue
    const heard = port.heard!
    if (heard.rootId !== rootId) {
      rootId = heard.rootId
      isLower = compareBridgeIds(rootId, bridgeId) < 0
    }
    if (!isLower || mayBeStale(heard, port === rootPort)) continue
    if (best === null || isBetter(port, best)) best = port
  }
  return best
}

function mayLead({ heard, cost, rootGuard, role, neighbour }: TreePort, bridgeId: Uint8Array): boolean {
  if (heard === null || rootGuard || role === 'disabled') return false
  if (heard.cost + cost > MAX_ROOT_PATH_COST) return false
  // On a trunk nobody but the neighbour is heard.
  return neighbour !== null || compareBridgeIds(heard.bridgeId, bridgeId) !== 0
}

function isBetter(port: TreePort, than: TreePort): boolean {
  const a = port.heard!
  const b = than.heard!
  const order =
    compareBridgeIds(a.rootId, b.rootId) ||
    a.cost + port.cost - (b.cost + than.cost) ||
    compareBridgeIds(a.bridgeId, b.bridgeId) ||
    a.portId - b.portId ||
    port.id - than.id
  return order < 0
}
