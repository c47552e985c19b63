/** UDP payload that every path must take (RFC 8899 section 5.1.2, BASE_PLPMTU; IPv6 guarantees 1,232). */
export const BASE_DATAGRAM_BYTES = 1_200
const MAX_LOSSES = 3
/** The search ends when what passes and what does not are this near. */
const STEP_BYTES = 16
/** RFC 8899 section 5.1.1, PMTU_RAISE_TIMER. */
const RAISE_AFTER_MS = 600_000

/**
 * Finds the largest datagram that one path takes, by padded probes (RFC 8899). It says what to probe; who owns it sends, and
 * says what became of it. The largest comes first: mostly it passes, and nothing more is to be done.
 */
export class MtuSearch {
  readonly #maxBytes: number
  #bytes = 0
  /** What is known not to pass, or one more than the largest that may be tried. */
  #tooLarge: number
  #losses = 0
  #doneAtMs: number | null = null
  #fullLosses = 0

  /** @param maxBytes what the interfaces of this host take */
  constructor(maxBytes: number) {
    this.#maxBytes = Math.max(maxBytes, BASE_DATAGRAM_BYTES)
    this.#tooLarge = this.#maxBytes + 1
  }

  /** Largest UDP payload that passed; 0 before the base did. */
  get bytes(): number {
    return this.#bytes
  }

  /** @returns the size to probe next; null where there is nothing to find out */
  next(nowMs: number): number | null {
    if (this.#bytes === 0) return BASE_DATAGRAM_BYTES
    if (this.#doneAtMs !== null) {
      if (this.#bytes === this.#maxBytes || nowMs - this.#doneAtMs < RAISE_AFTER_MS) return null
      this.#begin()
    }
    if (this.#tooLarge > this.#maxBytes) return this.#maxBytes
    return Math.floor((this.#bytes + this.#tooLarge) / 2)
  }

  /** A probe was answered, or one of the size in use. @returns whether `bytes` has grown */
  passed(bytes: number, nowMs: number): boolean {
    if (bytes >= this.#bytes) this.#fullLosses = 0
    if (bytes <= this.#bytes || bytes >= this.#tooLarge) return false
    this.#losses = 0
    this.#bytes = bytes
    this.#settle(nowMs)
    return true
  }

  /** A probe of `next` was not answered in time. */
  lost(bytes: number, nowMs: number): void {
    if (this.#bytes === 0 || bytes <= this.#bytes || ++this.#losses < MAX_LOSSES) return
    this.#losses = 0
    this.#tooLarge = Math.min(this.#tooLarge, bytes)
    this.#settle(nowMs)
  }

  /**
   * A datagram of the size in use was not answered in time, on a path that otherwise answers.
   * @returns true where that was one too many: `bytes` is the base again, and the search begins anew (RFC 8899 section 4.3)
   */
  fullLost(): boolean {
    if (this.#bytes <= BASE_DATAGRAM_BYTES || ++this.#fullLosses < MAX_LOSSES) return false
    this.#tooLarge = this.#bytes
    this.#bytes = BASE_DATAGRAM_BYTES
    this.#fullLosses = 0
    this.#losses = 0
    this.#doneAtMs = null
    return true
  }

  /** Nothing is known any more: the path is another one. */
  reset(): void {
    this.#bytes = 0
    this.#fullLosses = 0
    this.#begin()
  }

  #begin(): void {
    this.#tooLarge = this.#maxBytes + 1
    this.#losses = 0
    this.#doneAtMs = null
  }

  #settle(nowMs: number): void {
    const done = this.#bytes === this.#maxBytes || this.#tooLarge - this.#bytes < STEP_BYTES
    this.#doneAtMs = done ? nowMs : null
  }
}
