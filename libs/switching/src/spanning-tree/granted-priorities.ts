import { ID_BYTES } from '@wakunet/interface'
import { compareBytes } from '../control/bytes.ts'
import type { SpanningTreeInit } from './types.ts'
import { DEFAULT_BRIDGE_PRIORITY } from './vector.ts'

/** An entry of `priorities` in the record of a VLAN. */
export interface GrantedPriority {
  /** 32 hexadecimal digits. */
  readonly nodeId: string
  /** 16 bits, lower is nearer to the root. */
  readonly priority: number
}

/**
 * The bridge priorities that the owner of a VLAN granted in its record: what this node says of itself, and what it believes
 * of others. Everybody may have `DEFAULT_BRIDGE_PRIORITY` besides, so that members with an older record stay bridges.
 */
export class GrantedPriorities {
  #granted: readonly { readonly nodeId: Uint8Array; readonly priority: number }[] = []

  /** @param priorities of the record; absent: nothing is granted */
  constructor(priorities: readonly GrantedPriority[] = []) {
    this.set(priorities)
  }

  /**
   * Takes over those of a newer record. What other nodes said before counts until they say it anew or it ages; the own
   * tree has to be told with `setPriority(of(nodeId))`.
   */
  set(priorities: readonly GrantedPriority[] = []): void {
    this.#granted = priorities.map(({ nodeId, priority }) => ({ nodeId: bytesOfHex(nodeId), priority }))
  }

  /** The priority that a node shall have. @param nodeId 16 bytes */
  of(nodeId: Uint8Array): number {
    return this.#find(nodeId) ?? DEFAULT_BRIDGE_PRIORITY
  }

  /** Whether a node may say this priority of itself. @param nodeId 16 bytes */
  isGranted(priority: number, nodeId: Uint8Array): boolean {
    return this.#find(nodeId) === priority
  }

  /** For the tree of a node, which hears of later changes too. @param nodeId of that node, 16 bytes */
  treeInit(nodeId: Uint8Array): Required<Pick<SpanningTreeInit, 'priority' | 'isGranted'>> {
    return { priority: this.of(nodeId), isGranted: (priority, other) => this.isGranted(priority, other) }
  }

  #find(nodeId: Uint8Array): number | undefined {
    return this.#granted.find((entry) => compareBytes(entry.nodeId, 0, nodeId, 0, ID_BYTES) === 0)?.priority
  }
}

function bytesOfHex(digits: string): Uint8Array {
  return Uint8Array.from({ length: ID_BYTES }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16))
}
