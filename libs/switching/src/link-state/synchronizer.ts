import { ID_BYTES } from '@wakunet/interface'
import { idEquals } from '@wakunet/record'
import { compareBytes } from '../control/bytes.ts'
import {
  DIGEST_BUCKETS,
  decodeDigests,
  encodeDigests,
  encodeRequest,
  encodeSummary,
  type LinkStateKind,
  MAX_SUMMARY_ENTRIES,
  REQUEST_FIELD,
  readSequence,
  requestIsValid,
  SUMMARY_ENTRY_BYTES,
  SUMMARY_FIELD,
  summaryIsValid,
} from '../control/link-state-message.ts'
import type { LinkStateDatabase } from './database.ts'
import { DIGEST_RETRY_MS, type LinkNeighbour } from './neighbour.ts'
import type { Origin } from './origin.ts'

/** Digests go to the neighbours of the tree this often while databases are equal. */
export const DIGEST_MS = 15_000

/** Monotonic counters. */
export interface SynchronizerStats {
  digestsSent: number
  digestsDiffered: number
  /** Advertisements sent because a neighbour lacked them. */
  synchronized: number
  /** Answers that were not given because of a neighbour's rate. */
  syncRateLimited: number
}

const bucketOf = (id: Uint8Array): number => id[0]! >> 2

/**
 * Keeps the databases of neighbours equal: digests, then what differs (`docs/protocols/vlan-control.md`). Only origins that
 * can be reached take part, so that what one side forgets is not brought back by the other.
 */
export class Synchronizer {
  readonly stats: SynchronizerStats = {
    digestsSent: 0,
    digestsDiffered: 0,
    synchronized: 0,
    syncRateLimited: 0,
  }
  /** Advertisements or what is reached have changed since `update`. */
  isDirty = true
  readonly #database: LinkStateDatabase
  readonly #nodeId: Uint8Array
  readonly #digest = new Uint32Array(2)
  readonly #buckets = new Uint32Array(2 * DIGEST_BUCKETS)
  readonly #theirs = new Uint32Array(2 * DIGEST_BUCKETS)

  constructor(database: LinkStateDatabase, nodeId: Uint8Array) {
    this.#database = database
    this.#nodeId = nodeId
  }

  /** Brings the digests up to date. */
  update(): void {
    if (!this.isDirty) return
    this.isDirty = false
    this.#digest.fill(0)
    this.#buckets.fill(0)
    for (const origin of this.#database.slots) {
      if (origin === null || !isReached(origin)) continue
      const { id, digestHigh, digestLow } = origin.advertisement
      const at = 2 * bucketOf(id)
      this.#buckets[at]! ^= digestHigh
      this.#buckets[at + 1]! ^= digestLow
      this.#digest[0]! ^= digestHigh
      this.#digest[1]! ^= digestLow
    }
  }

