import type { Clock, Timer } from '@wakunet/interface'
import { Intake, type IntakeItem } from './intake.ts'
import { type Listing, peekListing } from './listing.ts'
import { isTaken, type ListingSource, type ListingStore, type OfferOutcome } from './listing-store.ts'
import type { DirectoryMessage } from './messages.ts'
import { type ExchangeStats, PeerExchange } from './peer-exchange.ts'
import { searchListings } from './search.ts'
import { Searches } from './searches.ts'
import { Summary } from './summary.ts'

const TICK_MS = 500
/** A changed store is told of after this time, up to twice of it. */
const SUMMARY_SOON_MS = 500
/** And anyhow this often, up to twice of it: what was lost is found again. */
const SUMMARY_MS = 30_000
const PRUNE_MS = 60_000
/** Peers that one search is asked of. */
const MAX_ASKED_PEERS = 16

export interface ExchangeInit {
  readonly clock: Clock
  readonly store: ListingStore
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** False where nothing can be sent to the peer. */
  readonly send: (peer: string, message: DirectoryMessage) => boolean
  /** A peer breaks its limits, or passes forgeries on: its stream is to be closed. */
  readonly cutOff: (peer: string, why: string) => void
  /** The store has taken a listing in. */
  readonly onTaken: (listing: Listing) => void
}

/**
 * Keeps the published VLANs of this node equal to those of its peers (docs/protocols/directory.md): news goes from peer to peer at once, and
 * what was missed is found by digests. Pure and clocked from outside.
 */
export class DirectoryExchange {
  readonly #init: ExchangeInit
  readonly #summary: Summary
  readonly #intake: Intake
  readonly #searches: Searches
  readonly #peers = new Map<string, PeerExchange>()
  #timer: Timer | null = null
  #prunedAtMs: number
  readonly stats: ExchangeStats = {
    summariesSent: 0,
    listingsSent: 0,
    listingsReceived: 0,
    newsForwarded: 0,
    searchesAnswered: 0,
    unaskedDropped: 0,
    lineFull: 0,
    questionsDropped: 0,
    strayAnswers: 0,
    peersCutOff: 0,
  }

  constructor(init: ExchangeInit) {
    this.#init = init
    this.#summary = new Summary(init.store)
    this.#intake = new Intake(init.clock, (item) => this.#take(item))
    this.#searches = new Searches(init)
    this.#prunedAtMs = init.clock.monotonicMs()
  }

  get peers(): number {
    return this.#peers.size
  }

  get waiting(): number {
    return this.#intake.size
  }

  start(): void {
    this.#timer ??= this.#init.clock.setInterval(() => this.#tick(), TICK_MS)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#intake.stop()
    this.#searches.stop()
    this.#peers.clear()
  }

  /** A peer can be sent to. */
  up(source: ListingSource): void {
    const { clock, store, send } = this.#init
    const peer = new PeerExchange({
      source,
      store,
      summary: this.#summary,
      stats: this.stats,
      nowMs: clock.monotonicMs(),
      send: (message) => send(source.peer, message),
    })
    this.#peers.set(source.peer, peer)
    peer.sendSummary()
    this.#planSummary(peer, SUMMARY_MS)
  }

  down(peer: string): void {
    this.#peers.delete(peer)
    this.#intake.forget(peer)
    this.#searches.forget(peer)
  }

  /** What was saved; it is verified again, a little at a time. */
  restore(saved: readonly { readonly encoded: Uint8Array; readonly source: ListingSource | null }[]): void {
    this.#intake.restore(saved.map(({ encoded, source }) => ({ encoded, source, why: 'restored' })))
  }

  /** This node's own publication or withdrawal: stored and told to all peers. */
  publish(encoded: Uint8Array): OfferOutcome {
    const { store, clock } = this.#init
    const outcome = store.offer(encoded, null, clock.wallMs())
    if (isTaken(outcome)) this.#changed(encoded, 'news', null)
    return outcome
  }

  receive(from: string, message: DirectoryMessage): void {
    const peer = this.#peers.get(from)
    if (peer === undefined) return
    const now = this.#init.clock.monotonicMs()
    if (!peer.mayTalk(now)) {
      this.#cutOff(peer, 'it sends more messages than allowed')
      return
    }
    switch (message.type) {
      case 'summary':
        peer.compare(message.digests, now)
        return
      case 'inventory-request':
        peer.sendInventories(message.buckets, now)
        return
      case 'inventory':
        peer.receiveInventory(message.bucket, message.entries, now)
        return
      case 'listing-request':
        peer.sendListings(message.ids, now)
        return
      case 'listings':
        for (const encoded of message.items) this.#receiveListing(peer, encoded, now)
        return
      case 'search':
        this.#answerSearch(peer, message, now)
        return
      case 'results':
        this.#receiveResults(peer, message)
    }
  }

