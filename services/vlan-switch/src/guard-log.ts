import type { Clock, Logger } from '@wakunet/interface'
import { createDropCounters, type DropCounters, GUARD_DROPS, type GuardDrop } from '@wakunet/switching'

/** A reason is told of at once, and then not more often than this. */
const INTERVAL_MS = 60_000

/** Tells in the log what guards keep out: one line a reason, with how much since the last one. */
export class GuardLog {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #interface: string
  readonly #told: DropCounters<GuardDrop> = createDropCounters(GUARD_DROPS)
  readonly #toldMs = new Map<GuardDrop, number>()

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }, interfaceName: string) {
    this.#clock = clock
    this.#logger = logger
    this.#interface = interfaceName
  }

  /** Call it every few seconds. */
  report(drops: Readonly<DropCounters<GuardDrop>>): void {
    const nowMs = this.#clock.monotonicMs()
    for (const reason of GUARD_DROPS) {
      const frames = drops[reason] - this.#told[reason]
      if (frames === 0 || nowMs - (this.#toldMs.get(reason) ?? Number.NEGATIVE_INFINITY) < INTERVAL_MS)
        continue
      this.#told[reason] = drops[reason]
      this.#toldMs.set(reason, nowMs)
      this.#logger.warn('a guard kept frames out', { interface: this.#interface, reason, frames })
    }
  }
}
