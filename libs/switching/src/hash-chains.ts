/** One entry of a chain. */
export interface ChainSlot<Entry, Self> {
  readonly entry: Entry
  next: Self | null
}

/** Slots by hash, those with one hash one behind the other. Whoever looks for something walks the chain himself: that is what is hot. */
export class HashChains<Entry, Slot extends ChainSlot<Entry, Slot>> {
  readonly #first = new Map<number, Slot>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** @param hash a signed 32-bit integer, so that it is no object on the heap */
  first(hash: number): Slot | null {
    return this.#first.get(hash) ?? null
  }

  /** Puts a slot before those with the same hash. */
  add(hash: number, slot: Slot): void {
    slot.next = this.first(hash)
    this.#first.set(hash, slot)
    this.#size++
  }

  delete(hash: number, entry: Entry): void {
    let slot = this.first(hash)
    let before: Slot | null = null
    while (slot !== null && slot.entry !== entry) {
      before = slot
      slot = slot.next
    }
    if (slot === null) return
    this.#size--
    if (before !== null) before.next = slot.next
    else if (slot.next !== null) this.#first.set(hash, slot.next)
    else this.#first.delete(hash)
  }

  clear(): void {
    this.#first.clear()
    this.#size = 0
  }

  /** All entries; the one that is at hand may be deleted. */
  *[Symbol.iterator](): Generator<Entry> {
    for (const first of this.#first.values())
      for (let slot: Slot | null = first; slot !== null; slot = slot.next) yield slot.entry
  }
}
