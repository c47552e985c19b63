import { TokenBucket } from '@wakunet/gossip'
import { vlanIdFromBytes, vlanIdToBytes } from '@wakunet/identity'
import type { VlanId } from '@wakunet/interface'
import {
  ANSWER_BYTES,
  BUCKETS,
  INVENTORIES,
  MAX_REQUESTED_IDS,
  MESSAGES,
  NEWS,
  type Rate,
  SEARCHES,
  UNIT_LISTING_BYTES,
} from './limits.ts'
import type { ListingClaim } from './listing.ts'
import type { ListingSource, ListingStore } from './listing-store.ts'
import type { DirectoryMessage } from './messages.ts'
import { digestOf, inventoryOf, readInventory, type Summary } from './summary.ts'

const ID_BYTES = 16
/** Claims of a peer that wait to be asked for, or that were refused. */
const MAX_CLAIMS = 4_096
/** What was asked for and did not come within this time is asked for again with the next summary. */
const ANSWER_MS = 10_000
/** What was refused for want of room may find some later. */
const REFUSED_FOR_MS = 600_000
/** Listings that no honest node passes on, since it verifies them: beyond these the peer is cut off. */
const MAX_FORGERIES = 16

/** Counted over all peers. */
export interface ExchangeStats {
  summariesSent: number
  listingsSent: number
  listingsReceived: number
  newsForwarded: number
  searchesAnswered: number
  /** Listings that came unasked, over the rate of their peer. */
  unaskedDropped: number
  /** Listings for which there was no room in the line. */
  lineFull: number
  /** Questions over the rate of their peer. */
  questionsDropped: number
  /** Answers to no question. */
  strayAnswers: number
  peersCutOff: number
}

export interface PeerExchangeInit {
  readonly source: ListingSource
  readonly store: ListingStore
  readonly summary: Summary
  readonly stats: ExchangeStats
  readonly nowMs: number
  /** False where nothing can be sent to the peer. */
  readonly send: (message: DirectoryMessage) => boolean
}

/**
 * What this node and one peer exchange. Each side asks for what it lacks: nobody is sent more than it asked for, except for news. Everything is
 * bounded, and a peer that is slow, silent or lies costs itself alone.
 */
export class PeerExchange {
  readonly source: ListingSource
  readonly #init: PeerExchangeInit
  readonly #messages: TokenBucket
  readonly #news: TokenBucket
  readonly #inventories: TokenBucket
  readonly #searches: TokenBucket
  readonly #answerBytes: TokenBucket
  /** Newer than what is here, by what the peer has told. */
  readonly #wanted = new Map<VlanId, ListingClaim>()
  readonly #asked = new Set<VlanId>()
  #askedAtMs = 0
  /** Listings that may still come as answers. */
  #credit = 0
  /** The highest order of each id that was refused. */
  readonly #refused = new Map<VlanId, number>()
  #refusedSinceMs: number
  /** Both sides' digests of each bucket when it was last looked into. */
  readonly #settled: string[] = new Array(BUCKETS).fill('')
  readonly #openBuckets = new Set<number>()
  #bucketsAtMs = 0
  /** A summary that came while an earlier one was looked into. */
  #next: Uint8Array | null = null
  #forgeries = 0
  /** Monotonic time at which the next summary is sent. */
  summaryAtMs: number

  constructor(init: PeerExchangeInit) {
    const { nowMs } = init
    const bucket = ({ burst, perSecond }: Rate) => new TokenBucket(burst, perSecond, nowMs)
    this.#init = init
    this.source = init.source
    this.#messages = bucket(MESSAGES)
    this.#news = bucket(NEWS)
    this.#inventories = bucket(INVENTORIES)
    this.#searches = bucket(SEARCHES)
    this.#answerBytes = bucket(ANSWER_BYTES)
    this.#refusedSinceMs = nowMs
    this.summaryAtMs = nowMs
  }

  /** Whether the peer keeps to its rate; every message counts. */
  mayTalk(nowMs: number): boolean {
    return this.#messages.take(nowMs)
  }

