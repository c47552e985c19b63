import { type ChainSlot, HashChains } from './hash-chains.ts'

interface Slot<Entry> extends ChainSlot<Entry, Slot<Entry>> {
  /** The address: its upper 16 bits, and the lower 32 as a signed integer. Both are small integers: no objects on the heap. */
  readonly high: number
  readonly low: number
}

const LOW = 0x1_0000_0000

/**
 * Entries by MAC address, found in a frame without an object for the key: a 48-bit integer would be one for each lookup. The
 * hash has a seed, so that nobody outside can choose addresses that share a chain.
 */
export class MacTable<Entry extends { readonly mac: number }> {
  readonly #seed: number
  readonly #chains = new HashChains<Entry, Slot<Entry>>()

  /** @param seed 32 random bits */
  constructor(seed: number) {
    this.#seed = seed | 0
  }

  get size(): number {
    return this.#chains.size
  }

  /** The entry of the six bytes at `offset`, or null. */
  find(bytes: Uint8Array, offset: number): Entry | null {
    const high = (bytes[offset]! << 8) | bytes[offset + 1]!
    const low =
      (bytes[offset + 2]! << 24) | (bytes[offset + 3]! << 16) | (bytes[offset + 4]! << 8) | bytes[offset + 5]!
    return this.#find(high, low)
  }

  /** @param mac 48-bit integer */
  get(mac: number): Entry | null {
    return this.#find(highOf(mac), lowOf(mac))
  }

  #find(high: number, low: number): Entry | null {
    let slot = this.#chains.first(this.#hash(high, low))
    while (slot !== null && (slot.low !== low || slot.high !== high)) slot = slot.next
    return slot === null ? null : slot.entry
  }

  /** Adds an entry whose address is not there yet. */
  add(entry: Entry): void {
    const [high, low] = [highOf(entry.mac), lowOf(entry.mac)]
    this.#chains.add(this.#hash(high, low), { high, low, entry, next: null })
  }

  delete(entry: Entry): void {
    this.#chains.delete(this.#hash(highOf(entry.mac), lowOf(entry.mac)), entry)
  }

  /** All entries; the one that is at hand may be deleted. */
  [Symbol.iterator](): Generator<Entry> {
    return this.#chains[Symbol.iterator]()
  }

  /** A signed 32-bit integer, see `hashAddress`. */
  #hash(high: number, low: number): number {
    let hash = Math.imul(this.#seed ^ low, 0x9e37_79b1)
    hash = Math.imul(hash ^ (hash >>> 15) ^ high, 0x85eb_ca77)
    return hash ^ (hash >>> 13)
  }
}

function highOf(mac: number): number {
  return Math.floor(mac / LOW)
}

function lowOf(mac: number): number {
  return (mac % LOW) | 0
}
