import { type ChainSlot, HashChains } from './hash-chains.ts'

/** Something that is found by an IP address: 4 or 16 bytes. */
export interface AddressEntry {
  readonly address: Uint8Array
}

interface Slot<Entry> extends ChainSlot<Entry, Slot<Entry>> {}

/**
 * Entries by IP address, found in a frame without an object for the key. The hash has a seed, so that nobody outside can
 * choose addresses that share a chain.
 */
export class AddressMap<Entry extends AddressEntry> {
  readonly #seed: number
  readonly #chains = new HashChains<Entry, Slot<Entry>>()

  /** @param seed 32 random bits */
  constructor(seed: number) {
    this.#seed = seed | 0
  }

  get size(): number {
    return this.#chains.size
  }

  /** The entry of the address of `length` bytes at `offset`, or null. */
  find(bytes: Uint8Array, offset: number, length: number): Entry | null {
    let slot = this.#chains.first(hashAddress(this.#seed, bytes, offset, length))
    while (slot !== null && !sameAddress(slot.entry.address, bytes, offset, length)) slot = slot.next
    return slot === null ? null : slot.entry
  }

  get(address: Uint8Array): Entry | null {
    return this.find(address, 0, address.length)
  }

  /** Adds an entry whose address is not there yet. */
  add(entry: Entry): void {
    this.#chains.add(this.#hash(entry), { entry, next: null })
  }

  delete(entry: Entry): void {
    this.#chains.delete(this.#hash(entry), entry)
  }

  #hash({ address }: Entry): number {
    return hashAddress(this.#seed, address, 0, address.length)
  }

  clear(): void {
    this.#chains.clear()
  }

  /** All entries; the one that is at hand may be deleted. */
  [Symbol.iterator](): Generator<Entry> {
    return this.#chains[Symbol.iterator]()
  }
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
