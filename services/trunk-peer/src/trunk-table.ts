import type { NodeId } from '@wakunet/interface'
import type { CloseCode } from '@wakunet/trunk'
import type { Trunk } from './trunk.ts'

export interface Admission {
  /** The trunk that has to give way, if any. */
  readonly replaces: Trunk | null
  readonly replaceCode: CloseCode
  /** Why the new one is not wanted; null where it is. */
  readonly refusal: { code: CloseCode; message: string } | null
}

/** The trunks of this node, at most one for each peer. */
export class TrunkTable {
  readonly #self: NodeId
  readonly #limit: number
  readonly #trunks = new Map<NodeId, Trunk>()
  /** Direct trunks that take the place of a relayed one once they are up; until then frames go on over it. */
  readonly #successors = new Map<NodeId, Trunk>()

  constructor(self: NodeId, limit: number) {
    this.#self = self
    this.#limit = limit
  }

  get size(): number {
    return this.#trunks.size
  }

  get(nodeId: NodeId): Trunk | undefined {
    return this.#trunks.get(nodeId)
  }

  all(): IterableIterator<Trunk> {
    return this.#trunks.values()
  }

  /**
   * Decides about a trunk whose hellos agree, and takes it in. Both sides decide the same:
   * a restarted peer's trunk replaces its old one, and any replaces one that has fallen silent; of two that were dialled at once the one
   * stays whose initiator has the lower node id; of two in the same direction the newer. A direct one takes the place of a relayed one,
   * and never the other way.
   * @param makeRoom ends a trunk, where one may end for this one
   */
  admit(trunk: Trunk, makeRoom: () => void = () => {}): Admission {
    const old = this.#trunks.get(trunk.nodeId)
    if (old === undefined) {
      if (this.#trunks.size >= this.#limit) makeRoom()
      if (this.#trunks.size >= this.#limit) {
        return refusal('limit', `all ${this.#limit} trunks of this node are in use`)
      }
      this.#trunks.set(trunk.nodeId, trunk)
      return { replaces: null, replaceCode: 'duplicate', refusal: null }
    }
    const restarted = !sameBoot(old, trunk)
    const isLost = restarted || old.health?.silent === true || old.streamLost
    if (!isLost && old.relayed !== trunk.relayed) return this.#admitBeside(trunk)
    if (isLost || old.initiator === trunk.initiator || this.#outranks(trunk)) {
      this.#trunks.set(trunk.nodeId, trunk)
      return { replaces: old, replaceCode: restarted ? 'replaced' : 'duplicate', refusal: null }
    }
    return refusal('duplicate', 'another trunk between these nodes stays')
  }

  /** A trunk is up. @returns the relayed one whose place it takes now, if any */
  promote(trunk: Trunk): Trunk | null {
    if (this.#successors.get(trunk.nodeId) !== trunk) return null
    this.#successors.delete(trunk.nodeId)
    const old = this.#trunks.get(trunk.nodeId) ?? null
    this.#trunks.set(trunk.nodeId, trunk)
    return old
  }

  /** @returns false where the trunk was not (or no longer) the one in the table */
  remove(trunk: Trunk): boolean {
    if (this.#successors.get(trunk.nodeId) === trunk) this.#successors.delete(trunk.nodeId)
    return this.#trunks.get(trunk.nodeId) === trunk && this.#trunks.delete(trunk.nodeId)
  }

  /** One of the two goes over a relay: the direct one stays, or is to stay. */
  #admitBeside(trunk: Trunk): Admission {
    if (trunk.relayed) return refusal('duplicate', 'a direct trunk between these nodes stays')
    const rival = this.#successors.get(trunk.nodeId) ?? null
    if (rival !== null && rival.initiator !== trunk.initiator && !this.#outranks(trunk))
      return refusal('duplicate', 'another direct trunk between these nodes stays')
    this.#successors.set(trunk.nodeId, trunk)
    return { replaces: rival, replaceCode: 'duplicate', refusal: null }
  }

  /** True where the new trunk's initiator has the lower node id of the two. */
  #outranks(trunk: Trunk): boolean {
    return trunk.initiator === this.#self < trunk.nodeId
  }
}

function sameBoot(a: Trunk, b: Trunk): boolean {
  const nonceA = a.theirHello?.bootNonce
  const nonceB = b.theirHello?.bootNonce
  return nonceA !== undefined && nonceB !== undefined && Buffer.compare(nonceA, nonceB) === 0
}

function refusal(code: CloseCode, message: string): Admission {
  return { replaces: null, replaceCode: 'duplicate', refusal: { code, message } }
}
