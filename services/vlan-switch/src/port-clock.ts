import type { Clock, Timer } from '@wakunet/interface'

export interface PortClockInit {
  readonly clock: Clock
  /** When `tick` has something to do. */
  readonly nextMs: (nowMs: number) => number
  readonly tick: (nowMs: number) => void
}

/** Longest that a timer is set for. */
const MAX_DELAY_MS = 60_000

/** One timer for everything in a port that is clocked from outside. */
export class PortClock {
  readonly #init: PortClockInit
  #timer: Timer | null = null
  #atMs = Number.POSITIVE_INFINITY
  #isWaking = false
  #isRunning = false

  constructor(init: PortClockInit) {
    this.#init = init
  }

  start(): void {
    this.#isRunning = true
    this.wake()
  }

  stop(): void {
    this.#isRunning = false
    this.#timer?.cancel()
    this.#timer = null
    this.#atMs = Number.POSITIVE_INFINITY
  }

  /** Something may be due sooner than it was: looks once the current work is done. Cheap to call often. */
  wake(): void {
    if (this.#isWaking || !this.#isRunning) return
    this.#isWaking = true
    queueMicrotask(() => {
      this.#isWaking = false
      this.#plan()
    })
  }

  #plan(): void {
    if (!this.#isRunning) return
    const nowMs = this.#init.clock.monotonicMs()
    const atMs = Math.min(this.#init.nextMs(nowMs), nowMs + MAX_DELAY_MS)
    if (this.#timer !== null && atMs >= this.#atMs) return
    this.#timer?.cancel()
    this.#atMs = atMs
    this.#timer = this.#init.clock.setTimeout(() => this.#run(), Math.max(0, atMs - nowMs))
  }

  #run(): void {
    this.#timer = null
    this.#atMs = Number.POSITIVE_INFINITY
    const nowMs = this.#init.clock.monotonicMs()
    if (this.#init.nextMs(nowMs) <= nowMs) this.#init.tick(nowMs)
    this.#plan()
  }
}