  /**
   * Published VLANs with all words of the query, the best first, from here and from peers.
   * @param timeoutMs how long to wait for peers; 0: none is asked
   */
  async search(query: string, limit: number, timeoutMs: number): Promise<Listing[]> {
    const peers = timeoutMs === 0 ? [] : this.#drawn([...this.#peers.keys()], MAX_ASKED_PEERS)
    const found = await this.#searches.run({ query, limit, timeoutMs, peers })
    const all = new Map(found.map((listing) => [listing.id, listing]))
    for (const listing of this.#init.store.all()) all.set(listing.id, listing)
    return searchListings(all.values(), query, limit)
  }

  #receiveListing(peer: PeerExchange, encoded: Uint8Array, now: number): void {
    const why = peer.why(now)
    if (why === null || this.#intake.push({ encoded, source: peer.source, why })) return
    this.stats.lineFull++
    peer.settle(peekListing(encoded), false)
  }

  /** A listing's turn has come. */
  #take(item: IntakeItem): void {
    const { store, clock } = this.#init
    const { encoded, source, why, search } = item
    const peer = source === null ? undefined : this.#peers.get(source.peer)
    if (encoded === null) {
      if (search !== undefined && source !== null) this.#searches.done(search, source.peer)
      return
    }
    const outcome = store.offer(encoded, source, clock.wallMs())
    const taken = isTaken(outcome)
    if (search !== undefined) this.#searches.found(search, encoded)
    peer?.settle(peekListing(encoded), !taken && outcome !== 'known')
    if (taken) this.#changed(encoded, why, source)
    if (peer === undefined || why === 'restored') return
    if ((outcome === 'forged' || outcome === 'malformed' || outcome === 'oversized') && peer.forged())
      this.#cutOff(peer, 'it passes on what nobody has signed')
    else peer.ask(clock.monotonicMs())
  }

  #changed(encoded: Uint8Array, why: IntakeItem['why'], source: ListingSource | null): void {
    const claim = peekListing(encoded)
    const listing = claim === null ? undefined : this.#init.store.get(claim.id)
    if (listing !== undefined && why !== 'restored') this.#init.onTaken(listing)
    for (const peer of this.#peers.values()) {
      this.#planSummary(peer, SUMMARY_SOON_MS)
      // What was asked for is old news to most: those who lack it find it by the digests.
      if (why !== 'news' || peer.source.peer === source?.peer) continue
      if (this.#init.send(peer.source.peer, { type: 'listings', items: [encoded] }))
        this.stats.newsForwarded++
    }
  }

  #answerSearch(
    peer: PeerExchange,
    { id, query, limit }: Extract<DirectoryMessage, { type: 'search' }>,
    now: number,
  ): void {
    if (!peer.maySearch(now)) return
    const { store, send } = this.#init
    const found = searchListings(store.all(), query, limit).map(({ encoded }) => encoded)
    const units = peer.packed(found, now)
    for (const items of units) send(peer.source.peer, { type: 'results', id, items, done: false })
    send(peer.source.peer, { type: 'results', id, items: [], done: true })
    this.stats.searchesAnswered++
  }

  #receiveResults(
    peer: PeerExchange,
    { id, items, done }: Extract<DirectoryMessage, { type: 'results' }>,
  ): void {
    const { source } = peer
    const mayCount = this.#searches.allowed(id, source.peer, items.length)
    if (mayCount < items.length) this.stats.strayAnswers += items.length - mayCount
    for (const encoded of items.slice(0, mayCount))
      if (!this.#intake.push({ encoded, source, why: 'result', search: id })) this.stats.lineFull++
    if (done && !this.#intake.push({ encoded: null, source, why: 'result', search: id }))
      this.#searches.done(id, source.peer)
  }

  #tick(): void {
    const now = this.#init.clock.monotonicMs()
    if (now - this.#prunedAtMs >= PRUNE_MS) {
      this.#prunedAtMs = now
      this.#init.store.prune(this.#init.clock.wallMs())
    }
    for (const peer of this.#peers.values()) {
      peer.tick(now)
      if (peer.summaryAtMs > now) continue
      peer.sendSummary()
      peer.summaryAtMs = Number.POSITIVE_INFINITY
      this.#planSummary(peer, SUMMARY_MS)
    }
  }

  /** Between once and twice the time from now, unless one is planned before. */
  #planSummary(peer: PeerExchange, afterMs: number): void {
    const at = this.#init.clock.monotonicMs() + afterMs * (1 + this.#init.random())
    const isPast = peer.summaryAtMs <= this.#init.clock.monotonicMs()
    peer.summaryAtMs = isPast ? at : Math.min(peer.summaryAtMs, at)
  }

  #cutOff(peer: PeerExchange, why: string): void {
    this.stats.peersCutOff++
    this.down(peer.source.peer)
    this.#init.cutOff(peer.source.peer, why)
  }

  #drawn(peers: string[], most: number): string[] {
    for (let i = 0; i < Math.min(most, peers.length); i++) {
      const j = i + Math.floor(this.#init.random() * (peers.length - i))
      ;[peers[i], peers[j]] = [peers[j]!, peers[i]!]
    }
    return peers.slice(0, most)
  }
}
