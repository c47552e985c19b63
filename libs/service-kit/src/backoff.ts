export interface BackoffInit {
  /** Ceiling of the first delay. */
  readonly initialMs: number
  /** Ceiling that no delay exceeds. */
  readonly maxMs: number
  /** Growth of the ceiling from one attempt to the next. Default 2. */
  readonly factor?: number
  /** Numbers in [0, 1). */
  readonly random: () => number
}

/**
 * Delays between attempts: exponential with full jitter, that is, each is uniform between zero and a ceiling
 * that grows. Many nodes that lose the same peer at the same moment do not come back at the same moment.
 */
export class Backoff {
  readonly #init: BackoffInit
  readonly #factor: number
  #ceilingMs: number
  #attempts = 0

  constructor(init: BackoffInit) {
    if (!(init.initialMs > 0) || !(init.maxMs >= init.initialMs))
      throw new RangeError(`backoff needs 0 < initialMs <= maxMs, not ${init.initialMs} and ${init.maxMs}`)
    this.#factor = init.factor ?? 2
    if (!(this.#factor >= 1))
      throw new RangeError(`backoff needs a factor of at least 1, not ${this.#factor}`)
    this.#init = init
    this.#ceilingMs = init.initialMs
  }

  /** Attempts since the last reset. */
  get attempts(): number {
    return this.#attempts
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const delayMs = Math.floor(this.#init.random() * this.#ceilingMs)
    this.#attempts++
    this.#ceilingMs = Math.min(this.#init.maxMs, this.#ceilingMs * this.#factor)
    return delayMs
  }

  /** To be called when an attempt has proved good, not merely begun. */
  reset(): void {
    this.#attempts = 0
    this.#ceilingMs = this.#init.initialMs
  }
}
