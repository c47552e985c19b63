import type { TreeInfo } from '@wakunet/bus'
import type { VlanFabric } from '@wakunet/switching'

/** Priority before the node id in a bridge id, bytes. */
const PRIORITY_BYTES = 2

/** The spanning tree as people see it: its root, and what this node's trunks are to it. */
export function treeInfo({ tree, trunks }: VlanFabric): TreeInfo {
  return {
    root: hex(tree.rootId.subarray(PRIORITY_BYTES)),
    isRoot: tree.rootPort === null,
    trunks: [...trunks.all].map(({ id, port, isOpen }) => {
      const info = tree.port(port)
      return { nodeId: hex(id), role: info?.role ?? 'disabled', forwarding: isOpen, cost: info?.cost ?? 0 }
    }),
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
