import { ID_BYTES } from '@wakunet/interface'
import { BOOT_NONCE_BYTES, IdMap } from '@wakunet/record'
import { compareBytes } from '../control/bytes.ts'
import {
  ADVERTISEMENT_FIELD,
  advertisedRelay,
  NEIGHBOUR_BYTES,
  readSequence,
} from '../control/link-state-message.ts'
import { Advertisement } from './advertisement.ts'
import { Origin } from './origin.ts'

/** Most origins of a VLAN; the control contract has the same bound for members. */
export const MAX_ORIGINS = 4096

/** Advertisements of one origin that are taken at once, and the time for another after that. */
const ACCEPT_BURST = 8
const ACCEPT_MS = 1_000

export interface DatabaseInit {
  readonly maxOrigins: number
  /** Makes a valid advertisement, in bytes that may change, one to keep; the simulator shares equal ones. Default: `copyAdvertisement`. */
  readonly keep: (bytes: Uint8Array) => Advertisement
}

export function copyAdvertisement(bytes: Uint8Array): Advertisement {
  return new Advertisement(bytes.slice())
}

/** Monotonic counters. */
export interface DatabaseStats {
  /** Newer advertisements taken over. */
  accepted: number
  /** Known already, or older than what is known. */
  old: number
  /** More often than an origin may. */
  rateLimited: number
  /** Of new origins, while the table was full of ones that can be reached. */
  refusedFull: number
  /** Origins forgotten. */
  aged: number
}

export type AcceptVerdict = 'newer' | 'old' | 'rate' | 'full'

/** The newest advertisement of every origin. */
export class LinkStateDatabase {
  readonly stats: DatabaseStats = { accepted: 0, old: 0, rateLimited: 0, refusedFull: 0, aged: 0 }
  readonly #init: DatabaseInit
  readonly #byId = new IdMap<Origin>()
  /** By slot; null where the slot is free. */
  readonly slots: (Origin | null)[] = []
  readonly #free: number[] = []
  /** Grows when an origin comes, goes, or starts anew. */
  revision = 0
  /** Called before an origin is forgotten. */
  onRemove: ((origin: Origin) => void) | null = null

  constructor(init: DatabaseInit) {
    this.#init = init
  }

  get size(): number {
    return this.#byId.size
  }

  /** The origin whose id is at `offset`, or null. */
  find(bytes: Uint8Array, offset: number): Origin | null {
    return this.#byId.find(bytes, offset)
  }

  /**
   * Takes over a valid advertisement that is newer than what is known of its origin.
   * @param isOwn own advertisements are not limited
   */
  accept(bytes: Uint8Array, offset: number, length: number, nowMs: number, isOwn = false): AcceptVerdict {
    const origin = this.find(bytes, offset + ADVERTISEMENT_FIELD.origin)
    if (origin !== null && !isNewer(bytes, offset, origin)) {
      this.stats.old++
      return 'old'
    }
    if (origin !== null && !isOwn && !takeTurn(origin, nowMs)) {
      this.stats.rateLimited++
      return 'rate'
    }
    if (origin === null && this.size >= this.#init.maxOrigins && !this.#makeRoom()) {
      this.stats.refusedFull++
      return 'full'
    }
    const kept = this.#init.keep(bytes.subarray(offset, offset + length))
    if (origin === null) this.#insert(kept, nowMs)
    else this.#update(origin, kept)
    this.stats.accepted++
    return 'newer'
  }

  #insert(advertisement: Advertisement, nowMs: number): Origin {
    const slot = this.#free.pop() ?? this.slots.length
    const origin = new Origin(slot, advertisement, nowMs)
    this.#byId.add(origin)
    this.slots[slot] = origin
    this.revision++
    return origin
  }

  #update(origin: Origin, advertisement: Advertisement): void {
    const before = origin.advertisement
    const isSameStart =
      before.bootNonceHigh === advertisement.bootNonceHigh &&
      before.bootNonceLow === advertisement.bootNonceLow
    if (!isSameStart) this.revision++
    const isSame = samePaths(before.bytes, advertisement.bytes)
    if (!isSame) origin.isStale = true
    origin.hasLost = !isSame && lacksNeighbour(before.bytes, advertisement.bytes)
    origin.advertisement = advertisement
  }

  /** Forgets the origin that was out of reach longest; false where all can be reached. */
  #makeRoom(): boolean {
    let longest: Origin | null = null
    for (const origin of this.slots)
      if (
        origin !== null &&
        origin.unreachableSinceMs < (longest?.unreachableSinceMs ?? Number.POSITIVE_INFINITY)
      )
        longest = origin
    if (longest === null) return false
    this.remove(longest)
    return true
  }

  remove(origin: Origin): void {
    this.onRemove?.(origin)
    this.#byId.delete(origin)
    this.slots[origin.slot] = null
    this.#free.push(origin.slot)
    this.revision++
    this.stats.aged++
  }
}

/** Newer by (sequence, boot nonce). */
function isNewer(bytes: Uint8Array, offset: number, origin: Origin): boolean {
  const sequence = readSequence(bytes, offset + ADVERTISEMENT_FIELD.sequence)
  if (sequence !== origin.sequence) return sequence > origin.sequence
  const nonce = offset + ADVERTISEMENT_FIELD.bootNonce
  return compareBytes(bytes, nonce, origin.bootNonce, 0, BOOT_NONCE_BYTES) > 0
}

/** The same neighbours, and the same word about relaying. */
function samePaths(a: Uint8Array, b: Uint8Array): boolean {
  const from = ADVERTISEMENT_FIELD.neighbours
  if (advertisedRelay(a) !== advertisedRelay(b)) return false
  return a.length === b.length && compareBytes(a, from, b, from, a.length - from) === 0
}

/** Whether a neighbour of `before` is not in `after`; those of both are ascending. */
function lacksNeighbour(before: Uint8Array, after: Uint8Array): boolean {
  let at: number = ADVERTISEMENT_FIELD.neighbours
  for (let old: number = ADVERTISEMENT_FIELD.neighbours; old < before.length; old += NEIGHBOUR_BYTES) {
    while (at < after.length && compareBytes(after, at, before, old, ID_BYTES) < 0) at += NEIGHBOUR_BYTES
    if (at >= after.length || compareBytes(after, at, before, old, ID_BYTES) > 0) return true
  }
  return false
}

function takeTurn(origin: Origin, nowMs: number): boolean {
  const fromMs = Math.max(origin.busyUntilMs, nowMs)
  if (fromMs > nowMs + (ACCEPT_BURST - 1) * ACCEPT_MS) return false
  origin.busyUntilMs = fromMs + ACCEPT_MS
  return true
}
