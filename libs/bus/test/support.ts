import type { Clock, ErrorCode, Logger, Timer } from '@wakunet/interface'
import { WakunetError } from '@wakunet/interface'

/** A clock that stands still until the test moves it. */
export class ManualClock implements Clock {
  #nowMs = 0
  #nextId = 0
  readonly #timers = new Map<number, { atMs: number; run: () => void }>()

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  setTimeout(run: () => void, delayMs: number): Timer {
    const id = this.#nextId++
    this.#timers.set(id, { atMs: this.#nowMs + delayMs, run })
    return { cancel: () => this.#timers.delete(id) }
  }

  setInterval(run: () => void, periodMs: number): Timer {
    let timer: Timer
    const arm = () => {
      timer = this.setTimeout(() => {
        arm()
        run()
      }, periodMs)
    }
    arm()
    return { cancel: () => timer.cancel() }
  }

  get timers(): number {
    return this.#timers.size
  }

  /** Moves time on and runs what is due, in order. */
  advance(byMs: number): void {
    const endMs = this.#nowMs + byMs
    for (;;) {
      const due = [...this.#timers].filter(([, t]) => t.atMs <= endMs).sort(([, a], [, b]) => a.atMs - b.atMs)
      const first = due[0]
      if (first === undefined) break
      this.#timers.delete(first[0])
      this.#nowMs = first[1].atMs
      first[1].run()
    }
    this.#nowMs = endMs
  }
}

/** The clock of the machine, for tests on real sockets. */
export const realClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimeout: (run, delayMs) => {
    const timer = setTimeout(run, delayMs).unref()
    return { cancel: () => clearTimeout(timer) }
  },
  setInterval: (run, periodMs) => {
    const timer = setInterval(run, periodMs).unref()
    return { cancel: () => clearInterval(timer) }
  },
}

/** Keeps what was logged. */
export class MemoryLogger implements Logger {
  readonly lines: { level: string; message: string }[] = []
  debug(message: string): void {
    this.lines.push({ level: 'debug', message })
  }
  info(message: string): void {
    this.lines.push({ level: 'info', message })
  }
  warn(message: string): void {
    this.lines.push({ level: 'warn', message })
  }
  error(message: string): void {
    this.lines.push({ level: 'error', message })
  }
  child(): Logger {
    return this
  }
}

/** For `assert.rejects` and `assert.throws`: a WakunetError of this code. */
export function withCode(code: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof WakunetError && error.code === code
}

/** Resolves with the first `count` things that `add` was called with. */
export function collector<T>(count: number): { add: (item: T) => void; items: Promise<T[]>; seen: T[] } {
  const { promise, resolve } = Promise.withResolvers<T[]>()
  const seen: T[] = []
  const add = (item: T) => {
    seen.push(item)
    if (seen.length === count) resolve(seen)
  }
  return { add, items: promise, seen }
}
