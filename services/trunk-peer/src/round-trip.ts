import { pathCostOfRtt } from '@wakunet/switching'

/** The least of this time counts, in two halves: what a busy machine adds to a round trip comes and goes. */
const HALF_WINDOW_MS = 5_000
/** A measured time may be wrong by this factor before it says anything about the class. */
const MARGIN = 1.25
const BETTER_AFTER_MS = 1_000
const WORSE_AFTER_MS = 5_000

/**
 * Round trip of one trunk. `rttMs` follows what is measured; `heldMs` stays still until the trunk belongs to another class of
 * path costs beyond doubt, and then moves once in a while at the most: a tree must not follow jitter.
 */
export class RoundTrip {
  #leastMs = Number.POSITIVE_INFINITY
  #leastBeforeMs = Number.POSITIVE_INFINITY
  #halfEndsAtMs = 0
  #heldMs: number | null = null
  #heldSinceMs = 0

  /** Least round trip of the last 5 to 10 s in milliseconds; null before the first. */
  get rttMs(): number | null {
    const least = Math.min(this.#leastMs, this.#leastBeforeMs)
    return Number.isFinite(least) ? least : null
  }

  /** What path costs are made of; null before the first measurement. */
  get heldMs(): number | null {
    return this.#heldMs
  }

  /** @returns whether `heldMs` changed */
  measured(ms: number, nowMs: number): boolean {
    if (nowMs >= this.#halfEndsAtMs) {
      this.#leastBeforeMs = this.#leastMs
      this.#leastMs = Number.POSITIVE_INFINITY
      this.#halfEndsAtMs = nowMs + HALF_WINDOW_MS
    }
    this.#leastMs = Math.min(this.#leastMs, ms)
    const rtt = Math.min(this.#leastMs, this.#leastBeforeMs)
    if (!this.#shouldMove(rtt, nowMs)) return false
    this.#heldMs = rtt
    this.#heldSinceMs = nowMs
    return true
  }

  #shouldMove(rtt: number, nowMs: number): boolean {
    if (this.#heldMs === null) return true
    const held = pathCostOfRtt(this.#heldMs)
    if ([rtt / MARGIN, rtt, rtt * MARGIN].some((ms) => pathCostOfRtt(ms) === held)) return false
    const waitMs = rtt < this.#heldMs ? BETTER_AFTER_MS : WORSE_AFTER_MS
    return nowMs - this.#heldSinceMs >= waitMs
  }
}
