import { ID_BYTES } from '@wakunet/interface'
import { readU16 } from '@wakunet/record'
import { compareBytes } from '../control/bytes.ts'
import { ADVERTISEMENT_FIELD, NEIGHBOUR_BYTES } from '../control/link-state-message.ts'
import type { LinkStateDatabase } from './database.ts'
import type { Origin } from './origin.ts'

/** A link that the other end does not advertise, or whose other end is unknown. */
export const NO_SLOT = 0xffff

const FIRST = ADVERTISEMENT_FIELD.neighbours

const neighbourCount = (bytes: Uint8Array): number => bytes[3]!

/** Position of a node among the neighbours of an advertisement, which are sorted; -1 where it is none. */
function positionOf(bytes: Uint8Array, id: Uint8Array): number {
  let low = 0
  let high = neighbourCount(bytes) - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const order = compareBytes(bytes, FIRST + middle * NEIGHBOUR_BYTES, id, 0, ID_BYTES)
    if (order === 0) return middle
    if (order < 0) low = middle + 1
    else high = middle - 1
  }
  return -1
}

/**
 * Trunks that both ends advertise, as tables by slot: link `k` of slot `s`, which is neighbour `k` of its
 * advertisement, is at `s * stride + k`. Only what has changed is taken over again.
 */
export class LinkGraph {
  readonly stride: number
  /** Slot at the other end, or `NO_SLOT`. */
  ends: Uint16Array
  costs: Uint16Array
  /** Links of each slot. */
  counts: Uint8Array
  #capacity = 16

  /** @param stride most neighbours of an origin; more are not used */
  constructor(stride: number) {
    this.stride = stride
    this.ends = new Uint16Array(this.#capacity * stride).fill(NO_SLOT)
    this.costs = new Uint16Array(this.#capacity * stride)
    this.counts = new Uint8Array(this.#capacity)
  }

  get capacity(): number {
    return this.#capacity
  }

  /** Takes over every stale advertisement; false where none was. */
  update(database: LinkStateDatabase): boolean {
    this.#reserve(database.slots.length)
    let changed = false
    for (const origin of database.slots) {
      if (origin === null || !origin.isStale) continue
      this.unlink(origin.slot)
      this.#link(origin, database)
      origin.isStale = false
      changed = true
    }
    return changed
  }

  #reserve(slots: number): void {
    if (slots <= this.#capacity) return
    while (this.#capacity < slots) this.#capacity *= 2
    const { ends, costs, counts } = this
    this.ends = new Uint16Array(this.#capacity * this.stride).fill(NO_SLOT)
    this.ends.set(ends)
    this.costs = new Uint16Array(this.#capacity * this.stride)
    this.costs.set(costs)
    this.counts = new Uint8Array(this.#capacity)
    this.counts.set(counts)
  }

  /** Takes all links of a slot out, at both ends. */
  unlink(slot: number): void {
    if (slot >= this.#capacity) return
    const base = slot * this.stride
    for (let k = 0; k < this.counts[slot]!; k++) {
      const end = this.ends[base + k]!
      if (end === NO_SLOT) continue
      this.ends[base + k] = NO_SLOT
      const other = end * this.stride
      for (let j = 0; j < this.counts[end]!; j++)
        if (this.ends[other + j] === slot) this.ends[other + j] = NO_SLOT
    }
    this.counts[slot] = 0
  }

  #link(origin: Origin, database: LinkStateDatabase): void {
    const { bytes, slot } = origin
    const count = Math.min(neighbourCount(bytes), this.stride)
    this.counts[slot] = count
    for (let k = 0; k < count; k++) {
      const at = slot * this.stride + k
      this.ends[at] = NO_SLOT
      const field = FIRST + k * NEIGHBOUR_BYTES
      const other = database.find(bytes, field)
      if (other === null || other.isStale) continue
      const back = positionOf(other.bytes, origin.id)
      if (back < 0 || back >= this.stride) continue
      const backAt = other.slot * this.stride + back
      const backCost = readU16(other.bytes, FIRST + back * NEIGHBOUR_BYTES + ID_BYTES)
      const cost = Math.max(readU16(bytes, field + ID_BYTES), backCost)
      this.ends[at] = other.slot
      this.ends[backAt] = slot
      this.costs[at] = cost
      this.costs[backAt] = cost
    }
  }
}

/** Cost at which `origin` advertises the neighbour `id`; 0 where it does not. */
export function advertisedCost(origin: Origin, id: Uint8Array): number {
  const position = positionOf(origin.bytes, id)
  return position < 0 ? 0 : readU16(origin.bytes, FIRST + position * NEIGHBOUR_BYTES + ID_BYTES)
}
