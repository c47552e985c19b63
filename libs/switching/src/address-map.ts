/** Something that is found by an IP address: 4 or 16 bytes. */
export interface AddressEntry {
  readonly address: Uint8Array
}

const FIRST_CAPACITY = 8

/**
 * Entries by IP address, found in a frame without an object for the key. The hash has a seed, so that nobody outside can
 * choose addresses that get into each other's way.
 */
export class AddressMap<Entry extends AddressEntry> {
  readonly #seed: number
  /** Open addressing, linear probing; a power of two, at most three quarters full. */
  #places: (Entry | null)[] = newPlaces<Entry>(FIRST_CAPACITY)
  #size = 0

  /** @param seed 32 random bits */
  constructor(seed: number) {
    this.#seed = seed | 0
  }

  get size(): number {
    return this.#size
  }

  /** The entry of the address of `length` bytes at `offset`, or null. */
  find(bytes: Uint8Array, offset: number, length: number): Entry | null {
    return this.#places[this.#placeOf(bytes, offset, length)]!
  }

  get(address: Uint8Array): Entry | null {
    return this.find(address, 0, address.length)
  }

  /** Adds an entry whose address is not there yet. */
  add(entry: Entry): void {
    this.#places[this.#placeOfEntry(entry)] = entry
    this.#size++
    if (4 * this.#size > 3 * this.#places.length) this.#grow()
  }

  /** Takes an entry out, if it is there. */
  delete(entry: Entry): void {
    const last = this.#places.length - 1
    let hole = this.#placeOfEntry(entry)
    if (this.#places[hole] !== entry) return
    this.#size--
    // Whoever stands behind the hole and would have liked to be there, or before it, moves up.
    for (let at = (hole + 1) & last; ; at = (at + 1) & last) {
      const other = this.#places[at]!
      if (other === null) break
      const home = hashAddress(this.#seed, other.address, 0, other.address.length) & last
      if (((at - home) & last) < ((at - hole) & last)) continue
      this.#places[hole] = other
      hole = at
    }
    this.#places[hole] = null
  }

  clear(): void {
    this.#places = newPlaces<Entry>(FIRST_CAPACITY)
    this.#size = 0
  }

  /** All entries that were there at the beginning; any may be deleted meanwhile. */
  [Symbol.iterator](): Iterator<Entry> {
    return this.#places.filter((entry) => entry !== null)[Symbol.iterator]()
  }

  /** Where the entry with this address is, or would be. */
  #placeOf(bytes: Uint8Array, offset: number, length: number): number {
    const places = this.#places
    const last = places.length - 1
    let at = hashAddress(this.#seed, bytes, offset, length) & last
    for (let entry = places[at]!; entry !== null; entry = places[at]!) {
      if (sameAddress(entry.address, bytes, offset, length)) return at
      at = (at + 1) & last
    }
    return at
  }

  #placeOfEntry({ address }: Entry): number {
    return this.#placeOf(address, 0, address.length)
  }

  #grow(): void {
    const before = this.#places
    this.#places = newPlaces<Entry>(2 * before.length)
    for (const entry of before) if (entry !== null) this.#places[this.#placeOfEntry(entry)] = entry
  }
}

function newPlaces<Entry>(count: number): (Entry | null)[] {
  return new Array<Entry | null>(count).fill(null)
}

/**
 * A seeded multiplicative hash over four bytes at a time: a signed 32-bit integer, since an unsigned one would be an object
 * on the heap half of the time.
 */
export function hashAddress(seed: number, bytes: Uint8Array, offset: number, length: number): number {
  let hash = seed ^ length
  for (let i = offset; i < offset + length; i += 4) {
    const word = (bytes[i]! << 24) | (bytes[i + 1]! << 16) | (bytes[i + 2]! << 8) | bytes[i + 3]!
    hash = Math.imul(hash ^ word, 0x9e37_79b1)
    hash = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca77)
  }
  return hash ^ (hash >>> 13)
}

export function sameAddress(address: Uint8Array, bytes: Uint8Array, offset: number, length: number): boolean {
  if (address.length !== length) return false
  for (let i = 0; i < length; i++) if (address[i] !== bytes[offset + i]) return false
  return true
}

/** Order of two addresses as big-endian numbers; shorter ones come first. */
export function compareAddresses(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return a.length - b.length
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return 0
}
