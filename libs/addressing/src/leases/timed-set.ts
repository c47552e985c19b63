/** Numbers that stay for a while; a full set forgets what came first. */
export class TimedSet {
  readonly #max: number
  readonly #lifetimeMs: number
  readonly #untilMs = new Map<number, number>()

  constructor(max: number, lifetimeMs: number) {
    this.#max = max
    this.#lifetimeMs = lifetimeMs
  }

  add(value: number, nowMs: number): void {
    this.#untilMs.delete(value)
    if (this.#untilMs.size >= this.#max) {
      const [oldest] = this.#untilMs.keys()
      if (oldest !== undefined) this.#untilMs.delete(oldest)
    }
    this.#untilMs.set(value, nowMs + this.#lifetimeMs)
  }

  has(value: number, nowMs: number): boolean {
    const untilMs = this.#untilMs.get(value)
    if (untilMs === undefined) return false
    if (nowMs < untilMs) return true
    this.#untilMs.delete(value)
    return false
  }

  get size(): number {
    return this.#untilMs.size
  }
}
