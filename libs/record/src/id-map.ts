import { idEquals } from './ids.ts'
import { readU32 } from './integers.ts'

/** Something that is known by a 16-byte id. */
export interface IdEntry {
  readonly id: Uint8Array
}

const FIRST_CAPACITY = 8

/**
 * Entries by id, found in a message without an object for the key. Ids are hashes, so that their own bits are the place; whoever
 * chooses his so that they share one makes finding slower, by no more than there are entries.
 */
export class IdMap<Entry extends IdEntry> {
  /** Open addressing, linear probing; a power of two, at most three quarters full. */
  #places: (Entry | null)[] = new Array<Entry | null>(FIRST_CAPACITY).fill(null)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The entry whose id is at `offset`, or null. */
  find(bytes: Uint8Array, offset: number): Entry | null {
    return this.#places[this.#placeOf(bytes, offset)]!
  }

  /** Adds an entry whose id is not there yet. */
  add(entry: Entry): void {
    this.#places[this.#placeOf(entry.id, 0)] = entry
    this.#size++
    if (4 * this.#size > 3 * this.#places.length) this.#grow()
  }

  /** Takes out an entry that is there. */
  delete(entry: Entry): void {
    const last = this.#places.length - 1
    let hole = this.#placeOf(entry.id, 0)
    this.#size--
    // Whoever stands behind the hole and would have liked to be there, or before it, moves up.
    for (let at = (hole + 1) & last; ; at = (at + 1) & last) {
      const other = this.#places[at]!
      if (other === null) break
      const home = homeOf(other.id, 0) & last
      if (((at - home) & last) < ((at - hole) & last)) continue
      this.#places[hole] = other
      hole = at
    }
    this.#places[hole] = null
  }

  /** All entries that were there at the beginning; any may be deleted meanwhile. */
  [Symbol.iterator](): Iterator<Entry> {
    return this.#places.filter((entry) => entry !== null)[Symbol.iterator]()
  }

  /** Where the entry with this id is, or would be. */
  #placeOf(bytes: Uint8Array, offset: number): number {
    const places = this.#places
    const last = places.length - 1
    let at = homeOf(bytes, offset) & last
    for (let entry = places[at]!; entry !== null; entry = places[at]!) {
      if (idEquals(bytes, offset, entry.id)) return at
      at = (at + 1) & last
    }
    return at
  }

  #grow(): void {
    const before = this.#places
    this.#places = new Array<Entry | null>(2 * before.length).fill(null)
    for (const entry of before) if (entry !== null) this.#places[this.#placeOf(entry.id, 0)] = entry
  }
}

/** The first and the last bits count, because ids of tests differ in one of them. */
function homeOf(bytes: Uint8Array, offset: number): number {
  const mixed = Math.imul(readU32(bytes, offset) ^ readU32(bytes, offset + 12), 0x9e37_79b1)
  return mixed ^ (mixed >>> 15)
}
