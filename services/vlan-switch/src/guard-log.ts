import type { Clock, Logger } from '@wakunet/interface'
import { createDropCounters, type DropCounters, GUARD_DROPS } from '@wakunet/switching'

/** A reason is told of at once, and then not more often than this. */
const INTERVAL_MS = 60_000
/** What the guards of frames count, and the guard of MAC addresses. */
const REASONS = [...GUARD_DROPS, 'mac-spoofed', 'mac-held'] as const
type Reason = (typeof REASONS)[number]

/** Tells in the log what guards keep out: one line a reason, with how much since the last one. */
export class GuardLog {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #interface: string
  readonly #told: DropCounters<Reason> = createDropCounters(REASONS)
  readonly #toldMs = new Map<Reason, number>()

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }, interfaceName: string) {
    this.#clock = clock
    this.#logger = logger
    this.#interface = interfaceName
  }

  /** Call it every few seconds. */
  report(drops: Readonly<DropCounters<Reason>>): void {
    const nowMs = this.#clock.monotonicMs()
    for (const reason of REASONS) {
      const frames = drops[reason] - this.#told[reason]
      if (frames === 0 || nowMs - (this.#toldMs.get(reason) ?? Number.NEGATIVE_INFINITY) < INTERVAL_MS)
        continue
      this.#told[reason] = drops[reason]
      this.#toldMs.set(reason, nowMs)
      this.#logger.warn('a guard kept frames out', { interface: this.#interface, reason, frames })
    }
  }
}