  maySearch(nowMs: number): boolean {
    if (this.#searches.take(nowMs)) return true
    this.#init.stats.questionsDropped++
    return false
  }

  sendSummary(): void {
    if (this.#init.send({ type: 'summary', digests: this.#init.summary.digests.slice() }))
      this.#init.stats.summariesSent++
  }

  /** The peer's summary: asks for the inventory of buckets that differ, unless nothing has changed since they were looked into. */
  compare(theirs: Uint8Array, nowMs: number): void {
    this.#next = null
    if (this.#openBuckets.size + this.#asked.size > 0) {
      // One thing after the other: while much is new, every summary differs from the one before.
      this.#next = Uint8Array.from(theirs)
      return
    }
    const ours = this.#init.summary.digests
    const buckets: number[] = []
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const [one, other] = [digestOf(theirs, bucket), digestOf(ours, bucket)]
      if (one === other || this.#settled[bucket] === one + other) continue
      this.#settled[bucket] = one + other
      // They have nothing: it is they who ask.
      if (/[^0]/.test(one)) buckets.push(bucket)
    }
    if (buckets.length === 0) return
    for (const bucket of buckets) this.#openBuckets.add(bucket)
    this.#bucketsAtMs = nowMs
    this.#init.send({ type: 'inventory-request', buckets })
  }

  sendInventories(buckets: readonly number[], nowMs: number): void {
    for (const bucket of new Set(buckets)) {
      if (!this.#inventories.take(nowMs)) {
        this.#init.stats.questionsDropped++
        return
      }
      this.#init.send({ type: 'inventory', bucket, entries: inventoryOf(this.#init.store, bucket) })
    }
  }

  receiveInventory(bucket: number, entries: Uint8Array, nowMs: number): void {
    if (!this.#openBuckets.delete(bucket)) {
      this.#init.stats.strayAnswers++
      return
    }
    for (const claim of readInventory(entries)) {
      if (this.#wanted.size >= MAX_CLAIMS) break
      if (this.#isWanted(claim)) this.#wanted.set(claim.id, claim)
    }
    this.ask(nowMs)
  }

  /** Asks for the next of what is wanted, when what was asked for has come. */
  ask(nowMs: number): void {
    if (this.#asked.size > 0) return
    for (const [id, claim] of this.#wanted) {
      if (this.#asked.size >= MAX_REQUESTED_IDS) break
      this.#wanted.delete(id)
      if (this.#isWanted(claim)) this.#asked.add(id)
    }
    if (this.#asked.size === 0) {
      if (this.#next !== null && this.#openBuckets.size === 0) this.compare(this.#next, nowMs)
      return
    }
    const ids = new Uint8Array(this.#asked.size * ID_BYTES)
    for (const [i, id] of [...this.#asked].entries()) ids.set(vlanIdToBytes(id), i * ID_BYTES)
    this.#askedAtMs = nowMs
    this.#credit = this.#asked.size
    this.#init.send({ type: 'listing-request', ids })
  }

  /** Sends the listings that the peer asks for, within what it may draw. */
  sendListings(ids: Uint8Array, nowMs: number): void {
    const wanted: Uint8Array[] = []
    for (let at = 0; at < ids.length; at += ID_BYTES) {
      const listing = this.#init.store.get(vlanIdFromBytes(ids.subarray(at, at + ID_BYTES)))
      if (listing !== undefined) wanted.push(listing.encoded)
    }
    for (const items of this.packed(wanted, nowMs)) this.#init.send({ type: 'listings', items })
  }

  /** Listings in lists that fit a unit each; those over what the peer may draw are left out and counted. */
  packed(listings: readonly Uint8Array[], nowMs: number): Uint8Array[][] {
    const units: Uint8Array[][] = []
    let room = 0
    for (const encoded of listings) {
      if (!this.#answerBytes.take(nowMs, encoded.length)) {
        this.#init.stats.questionsDropped++
        break
      }
      if (encoded.length > room) {
        units.push([])
        room = UNIT_LISTING_BYTES
      }
      units.at(-1)!.push(encoded)
      room -= encoded.length + 3
      this.#init.stats.listingsSent++
    }
    return units
  }

  /** Whether a listing that came was asked for, or is news that the peer may tell; null where it is neither. */
  why(nowMs: number): 'answer' | 'news' | null {
    this.#init.stats.listingsReceived++
    if (this.#credit > 0) {
      this.#credit--
      return 'answer'
    }
    if (this.#news.take(nowMs)) return 'news'
    this.#init.stats.unaskedDropped++
    return null
  }

  /** A listing of the peer's has been looked at, or found no room. */
  settle(claim: ListingClaim | null, isRefused: boolean): void {
    if (claim === null) return
    this.#asked.delete(claim.id)
    if (isRefused && this.#refused.size < MAX_CLAIMS) this.#refused.set(claim.id, orderOf(claim))
  }

  /** @returns true where the peer is to be cut off */
  forged(): boolean {
    return ++this.#forgeries > MAX_FORGERIES
  }

  tick(nowMs: number): void {
    if (this.#openBuckets.size > 0 && nowMs - this.#bucketsAtMs > ANSWER_MS) {
      this.#lookAgain()
      this.ask(nowMs)
    }
    if (this.#asked.size > 0 && nowMs - this.#askedAtMs > ANSWER_MS) {
      this.#asked.clear()
      this.#credit = 0
      this.#lookAgain()
      this.ask(nowMs)
    }
    if (nowMs - this.#refusedSinceMs < REFUSED_FOR_MS) return
    this.#refusedSinceMs = nowMs
    this.#refused.clear()
    this.#lookAgain()
  }

  #lookAgain(): void {
    this.#openBuckets.clear()
    this.#settled.fill('')
  }

  #isWanted(claim: ListingClaim): boolean {
    if (orderOf(claim) <= (this.#refused.get(claim.id) ?? 0)) return false
    return !this.#asked.has(claim.id) && this.#init.store.isNews(claim)
  }
}

/** A number for comparison; sequences have 53 bits, and nobody gets near them by counting. */
function orderOf({ sequence, isWithdrawal }: ListingClaim): number {
  return sequence * 2 + (isWithdrawal ? 1 : 0)
}