  sendDigest(to: LinkNeighbour, nowMs: number): void {
    to.digestDueMs = nowMs + DIGEST_MS
    to.digestSentMs = nowMs
    this.stats.digestsSent++
    to.post(encodeDigests('digest', this.#digest))
  }

  /**
   * Takes a message that is no advertisement; the digests are up to date.
   * @returns the highest sequence that the neighbour has of this node itself, 0 where it says none
   */
  receive(
    kind: Exclude<LinkStateKind, 'advertisement'>,
    from: LinkNeighbour,
    bytes: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
  ): number | 'malformed' {
    switch (kind) {
      case 'digest':
        return this.#receiveDigest(from, bytes, offset, length, nowMs)
      case 'buckets':
        return this.#receiveBuckets(from, bytes, offset, length, nowMs)
      case 'summary':
        if (!summaryIsValid(bytes, offset, length)) return 'malformed'
        return this.#receiveSummary(from, bytes, offset, nowMs)
      case 'request':
        if (!requestIsValid(bytes, offset, length)) return 'malformed'
        return this.#receiveRequest(from, bytes, offset, nowMs)
    }
  }

  #receiveDigest(
    from: LinkNeighbour,
    bytes: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
  ): number | 'malformed' {
    const theirs = this.#theirs.subarray(0, 2)
    if (!decodeDigests(bytes, offset, length, theirs)) return 'malformed'
    if (theirs[0] === this.#digest[0] && theirs[1] === this.#digest[1]) {
      // Both have the same, so that the own digest would tell nothing.
      from.digestDueMs = nowMs + DIGEST_MS
      return 0
    }
    this.stats.digestsDiffered++
    from.digestDueMs = Math.min(from.digestDueMs, nowMs + DIGEST_RETRY_MS)
    if (from.answerRate.take(nowMs)) from.post(encodeDigests('buckets', this.#buckets))
    else this.stats.syncRateLimited++
    return 0
  }

  #receiveBuckets(
    from: LinkNeighbour,
    bytes: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
  ): number | 'malformed' {
    if (!decodeDigests(bytes, offset, length, this.#theirs)) return 'malformed'
    if (!from.answerRate.take(nowMs)) {
      this.stats.syncRateLimited++
      return 0
    }
    const differing = this.#differingBuckets()
    for (let bucket = 0; bucket < DIGEST_BUCKETS; bucket++) {
      const origins = differing[bucket]
      if (origins !== undefined) postSummaries(from, bucket, origins)
    }
    return 0
  }

  /** Reached origins of the buckets that differ, ascending. */
  #differingBuckets(): (Origin[] | undefined)[] {
    const differing: (Origin[] | undefined)[] = []
    for (let bucket = 0; bucket < DIGEST_BUCKETS; bucket++) {
      const at = 2 * bucket
      const isSame = this.#theirs[at] === this.#buckets[at] && this.#theirs[at + 1] === this.#buckets[at + 1]
      differing.push(isSame ? undefined : [])
    }
    for (const origin of this.#database.slots)
      if (origin !== null && isReached(origin)) differing[bucketOf(origin.id)]?.push(origin)
    for (const origins of differing) origins?.sort(byId)
    return differing
  }

  #receiveSummary(from: LinkNeighbour, bytes: Uint8Array, offset: number, nowMs: number): number {
    let ownSequence = 0
    const wanted: Uint8Array[] = []
    const named = new Set<Origin>()
    const count = bytes[offset + 3]!
    for (let i = 0; i < count; i++) {
      const at = offset + SUMMARY_FIELD.entries + i * SUMMARY_ENTRY_BYTES
      const sequence = readSequence(bytes, at + ID_BYTES)
      const origin = this.#database.find(bytes, at)
      if (idEquals(bytes, at, this.#nodeId)) ownSequence = sequence
      else if (origin === null || origin.sequence < sequence) wanted.push(bytes.slice(at, at + ID_BYTES))
      if (origin !== null && origin.sequence <= sequence) named.add(origin)
    }
    if (wanted.length > 0) from.post(encodeRequest(wanted))
    for (const origin of this.#inRange(bytes, offset))
      if (!named.has(origin) && !this.#push(from, origin, nowMs)) break
    return ownSequence
  }

  /** Reached origins from the first to the last id of a summary. */
  #inRange(bytes: Uint8Array, offset: number): Origin[] {
    const first = offset + SUMMARY_FIELD.first
    const last = offset + SUMMARY_FIELD.last
    return this.#database.slots.filter(
      (origin): origin is Origin =>
        origin !== null &&
        isReached(origin) &&
        compareBytes(origin.id, 0, bytes, first, ID_BYTES) >= 0 &&
        compareBytes(origin.id, 0, bytes, last, ID_BYTES) <= 0,
    )
  }

  #receiveRequest(from: LinkNeighbour, bytes: Uint8Array, offset: number, nowMs: number): number {
    const count = bytes[offset + 3]!
    for (let i = 0; i < count; i++) {
      const origin = this.#database.find(bytes, offset + REQUEST_FIELD.origins + i * ID_BYTES)
      if (origin !== null && !this.#push(from, origin, nowMs)) break
    }
    return 0
  }

  #push(to: LinkNeighbour, origin: Origin, nowMs: number): boolean {
    if (!to.syncRate.take(nowMs)) {
      this.stats.syncRateLimited++
      to.digestDueMs = Math.min(to.digestDueMs, nowMs + DIGEST_RETRY_MS)
      return false
    }
    this.stats.synchronized++
    to.post(origin.advertisement.bytes)
    return true
  }
}

function isReached(origin: Origin): boolean {
  return origin.unreachableSinceMs === Number.POSITIVE_INFINITY
}

function byId(a: Origin, b: Origin): number {
  return compareBytes(a.id, 0, b.id, 0, ID_BYTES)
}

/** All origins of a bucket, in summaries that follow each other without a gap. */
function postSummaries(to: LinkNeighbour, bucket: number, origins: readonly Origin[]): void {
  let first = new Uint8Array(ID_BYTES)
  first[0] = bucket << 2
  const end = new Uint8Array(ID_BYTES).fill(0xff)
  end[0] = (bucket << 2) | 3
  for (let at = 0; ; at += MAX_SUMMARY_ENTRIES - 1) {
    const entries = origins.slice(at, at + MAX_SUMMARY_ENTRIES)
    const isLast = at + MAX_SUMMARY_ENTRIES >= origins.length
    const last = isLast ? end : entries.at(-1)!.id
    to.post(encodeSummary(first, last, entries))
    if (isLast) return
    // The next one begins with the last entry of this one.
    first = last.slice()
  }
}
