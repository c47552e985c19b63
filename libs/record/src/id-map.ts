import { idEquals, idKey } from './ids.ts'

/** Something that is known by a 16-byte id. */
export interface IdEntry<Self> {
  readonly id: Uint8Array
  /** Another entry with the same key: the map's own. */
  next: Self | null
}

/** Entries by id, found in a message without an object for the key. Those with one key (`idKey`) are a chain. */
export class IdMap<Entry extends IdEntry<Entry>> {
  readonly #first = new Map<number, Entry>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The entry whose id is at `offset`, or null. */
  find(bytes: Uint8Array, offset: number): Entry | null {
    let entry = this.#first.get(idKey(bytes, offset)) ?? null
    while (entry !== null && !idEquals(bytes, offset, entry.id)) entry = entry.next
    return entry
  }

  /** Adds an entry whose id is not there yet. */
  add(entry: Entry): void {
    const key = idKey(entry.id, 0)
    entry.next = this.#first.get(key) ?? null
    this.#first.set(key, entry)
    this.#size++
  }

  /** Takes out an entry that is there. */
  delete(entry: Entry): void {
    const key = idKey(entry.id, 0)
    let before = this.#first.get(key)!
    if (before === entry) {
      if (entry.next === null) this.#first.delete(key)
      else this.#first.set(key, entry.next)
    } else {
      while (before.next !== entry) before = before.next!
      before.next = entry.next
    }
    entry.next = null
    this.#size--
  }

  /** All entries; the one that is at hand may be deleted. */
  *[Symbol.iterator](): Generator<Entry> {
    for (const first of this.#first.values())
      for (let entry: Entry | null = first; entry !== null; ) {
        const { next }: Entry = entry
        yield entry
        entry = next
      }
  }
}
