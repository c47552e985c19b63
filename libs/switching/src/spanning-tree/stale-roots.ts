import { compareBridgeIds, compareNodeVectors, type TreeVector } from './vector.ts'

/** How long a node that was further away is not believed about a root that was lost. */
export const STALE_ROOT_HOLD_MS = 250
/** Times that a way may get worse in a row before it is held for longer, and the root port's neighbour is doubted too. */
const PATIENCE = 6
const MAX_HOLD_MS = 1_000
/** After a hold of so long without getting worse again, the way is believed to be well. */
const PROBATION_MS = 1_000
const MAX_HOLDS = 4

interface Hold {
  readonly rootId: Uint8Array
  /** Best vector of this node for that root. */
  readonly feasible: TreeVector
  readonly untilMs: number
  /** How often the way has got worse. */
  readonly times: number
}

/**
 * Roots that this node had a better way to a moment ago. A neighbour that was not nearer to such a root may have its
 * information from this very node (feasibility condition, RFC 8966 §2.4), so it is not used until the bad news has
 * reached everybody.
 *
 * Bad news gets lost too. Then nodes can follow each other in a circle, each a little further from a root that is long
 * dead; whoever gets worse again and again doubts its root port as well, for longer each time. Only the time to heal depends
 * on all this; what keeps loops of frames away is the handshake.
 */
export class StaleRoots {
  #holds: readonly Hold[] = []

  /** This node's vector got worse than `vector`. */
  hold(vector: TreeVector, nowMs: number): void {
    const known = this.#holds.find(({ rootId }) => compareBridgeIds(rootId, vector.rootId) === 0)
    const isRecent = known !== undefined && nowMs < known.untilMs + PROBATION_MS
    const times = isRecent ? known.times + 1 : 1
    const isHeld = known !== undefined && nowMs < known.untilMs
    const feasible = isHeld && compareNodeVectors(known.feasible, vector) < 0 ? known.feasible : vector
    const holdMs = Math.min(MAX_HOLD_MS, STALE_ROOT_HOLD_MS * 2 ** Math.max(0, times - PATIENCE))
    const others = this.#holds.filter((hold) => hold !== known)
    const hold = { rootId: vector.rootId, feasible, untilMs: nowMs + holdMs, times }
    this.#holds = [...others.slice(-(MAX_HOLDS - 1)), hold]
  }

  /** Whether what a neighbour says may be old news of this node's own. */
  mayBeStale(heard: TreeVector, isRootPort: boolean, nowMs: number): boolean {
    for (const { rootId, feasible, untilMs, times } of this.#holds) {
      if (untilMs <= nowMs || compareBridgeIds(rootId, heard.rootId) !== 0) continue
      if (compareNodeVectors(heard, feasible) >= 0) return !isRootPort || times > PATIENCE
    }
    return false
  }

  /** When the next hold ends after `nowMs`, `Infinity` for never. */
  nextEndMs(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const { untilMs } of this.#holds) if (untilMs > nowMs) next = Math.min(next, untilMs)
    return next
  }
}
