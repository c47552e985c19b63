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

  /** Takes `count` tokens, or none and answers false where there are not so many. */
  take(nowMs: number, count = 1): boolean {
    this.#fill(nowMs)
    if (this.#tokens < count) return false
    this.#tokens -= count
    return true
  }

  /** When the next token is there, `nowMs` where one is. */
  readyMs(nowMs: number): number {
    this.#fill(nowMs)
    return this.#tokens >= 1 ? nowMs : nowMs + Math.ceil(((1 - this.#tokens) * 1000) / this.#perSecond)
  }

  #fill(nowMs: number): void {
    if (nowMs <= this.#filledMs) return
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#filledMs) * this.#perSecond) / 1000)
    this.#filledMs = nowMs
  }
}
