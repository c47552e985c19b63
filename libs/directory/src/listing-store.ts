import { MAX_VLAN_RECORD_BYTES } from '@wakunet/identity'
import type { VlanId } from '@wakunet/interface'
import { BUCKETS, MAX_INVENTORY_ENTRIES } from './limits.ts'
import { type Listing, type ListingClaim, outranks, peekListing, readListing } from './listing.ts'
import { bucketOf } from './summary.ts'

/** Whom a listing was first heard of: the peer, and the network (a /24 or /48) that it is reached in. */
export interface ListingSource {
  readonly peer: string
  readonly network: string
}

export interface StoreLimits {
  readonly entries: number
  readonly bytes: number
  /** Shares that one peer, and all peers of one network, may fill. */
  readonly peerShare: number
  readonly networkShare: number
}

export const STORE_LIMITS: StoreLimits = {
  entries: 4_096,
  bytes: 32 * 1_048_576,
  peerShare: 0.25,
  networkShare: 0.5,
}

export const OFFER_OUTCOMES = [
  'added',
  'renewed',
  'withdrawn',
  'known',
  'oversized',
  'malformed',
  'replayed',
  'forged',
  'expired',
  'unpublished',
  'peerQuota',
  'networkQuota',
  'full',
] as const
export type OfferOutcome = (typeof OFFER_OUTCOMES)[number]
const TAKEN: ReadonlySet<OfferOutcome> = new Set(['added', 'renewed', 'withdrawn'])

/** Whether the store has changed by an offer. */
export const isTaken = (outcome: OfferOutcome): boolean => TAKEN.has(outcome)

export interface ListingStoreInit {
  /** VLANs that this node made or joined: never evicted, outside all quotas. */
  readonly isPinned: (id: VlanId) => boolean
  readonly limits?: StoreLimits
  /** A test hands in one that leaves out a check, to show what the check is for. */
  readonly read?: typeof readListing
}

interface Entry {
  readonly listing: Listing
  /** Null: this node's own. */
  readonly source: ListingSource | null
}

interface Usage {
  entries: number
  bytes: number
}

/**
 * The published VLANs that this node has heard of: one listing each, verified, the newest. Bounded in number and bytes; one peer, and one
 * network, can fill a share alone, and when all is full the largest network gives way to smaller ones.
 */
export class ListingStore {
  readonly #init: ListingStoreInit
  readonly #limits: StoreLimits
  readonly #read: typeof readListing
  readonly #entries = new Map<VlanId, Entry>()
  readonly #buckets = Array.from({ length: BUCKETS }, () => new Set<VlanId>())
  readonly #bucketVersions = new Array<number>(BUCKETS).fill(0)
  readonly #peers = new Map<string, Usage>()
  readonly #networks = new Map<string, Usage>()
  #bytes = 0
  /** Grows with every change. */
  version = 0
  evicted = 0
  ended = 0
  readonly outcomes = Object.fromEntries(OFFER_OUTCOMES.map((outcome) => [outcome, 0])) as Record<
    OfferOutcome,
    number
  >

  constructor(init: ListingStoreInit) {
    this.#init = init
    this.#limits = init.limits ?? STORE_LIMITS
    this.#read = init.read ?? readListing
  }

