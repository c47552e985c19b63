import { compareAddresses } from './address-order.ts'

/** Something that is found by its address of 4 or 16 bytes. */
export interface AddressEntry {
  readonly address: Uint8Array
}

const FIRST_CAPACITY = 16

/**
 * Entries by address: one table without an object for key or place, since a large VLAN has thousands of them at every member.
 * The hash has a seed, so that nobody outside can choose addresses that get into each other's way.
 */
export class AddressIndex<Entry extends AddressEntry> {
  readonly #seed: number
  /** Open addressing, linear probing; a power of two, at most three quarters full. */
  #places: (Entry | null)[] = new Array<Entry | null>(FIRST_CAPACITY).fill(null)
  #size = 0

  /** @param seed 32 random bits */
  constructor(seed: number) {
    this.#seed = seed | 0
  }

  get size(): number {
    return this.#size
  }

  get(address: Uint8Array): Entry | null {
    return this.#places[this.#placeOf(address)] ?? null
  }

  /** Adds an entry, or puts it in place of the one with its address. */
  set(entry: Entry): void {
    const place = this.#placeOf(entry.address)
    const isNew = this.#places[place] === null
    this.#places[place] = entry
    if (!isNew) return
    this.#size++
    if (4 * this.#size > 3 * this.#places.length) this.#grow()
  }

  delete(address: Uint8Array): void {
    let hole = this.#placeOf(address)
    if (this.#places[hole] === null) return
    this.#size--
    const last = this.#places.length - 1
    // Whoever stands behind the hole and would have liked to be there, or before it, moves up.
    for (let at = (hole + 1) & last; ; at = (at + 1) & last) {
      const entry = this.#places[at]!
      if (entry === null) break
      const home = this.#hash(entry.address) & last
      if (((at - home) & last) < ((at - hole) & last)) continue
      this.#places[hole] = entry
      hole = at
    }
    this.#places[hole] = null
  }

  /** All entries; nothing may be added or deleted meanwhile. */
  *[Symbol.iterator](): Generator<Entry> {
    for (const entry of this.#places) if (entry !== null) yield entry
  }

  /** Where the entry with this address is, or would be. */
  #placeOf(address: Uint8Array): number {
    const last = this.#places.length - 1
    let at = this.#hash(address) & last
    for (let entry = this.#places[at]!; entry !== null; entry = this.#places[at]!) {
      if (compareAddresses(entry.address, address) === 0) return at
      at = (at + 1) & last
    }
    return at
  }

  #grow(): void {
    const before = this.#places
    this.#places = new Array<Entry | null>(2 * before.length).fill(null)
    for (const entry of before) if (entry !== null) this.#places[this.#placeOf(entry.address)] = entry
  }

  #hash(address: Uint8Array): number {
    let hash = this.#seed ^ address.length
    for (let i = 0; i < address.length; i += 4) {
      const word = (address[i]! << 24) | (address[i + 1]! << 16) | (address[i + 2]! << 8) | address[i + 3]!
      hash = Math.imul(hash ^ word, 0x9e37_79b1)
      hash = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca77)
    }
    return hash ^ (hash >>> 13)
  }
}
