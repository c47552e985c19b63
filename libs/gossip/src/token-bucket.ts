/** So many at once, and so many a second after that. */
export class TokenBucket {
  readonly #burst: number
  readonly #perSecond: number
  #tokens: number
  #filledMs: number

  constructor(burst: number, perSecond: number, nowMs: number) {
    this.#burst = burst
    this.#perSecond = perSecond
    this.#tokens = burst
    this.#filledMs = nowMs
  }

  /** Takes `count` tokens and leaves at least `kept`, or takes none and answers false where there are not so many. */
  take(nowMs: number, count = 1, kept = 0): boolean {
    this.#fill(nowMs)
    if (this.#tokens < count + kept) return false
    this.#tokens -= count
    return true
  }

  /** When the next token is there beside those that are `kept`, `nowMs` where one is. */
  readyMs(nowMs: number, kept = 0): number {
    this.#fill(nowMs)
    const missing = 1 + kept - this.#tokens
    return missing <= 0 ? nowMs : nowMs + Math.ceil((missing * 1000) / this.#perSecond)
  }

  #fill(nowMs: number): void {
    if (nowMs <= this.#filledMs) return
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#filledMs) * this.#perSecond) / 1000)
    this.#filledMs = nowMs
  }
}
