import type { Clock, Timer } from '@wakunet/interface'

/** Most timers that one `advance` runs before it takes them for an endless loop. */
const MAX_TIMERS_PER_ADVANCE = 1_000_000

interface PendingTimer {
  dueMs: number
  /** Breaks ties: what was set first runs first. */
  order: number
  /** Null for a timer that runs once. */
  readonly periodMs: number | null
  readonly run: () => void
}

export interface FakeClockInit {
  /** Wall clock at the start, Unix milliseconds. Default 2026-01-01T00:00:00Z. */
  readonly wallMs?: number
  /** Monotonic clock at the start. Default 0. */
  readonly monotonicMs?: number
}

/** A clock that stands still until the test moves it. */
export class FakeClock implements Clock {
  readonly #timers = new Set<PendingTimer>()
  #nowMs: number
  #wallOffsetMs: number
  #order = 0

  constructor(init: FakeClockInit = {}) {
    this.#nowMs = init.monotonicMs ?? 0
    this.#wallOffsetMs = (init.wallMs ?? Date.UTC(2026, 0, 1)) - this.#nowMs
  }

  /** Timers that wait; what a stopped component leaves here, it leaks. */
  get pendingTimers(): number {
    return this.#timers.size
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs
  }

  /** Sets the wall clock as an administrator or NTP would; timers and the monotonic clock do not notice. */
  setWallMs(wallMs: number): void {
    this.#wallOffsetMs = wallMs - this.#nowMs
  }

  setTimeout(run: () => void, delayMs: number): Timer {
    return this.#add(run, delayMs, null)
  }

  setInterval(run: () => void, periodMs: number): Timer {
    return this.#add(run, periodMs, Math.max(1, periodMs))
  }

  /** Moves time on and runs what falls due, in the order of its time; equal times in the order of setting. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`a clock only moves forward: ${ms}`)
    const endMs = this.#nowMs + ms
    let ran = 0
    for (let next = this.#nextDue(endMs); next !== null; next = this.#nextDue(endMs)) {
      if (++ran > MAX_TIMERS_PER_ADVANCE) throw new Error('timers set each other without end')
      this.#fire(next)
    }
    this.#nowMs = endMs
  }

  /**
   * `advance` in steps of `stepMs` (default: one step), with a turn of the event loop after each, so that
   * promises which a timer settled run their course before the next step.
   */
  async advanceAsync(ms: number, stepMs: number = ms): Promise<void> {
    let leftMs = ms
    do {
      const step = Math.min(leftMs, Math.max(1, stepMs))
      this.advance(step)
      leftMs -= step
      await new Promise((resolve) => setImmediate(resolve))
    } while (leftMs > 0)
  }

  #add(run: () => void, delayMs: number, periodMs: number | null): Timer {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, periodMs, run }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  #nextDue(endMs: number): PendingTimer | null {
    let next: PendingTimer | null = null
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (next === null || isBefore(timer, next))) next = timer
    }
    return next
  }

  #fire(timer: PendingTimer): void {
    this.#nowMs = Math.max(this.#nowMs, timer.dueMs)
    if (timer.periodMs === null) this.#timers.delete(timer)
    else {
      timer.dueMs += timer.periodMs
      timer.order = this.#order++
    }
    timer.run()
  }
}

const isBefore = (a: PendingTimer, b: PendingTimer): boolean =>
  a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
