import { compareBridgeIds, compareNodeVectors, type TreeVector } from './vector.ts'

/** How long a node that was further away is not believed about a root that was lost. */
export const STALE_ROOT_HOLD_MS = 250
const MAX_HOLDS = 4

interface Hold {
  readonly rootId: Uint8Array
  /** Best vector of this node for that root. */
  readonly feasible: TreeVector
  readonly untilMs: number
}

/**
 * Roots that this node had a better way to a moment ago. A neighbour that was not nearer to such a root may have its
 * information from this very node (feasibility condition, RFC 8966 §2.4), so it is not used until the bad news has
 * reached everybody. Only the time to heal depends on it; what keeps loops away is the handshake.
 */
export class StaleRoots {
  #holds: Hold[] = []

  /** This node's vector got worse than `vector`. */
  hold(vector: TreeVector, nowMs: number): void {
    const known = this.#find(vector.rootId, nowMs)
    const feasible =
      known !== null && compareNodeVectors(known.feasible, vector) < 0 ? known.feasible : vector
    const others = this.#holds.filter((hold) => hold !== known && hold.untilMs > nowMs)
    this.#holds = [...others, { rootId: vector.rootId, feasible, untilMs: nowMs + STALE_ROOT_HOLD_MS }]
    if (this.#holds.length > MAX_HOLDS) this.#holds.shift()
  }

  /** Whether what a neighbour says may be old news of this node's own. */
  mayBeStale(heard: TreeVector, nowMs: number): boolean {
    const hold = this.#find(heard.rootId, nowMs)
    return hold !== null && compareNodeVectors(heard, hold.feasible) >= 0
  }

  /** When the next hold ends, `Infinity` for never. */
  nextEndMs(): number {
    let next = Number.POSITIVE_INFINITY
    for (const { untilMs } of this.#holds) next = Math.min(next, untilMs)
    return next
  }

  /** Forgets what has ended; true where there was something. */
  expire(nowMs: number): boolean {
    if (this.nextEndMs() > nowMs) return false
    this.#holds = this.#holds.filter((hold) => hold.untilMs > nowMs)
    return true
  }

  #find(rootId: Uint8Array, nowMs: number): Hold | null {
    for (const hold of this.#holds)
      if (hold.untilMs > nowMs && compareBridgeIds(hold.rootId, rootId) === 0) return hold
    return null
  }
}