  get size(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(id: VlanId): Listing | undefined {
    return this.#entries.get(id)?.listing
  }

  sourceOf(id: VlanId): ListingSource | null {
    return this.#entries.get(id)?.source ?? null
  }

  *all(): Generator<Listing> {
    for (const { listing } of this.#entries.values()) yield listing
  }

  /** Grows with every change of a bucket. */
  versionOf(bucket: number): number {
    return this.#bucketVersions[bucket]!
  }

  /** Ids of one bucket, in no order. */
  idsOf(bucket: number): ReadonlySet<VlanId> {
    return this.#buckets[bucket]!
  }

  /** Whether a claim would be newer than what is here. */
  isNews(claim: ListingClaim): boolean {
    const known = this.#entries.get(claim.id)?.listing
    return known === undefined || outranks(claim, known)
  }

  /**
   * Takes a listing in, or says why not; counted either way.
   * @param source null: it is this node's own
   * @param nowMs Unix milliseconds
   */
  offer(encoded: Uint8Array, source: ListingSource | null, nowMs: number): OfferOutcome {
    const outcome = this.#offer(encoded, source, nowMs)
    this.outcomes[outcome]++
    return outcome
  }

  /** Forgets what has ended. @returns how many */
  prune(nowMs: number): number {
    const before = this.#entries.size
    for (const { listing } of this.#entries.values()) if (listing.untilMs <= nowMs) this.#remove(listing.id)
    this.ended += before - this.#entries.size
    return before - this.#entries.size
  }

  #offer(encoded: Uint8Array, source: ListingSource | null, nowMs: number): OfferOutcome {
    if (encoded.length > MAX_VLAN_RECORD_BYTES) return 'oversized'
    // Cheap questions first: the same listing comes from every peer, and a signature costs as much as a thousand of these.
    const claim = peekListing(encoded)
    if (claim === null) return 'malformed'
    const known = this.#entries.get(claim.id)
    if (known !== undefined && !outranks(claim, known.listing))
      return isSame(known.listing, claim) ? 'known' : 'replayed'
    const listing = this.#read(encoded, nowMs)
    if (typeof listing === 'string') return listing
    if (known === undefined) {
      const refusal = this.#makeRoom(listing, source)
      if (refusal !== null) return refusal
    } else this.#remove(listing.id)
    this.#add({ listing, source: known?.source ?? source })
    if (listing.vlan === null) return 'withdrawn'
    return known === undefined ? 'added' : 'renewed'
  }

  /** @returns null where there is room now */
  #makeRoom({ id, encoded }: Listing, source: ListingSource | null): OfferOutcome | null {
    if (source === null || this.#init.isPinned(id)) return null
    if (this.#isOver(this.#peers.get(source.peer), encoded.length, this.#limits.peerShare)) return 'peerQuota'
    if (this.#isOver(this.#networks.get(source.network), encoded.length, this.#limits.networkShare))
      return 'networkQuota'
    if (this.#buckets[bucketOf(id)]!.size >= MAX_INVENTORY_ENTRIES) return 'full'
    while (this.#entries.size >= this.#limits.entries || this.#bytes + encoded.length > this.#limits.bytes)
      if (!this.#evictFor(source)) return 'full'
    return null
  }

  #isOver(usage: Usage | undefined, bytes: number, share: number): boolean {
    const { entries, bytes: used } = usage ?? { entries: 0, bytes: 0 }
    return entries + 1 > this.#limits.entries * share || used + bytes > this.#limits.bytes * share
  }

  /** What ends first of the largest peer of the largest network gives way, to a smaller network alone. */
  #evictFor({ network }: ListingSource): boolean {
    const largest = largestOf(this.#networks)
    if (largest === null || largest === network) return false
    if ((this.#networks.get(network)?.bytes ?? 0) >= (this.#networks.get(largest)?.bytes ?? 0)) return false
    let victim: Entry | null = null
    for (const entry of this.#entries.values()) {
      if (entry.source?.network !== largest || this.#init.isPinned(entry.listing.id)) continue
      if (victim === null || entry.listing.untilMs < victim.listing.untilMs) victim = entry
    }
    if (victim === null) return false
    this.#remove(victim.listing.id)
    this.evicted++
    return true
  }

  #add(entry: Entry): void {
    const { listing, source } = entry
    this.#entries.set(listing.id, entry)
    this.#buckets[bucketOf(listing.id)]!.add(listing.id)
    this.#count(listing, source, 1)
  }

  #remove(id: VlanId): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    this.#entries.delete(id)
    this.#buckets[bucketOf(id)]!.delete(id)
    this.#count(entry.listing, entry.source, -1)
  }

  #count({ id, encoded }: Listing, source: ListingSource | null, entries: 1 | -1): void {
    const bytes = entries * encoded.length
    this.version++
    this.#bucketVersions[bucketOf(id)]!++
    this.#bytes += bytes
    if (source === null) return
    countIn(this.#peers, source.peer, entries, bytes)
    countIn(this.#networks, source.network, entries, bytes)
  }
}

function isSame(known: Listing, claim: ListingClaim): boolean {
  return known.sequence === claim.sequence && (known.vlan === null) === claim.isWithdrawal
}

function countIn(usages: Map<string, Usage>, key: string, entries: number, bytes: number): void {
  const usage = usages.get(key) ?? { entries: 0, bytes: 0 }
  usage.entries += entries
  usage.bytes += bytes
  if (usage.entries === 0) usages.delete(key)
  else usages.set(key, usage)
}

function largestOf(usages: ReadonlyMap<string, Usage>): string | null {
  let largest: string | null = null
  let most = -1
  for (const [key, { bytes }] of usages) if (bytes > most) [largest, most] = [key, bytes]
  return largest
}
