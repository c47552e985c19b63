import { hashAddress } from '../address-map.ts'

/** Datagrams in fragments that are remembered, in sets of `WAYS`; the oldest of a set gives way. */
export const MAX_FRAGMENTED_DATAGRAMS = 256
/** How long one is remembered (RFC 8200 §4.5: sixty seconds). */
export const FRAGMENT_LIFETIME_MS = 60_000
/** Separate ranges of one datagram; fragments in order make one. */
export const MAX_FRAGMENT_RANGES = 32
const WAYS = 4
const SETS = MAX_FRAGMENTED_DATAGRAMS / WAYS

export type FragmentVerdict = 'new' | 'overlap' | 'full'

/**
 * Which bytes of which datagram have come: half-open ranges in units of eight bytes. All memory is taken at the start.
 * The key is a buffer that the caller fills, up to `KEY_BYTES`.
 */
export class FragmentTable {
  static readonly KEY_BYTES = 44
  /** Datagrams that gave way to others before their time. */
  evicted = 0
  readonly #seed: number
  readonly #keys = new Uint8Array(MAX_FRAGMENTED_DATAGRAMS * FragmentTable.KEY_BYTES)
  readonly #seenMs = new Float64Array(MAX_FRAGMENTED_DATAGRAMS).fill(Number.NEGATIVE_INFINITY)
  readonly #counts = new Uint8Array(MAX_FRAGMENTED_DATAGRAMS)
  readonly #starts = new Uint16Array(MAX_FRAGMENTED_DATAGRAMS * MAX_FRAGMENT_RANGES)
  readonly #ends = new Uint16Array(MAX_FRAGMENTED_DATAGRAMS * MAX_FRAGMENT_RANGES)

  /** @param seed 32 random bits */
  constructor(seed: number) {
    this.#seed = seed
  }

  /**
   * Notes units `start` to `end` of a datagram.
   * @returns `overlap` where one of them was there before, `full` where there are too many separate ranges; nothing is
   * noted then
   */
  add(key: Uint8Array, start: number, end: number, nowMs: number): FragmentVerdict {
    const slot = this.#slotOf(key, nowMs)
    const first = slot * MAX_FRAGMENT_RANGES
    const count = this.#counts[slot]!
    let at = 0
    while (at < count && this.#ends[first + at]! < start) at++
    // Ranges from `at` on end at `start` or behind it.
    const touchesBefore = at < count && this.#ends[first + at] === start
    const next = touchesBefore ? at + 1 : at
    if (next < count && this.#starts[first + next]! < end) return 'overlap'
    const touchesAfter = next < count && this.#starts[first + next] === end
    if (touchesBefore && touchesAfter) {
      this.#ends[first + at] = this.#ends[first + next]!
      this.#remove(slot, next)
    } else if (touchesBefore) this.#ends[first + at] = end
    else if (touchesAfter) this.#starts[first + next] = start
    else if (count === MAX_FRAGMENT_RANGES) return 'full'
    else this.#insert(slot, at, start, end)
    return 'new'
  }

  /** The slot of the datagram, an empty one where it is not known. */
  #slotOf(key: Uint8Array, nowMs: number): number {
    const set = ((hashAddress(this.#seed, key, 0, FragmentTable.KEY_BYTES) >>> 0) % SETS) * WAYS
    let oldest = set
    for (let slot = set; slot < set + WAYS; slot++) {
      if (nowMs - this.#seenMs[slot]! < FRAGMENT_LIFETIME_MS && this.#hasKey(slot, key)) return slot
      if (this.#seenMs[slot]! < this.#seenMs[oldest]!) oldest = slot
    }
    if (nowMs - this.#seenMs[oldest]! < FRAGMENT_LIFETIME_MS) this.evicted++
    this.#keys.set(key, oldest * FragmentTable.KEY_BYTES)
    this.#seenMs[oldest] = nowMs
    this.#counts[oldest] = 0
    return oldest
  }

  #hasKey(slot: number, key: Uint8Array): boolean {
    const first = slot * FragmentTable.KEY_BYTES
    for (let i = 0; i < FragmentTable.KEY_BYTES; i++) if (this.#keys[first + i] !== key[i]) return false
    return true
  }

  #insert(slot: number, at: number, start: number, end: number): void {
    const first = slot * MAX_FRAGMENT_RANGES
    for (let i = this.#counts[slot]!; i > at; i--) {
      this.#starts[first + i] = this.#starts[first + i - 1]!
      this.#ends[first + i] = this.#ends[first + i - 1]!
    }
    this.#starts[first + at] = start
    this.#ends[first + at] = end
    this.#counts[slot]!++
  }

  #remove(slot: number, at: number): void {
    const first = slot * MAX_FRAGMENT_RANGES
    this.#counts[slot]!--
    for (let i = at; i < this.#counts[slot]!; i++) {
      this.#starts[first + i] = this.#starts[first + i + 1]!
      this.#ends[first + i] = this.#ends[first + i + 1]!
    }
  }
}
