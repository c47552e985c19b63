import { compareAddresses } from '../address-map.ts'
import { type MulticastTimers, otherQuerierPresentMs } from './timers.ts'

/** What another querier said of its timers; 0 for what its version cannot say. */
export interface HeardQuery {
  readonly robustness: number
  readonly intervalSeconds: number
}

/** Longest that one query can make this switch keep silent, whatever intervals it claims. */
export const MAX_OTHER_QUERIER_MS = 600_000
/** General queries follow each other faster at the start (RFC 3376 §8.6, RFC 3810 §9.6). */
const STARTUP_SPEED = 4

/**
 * Querier election of one family on the TAP's side: the lowest address asks (RFC 3376 §6.6.2, RFC 3810 §7.6.2).
 * An unspecified address never wins, neither ours nor that of a query that was heard (RFC 4541 §2.1.1).
 */
export class Querier {
  /** Elections lost, and won back because the other fell silent. */
  losses = 0
  returns = 0
  readonly #timers: MulticastTimers
  readonly #address: Uint8Array
  #otherUntilMs = 0
  #other: Uint8Array | null = null
  #otherTimers: MulticastTimers | null = null
  #startupLeft: number
  #nextQueryMs: number

  /** @param address of this switch as a querier, 4 or 16 bytes */
  constructor(address: Uint8Array, timers: MulticastTimers, nowMs: number) {
    this.#address = address
    this.#timers = timers
    this.#startupLeft = timers.robustness
    this.#nextQueryMs = nowMs
  }

  /** Whether this switch asks. */
  get isElected(): boolean {
    return this.#other === null
  }

  /** Address of the querier that is believed in, null for this switch. */
  get other(): Uint8Array | null {
    return this.#other
  }

  get dueMs(): number {
    return this.#other === null ? this.#nextQueryMs : this.#otherUntilMs
  }

  /** Timers of the port: those of the querier that is believed in (RFC 3376 §8.1, §8.2). */
  get timers(): MulticastTimers {
    return this.#otherTimers ?? this.#timers
  }

  /** @returns whether the query came from a querier that is to be believed: this switch or a worse one is not */
  hear(source: Uint8Array, query: HeardQuery, nowMs: number): boolean {
    if (isUnspecified(source)) return false
    if (!isUnspecified(this.#address) && compareAddresses(source, this.#address) >= 0) return false
    // A better one than both takes over; a worse one than the other is about to fall silent itself.
    if (this.#other !== null && compareAddresses(source, this.#other) > 0) return false
    if (this.#other === null) this.losses++
    this.#other = Uint8Array.from(source)
    this.#otherTimers = this.#timersOf(query)
    this.#otherUntilMs = nowMs + Math.min(MAX_OTHER_QUERIER_MS, otherQuerierPresentMs(this.#otherTimers))
    return true
  }

  #timersOf({ robustness, intervalSeconds }: HeardQuery): MulticastTimers {
    if (robustness === 0 || intervalSeconds === 0) return this.#timers
    const queryIntervalMs = Math.min(MAX_OTHER_QUERIER_MS, intervalSeconds * 1000)
    return { ...this.#timers, robustness, queryIntervalMs }
  }

  /** @returns whether a general query is due now */
  tick(nowMs: number): boolean {
    if (this.#other !== null) {
      if (nowMs < this.#otherUntilMs) return false
      this.#forgetOther()
      this.returns++
      this.#startupLeft = this.#timers.robustness
      this.#nextQueryMs = nowMs
    }
    if (nowMs < this.#nextQueryMs) return false
    const { queryIntervalMs } = this.#timers
    this.#startupLeft = Math.max(0, this.#startupLeft - 1)
    this.#nextQueryMs = nowMs + (this.#startupLeft > 0 ? queryIntervalMs / STARTUP_SPEED : queryIntervalMs)
    return true
  }

  /** Asks at once: the TAP came up, or a bridge behind it may have changed. */
  restart(nowMs: number): void {
    this.#forgetOther()
    this.#startupLeft = this.#timers.robustness
    this.#nextQueryMs = nowMs
  }

  #forgetOther(): void {
    this.#other = null
    this.#otherTimers = null
  }
}

function isUnspecified(address: Uint8Array): boolean {
  return address.every((byte) => byte === 0)
}
