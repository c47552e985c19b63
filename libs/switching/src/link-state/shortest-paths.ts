import { type LinkGraph, NO_SLOT } from './graph.ts'

export const UNREACHABLE = 0xffff_ffff

/** The first trunk of a way, and where it leads. */
export interface FirstHop {
  readonly slot: number
  readonly cost: number
  /** 0 to 63: its bit in the sets of first hops. */
  readonly bit: number
}

/**
 * Shortest ways from this node to every slot (Dijkstra, binary heap), with all first hops of equal ways as a set of 64
 * bits. Tables are kept and used again.
 */
export class ShortestPaths {
  /** Cost of the way to a slot, `UNREACHABLE` for none. */
  distances = new Uint32Array(0)
  /** Bits 0 to 31 of the first hops to a slot, and bits 32 to 63. */
  lowHops = new Uint32Array(0)
  highHops = new Uint32Array(0)
  #heap = new Uint16Array(0)
  /** Position in the heap, -1 for none. */
  #positions = new Int32Array(0)
  #heapSize = 0

  /** @param ends slots that no way leads through, though ways lead there */
  compute(graph: LinkGraph, self: number, firstHops: readonly FirstHop[], ends?: ReadonlySet<number>): void {
    this.#reset(graph.capacity)
    this.distances[self] = 0
    for (const { slot, cost, bit } of firstHops)
      this.#relax(slot, cost, bit < 32 ? 1 << bit : 0, bit < 32 ? 0 : 1 << (bit - 32))
    while (this.#heapSize > 0) {
      const slot = this.#pop()
      if (ends?.has(slot) === true) continue
      const base = slot * graph.stride
      const distance = this.distances[slot]!
      const low = this.lowHops[slot]!
      const high = this.highHops[slot]!
      for (let k = base; k < base + graph.counts[slot]!; k++) {
        const end = graph.ends[k]!
        if (end !== NO_SLOT && end !== self) this.#relax(end, distance + graph.costs[k]!, low, high)
      }
    }
  }

  #reset(capacity: number): void {
    if (this.distances.length < capacity) {
      this.distances = new Uint32Array(capacity)
      this.lowHops = new Uint32Array(capacity)
      this.highHops = new Uint32Array(capacity)
      this.#heap = new Uint16Array(capacity)
      this.#positions = new Int32Array(capacity)
    }
    this.distances.fill(UNREACHABLE)
    this.lowHops.fill(0)
    this.highHops.fill(0)
    this.#positions.fill(-1)
    this.#heapSize = 0
  }

  #relax(slot: number, distance: number, low: number, high: number): void {
    const known = this.distances[slot]!
    if (distance > known) return
    if (distance === known) {
      this.lowHops[slot]! |= low
      this.highHops[slot]! |= high
      return
    }
    this.distances[slot] = distance
    this.lowHops[slot] = low
    this.highHops[slot] = high
    if (this.#positions[slot]! < 0) this.#positions[slot] = this.#heapSize++
    this.#siftUp(slot, this.#positions[slot]!)
  }

  #siftUp(slot: number, from: number): void {
    const distance = this.distances[slot]!
    let at = from
    while (at > 0) {
      const above = (at - 1) >> 1
      const other = this.#heap[above]!
      if (this.distances[other]! <= distance) break
      this.#place(other, at)
      at = above
    }
    this.#place(slot, at)
  }

  #pop(): number {
    const top = this.#heap[0]!
    this.#positions[top] = -1
    const last = this.#heap[--this.#heapSize]!
    if (this.#heapSize > 0) this.#siftDown(last)
    return top
  }

  #siftDown(slot: number): void {
    const distance = this.distances[slot]!
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= this.#heapSize) break
      const right = below + 1
      if (right < this.#heapSize && this.#distanceAt(right) < this.#distanceAt(below)) below = right
      if (this.#distanceAt(below) >= distance) break
      this.#place(this.#heap[below]!, at)
      at = below
    }
    this.#place(slot, at)
  }

  #distanceAt(position: number): number {
    return this.distances[this.#heap[position]!]!
  }

  #place(slot: number, position: number): void {
    this.#heap[position] = slot
    this.#positions[slot] = position
  }
}
