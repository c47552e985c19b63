import { ID_BYTES } from '@wakunet/interface'
import { readU16 } from '@wakunet/record'
import { compareBytes } from '../control/bytes.ts'
import {
  ADVERTISEMENT_FIELD,
  advertisedNeighbours,
  advertisedRelay,
  NEIGHBOUR_BYTES,
} from '../control/link-state-message.ts'
import type { Advertisement } from './advertisement.ts'
import type { LinkStateDatabase } from './database.ts'
import type { Origin } from './origin.ts'

/** A link that the other end does not advertise, or whose other end is unknown. */
export const NO_SLOT = 0xffff

const FIRST = ADVERTISEMENT_FIELD.neighbours

/** Position of a node among the neighbours of an advertisement, which are sorted; -1 where it is none. */
function positionOf(bytes: Uint8Array, id: Uint8Array): number {
  let low = 0
  let high = advertisedNeighbours(bytes) - 1
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
 * advertisement, is at `s * stride + k`. Only what has changed is taken over again: most of a newer advertisement is what
 * the last one said.
 */
export class LinkGraph {
  readonly stride: number
  /** Slot at the other end, or `NO_SLOT`. */
  ends: Uint16Array
  costs: Uint16Array
  /** Links of each slot. */
  counts: Uint8Array
  /** Slots that pass no unicast on: ways end there. */
  readonly leaves = new Set<number>()
  /** The advertisements that the tables are made of, by slot. */
  readonly #linked: (Advertisement | null)[] = []
  readonly #endsBefore: Uint16Array
  readonly #costsBefore: Uint16Array
  #capacity = 16

  /** @param stride most neighbours of an origin; more are not used */
  constructor(stride: number) {
    this.stride = stride
    this.ends = new Uint16Array(this.#capacity * stride)
    this.costs = new Uint16Array(this.#capacity * stride)
    this.counts = new Uint8Array(this.#capacity)
    this.#endsBefore = new Uint16Array(stride)
    this.#costsBefore = new Uint16Array(stride)
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
      this.#link(origin, database)
      origin.isStale = false
      changed = true
    }
    return changed
  }

  #reserve(slots: number): void {
    if (slots <= this.#capacity) return
    // By a quarter: the tables of a large VLAN are the largest thing that a switch keeps.
    while (this.#capacity < slots) this.#capacity += Math.max(16, this.#capacity >> 2)
    const { ends, costs, counts } = this
    this.ends = new Uint16Array(this.#capacity * this.stride)
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
    for (let k = 0; k < this.counts[slot]!; k++) this.#cut(slot, this.ends[base + k]!)
    this.counts[slot] = 0
    this.leaves.delete(slot)
    this.#linked[slot] = null
  }

  /** Takes the link to `slot` out at its other end. */
  #cut(slot: number, end: number): void {
    if (end === NO_SLOT) return
    const base = end * this.stride
    for (let j = 0; j < this.counts[end]!; j++)
      if (this.ends[base + j] === slot) this.ends[base + j] = NO_SLOT
  }

  /** Walks through the neighbours of the last advertisement and of this one, both ascending. */
  #link(origin: Origin, database: LinkStateDatabase): void {
    const { slot, advertisement } = origin
    const base = slot * this.stride
    const before = this.#linked[slot] ?? null
    const countBefore = this.counts[slot]!
    this.#endsBefore.set(this.ends.subarray(base, base + countBefore))
    this.#costsBefore.set(this.costs.subarray(base, base + countBefore))
    const count = Math.min(advertisedNeighbours(advertisement.bytes), this.stride)
    this.counts[slot] = count
    if (advertisedRelay(advertisement.bytes)) this.leaves.delete(slot)
    else this.leaves.add(slot)
    this.#linked[slot] = advertisement
    let old = 0
    for (let k = 0; k < count; k++) {
      const field = FIRST + k * NEIGHBOUR_BYTES
      let order = 1
      for (; old < countBefore; old++) {
        order = compareBytes(
          before!.bytes,
          FIRST + old * NEIGHBOUR_BYTES,
          advertisement.bytes,
          field,
          ID_BYTES,
        )
        if (order >= 0) break
        this.#cut(slot, this.#endsBefore[old]!)
      }
      if (old < countBefore && order === 0) this.#keep(base + k, field, advertisement, before!, old++, slot)
      else this.#join(base + k, field, advertisement, database, slot)
    }
    for (; old < countBefore; old++) this.#cut(slot, this.#endsBefore[old]!)
  }

  /** A neighbour that was one before. */
  #keep(
    at: number,
    field: number,
    advertisement: Advertisement,
    before: Advertisement,
    old: number,
    slot: number,
  ): void {
    const end = this.#endsBefore[old]!
    this.ends[at] = end
    this.costs[at] = this.#costsBefore[old]!
    if (end === NO_SLOT) return
    const cost = readU16(advertisement.bytes, field + ID_BYTES)
    if (cost === readU16(before.bytes, FIRST + old * NEIGHBOUR_BYTES + ID_BYTES)) return
    this.#connect(at, cost, end, positionOf(this.#linked[end]!.bytes, advertisement.id), slot)
  }

  /** A neighbour that was none before; nothing where it does not say the same (yet). */
  #join(
    at: number,
    field: number,
    advertisement: Advertisement,
    database: LinkStateDatabase,
    slot: number,
  ): void {
    this.ends[at] = NO_SLOT
    const end = database.find(advertisement.bytes, field)?.slot
    const other = end === undefined ? null : (this.#linked[end] ?? null)
    if (end === undefined || other === null) return
    const back = positionOf(other.bytes, advertisement.id)
    if (back < 0 || back >= this.stride) return
    this.#connect(at, readU16(advertisement.bytes, field + ID_BYTES), end, back, slot)
  }

  /** @param back which neighbour of `end` the slot is */
  #connect(at: number, ownCost: number, end: number, back: number, slot: number): void {
    const backCost = readU16(this.#linked[end]!.bytes, FIRST + back * NEIGHBOUR_BYTES + ID_BYTES)
    const cost = Math.max(ownCost, backCost)
    const backAt = end * this.stride + back
    this.ends[at] = end
    this.ends[backAt] = slot
    this.costs[at] = cost
    this.costs[backAt] = cost
  }
}

/** Cost at which an origin advertises the neighbour `id`; 0 where it does not. */
export function advertisedCost({ bytes }: Advertisement, id: Uint8Array): number {
  const position = positionOf(bytes, id)
  return position < 0 ? 0 : readU16(bytes, FIRST + position * NEIGHBOUR_BYTES + ID_BYTES)
}
