interface SimEvent {
  readonly atMs: number
  /** Breaks ties: what was added first runs first. */
  readonly order: number
  readonly run: () => void
}

/** What happens when, on a virtual clock: a binary heap. */
export class EventQueue {
  #nowMs = 0
  #order = 0
  #ran = 0
  readonly #heap: SimEvent[] = []

  get nowMs(): number {
    return this.#nowMs
  }

  /** Events that have run. */
  get ran(): number {
    return this.#ran
  }

  get size(): number {
    return this.#heap.length
  }

  /** Runs `run` at `atMs`, or now where that is past. */
  at(atMs: number, run: () => void): void {
    const heap = this.#heap
    const event = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, run }
    let at = heap.length
    while (at > 0) {
      const above = (at - 1) >> 1
      if (!isBefore(event, heap[above]!)) break
      heap[at] = heap[above]!
      at = above
    }
    heap[at] = event
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.#nowMs + delayMs, run)
  }

  /** Runs events until `untilMs`, or until `isDone` after one of them; true where it was done. */
  run(untilMs: number, isDone: () => boolean = () => false): boolean {
    while (!isDone()) {
      const next = this.#heap[0]
      if (next === undefined || next.atMs > untilMs) {
        this.#nowMs = untilMs
        return false
      }
      this.#removeFirst()
      this.#nowMs = next.atMs
      this.#ran++
      next.run()
    }
    return true
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= heap.length) break
      const right = below + 1
      if (right < heap.length && isBefore(heap[right]!, heap[below]!)) below = right
      if (!isBefore(heap[below]!, last)) break
      heap[at] = heap[below]!
      at = below
    }
    heap[at] = last
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
