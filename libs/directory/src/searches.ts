import type { Clock, Timer, VlanId } from '@wakunet/interface'
import { MAX_SEARCH_RESULTS } from './limits.ts'
import { type Listing, peekListing, readListing } from './listing.ts'
import type { ListingStore } from './listing-store.ts'
import type { DirectoryMessage } from './messages.ts'

/** Searches of this node that are under way; beyond it peers are not asked. */
const MAX_SEARCHES = 16

export interface SearchRequest {
  readonly query: string
  readonly limit: number
  readonly timeoutMs: number
  readonly peers: readonly string[]
}

interface Search {
  readonly found: Map<VlanId, Listing>
  /** Results that each peer may still send; a peer that is done is gone. */
  readonly open: Map<string, number>
  readonly end: () => void
}

export interface SearchesInit {
  readonly clock: Clock
  readonly store: ListingStore
  readonly send: (peer: string, message: DirectoryMessage) => boolean
}

/** What this node asks of its peers; each answers out of its own store, within a time. */
export class Searches {
  readonly #init: SearchesInit
  readonly #searches = new Map<number, Search>()
  #next = 0

  constructor(init: SearchesInit) {
    this.#init = init
  }

  /** What peers found; verified. Resolves when all have answered, or when the time is over. */
  run({ query, limit, timeoutMs, peers }: SearchRequest): Promise<Listing[]> {
    if (this.#searches.size >= MAX_SEARCHES) return Promise.resolve([])
    const id = this.#next++ % 0x1_0000_0000
    const ofEach = Math.min(limit, MAX_SEARCH_RESULTS)
    const asked = peers.filter((peer) => this.#init.send(peer, { type: 'search', id, query, limit: ofEach }))
    if (asked.length === 0) return Promise.resolve([])
    return new Promise((resolve) => {
      const found = new Map<VlanId, Listing>()
      let timer: Timer | null = null
      const end = (): void => {
        timer?.cancel()
        this.#searches.delete(id)
        resolve([...found.values()])
      }
      timer = this.#init.clock.setTimeout(end, timeoutMs)
      this.#searches.set(id, { found, open: new Map(asked.map((peer) => [peer, ofEach])), end })
    })
  }

  /** How many of `count` results the peer may send for a search; they are taken off. */
  allowed(id: number, peer: string, count: number): number {
    const open = this.#searches.get(id)?.open
    const left = open?.get(peer) ?? 0
    const allowed = Math.min(left, count)
    if (allowed > 0) open?.set(peer, left - allowed)
    return allowed
  }

  /** A result that has been offered to the store, which may have had no room for it. */
  found(id: number, encoded: Uint8Array): void {
    const search = this.#searches.get(id)
    if (search === undefined) return
    const claim = peekListing(encoded)
    // What the store has kept is found there; what it had no room for is verified for this search alone.
    if (claim === null || this.#init.store.get(claim.id) !== undefined) return
    const listing = readListing(encoded, this.#init.clock.wallMs())
    if (typeof listing !== 'string' && listing.vlan !== null) search.found.set(listing.id, listing)
  }

  done(id: number, peer: string): void {
    const search = this.#searches.get(id)
    if (search?.open.delete(peer) === true && search.open.size === 0) search.end()
  }

  /** A peer is gone: nobody waits for it. */
  forget(peer: string): void {
    for (const id of [...this.#searches.keys()]) this.done(id, peer)
  }

  stop(): void {
    for (const search of [...this.#searches.values()]) search.end()
  }
}
