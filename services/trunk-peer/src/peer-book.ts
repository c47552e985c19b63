import type { PeerInfo } from '@wakunet/bus'

export type PeerSource = PeerInfo['sources'][number]

/** Delay before the next attempt, doubling from first to last; half of it is chance. */
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 30_000
/** A peer that refuses on purpose is asked again, but rarely. */
const REFUSED_RETRY_MS = 30_000
const MAX_PEERS = 4_096
const MAX_ADDRESSES = 16

/** What is known of one peer. */
export interface KnownPeer {
  /** Null for a bootstrap address whose peer id is not known yet. */
  peerId: string | null
  readonly sources: Set<PeerSource>
  /** Multiaddrs to dial, newest first. */
  readonly addresses: string[]
  state: PeerInfo['state']
  lastError: string | null
  failures: number
  /** Monotonic time of the next attempt; null where none is planned. */
  retryAtMs: number | null
}

/**
 * Every peer that this node has heard of, and when to dial it again. Bounded: when full, unconnected peers
 * that no configuration names make room; otherwise newcomers are turned away and counted.
 */
export class PeerBook {
  readonly #random: () => number
  readonly #byPeerId = new Map<string, KnownPeer>()
  /** Bootstrap addresses without a peer id, until they answer. */
  readonly #anonymous = new Map<string, KnownPeer>()
  turnedAway = 0

  /** @param random uniform in [0, 1) */
  constructor(random: () => number) {
    this.#random = random
  }

  get size(): number {
    return this.#byPeerId.size + this.#anonymous.size
  }

  get(peerId: string): KnownPeer | undefined {
    return this.#byPeerId.get(peerId)
  }

  *all(): Generator<KnownPeer> {
    yield* this.#byPeerId.values()
    yield* this.#anonymous.values()
  }

  /** Notes a peer heard of; a known one gains the address and the source. @returns null where the book is full */
  learn(peerId: string, address: string | null, source: PeerSource, nowMs: number): KnownPeer | null {
    const peer = this.#byPeerId.get(peerId) ?? this.#add(peerId)
    if (peer === null) return null
    peer.sources.add(source)
    if (address !== null) noteAddress(peer, address)
    // An inbound peer's address is that of its socket, which nobody listens on.
    if (source !== 'inbound' && peer.retryAtMs === null && peer.state === 'backoff') peer.retryAtMs = nowMs
    return peer
  }

  /** Notes a configured address that does not name its peer. */
  learnAnonymous(address: string, nowMs: number): void {
    this.#anonymous.set(address, {
      ...newPeer(null),
      sources: new Set<PeerSource>(['bootstrap']),
      addresses: [address],
      retryAtMs: nowMs,
    })
  }

  /** A configured address has answered: from now on it is that peer. */
  identify(anonymous: KnownPeer, peerId: string, nowMs: number): KnownPeer | null {
    const address = anonymous.addresses[0]
    if (address !== undefined) this.#anonymous.delete(address)
    return this.learn(peerId, address ?? null, 'bootstrap', nowMs)
  }

  /** Forgets an address that turned out to be this node itself. */
  forgetAnonymous(peer: KnownPeer): void {
    for (const address of peer.addresses) this.#anonymous.delete(address)
  }

  /** Peers to dial now. */
  due(nowMs: number): KnownPeer[] {
    return [...this.all()].filter(
      (peer) => peer.state === 'backoff' && peer.retryAtMs !== null && peer.retryAtMs <= nowMs,
    )
  }

  connecting(peer: KnownPeer): void {
    peer.state = 'connecting'
    peer.retryAtMs = null
  }

  connected(peer: KnownPeer): void {
    peer.state = 'connected'
    peer.failures = 0
    peer.lastError = null
    peer.retryAtMs = null
  }

  /**
   * A trunk ended or an attempt failed: plans the next one, with exponential backoff and jitter, where there
   * is an address to dial.
   */
  failed(peer: KnownPeer, error: string, nowMs: number, refused = false): void {
    peer.state = refused ? 'refused' : 'backoff'
    peer.lastError = error.slice(0, 512)
    if (peer.addresses.length === 0) {
      peer.retryAtMs = null
      return
    }
    const ceiling = refused ? REFUSED_RETRY_MS : Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** peer.failures)
    peer.failures = Math.min(peer.failures + 1, 16)
    peer.retryAtMs = nowMs + ceiling / 2 + (this.#random() * ceiling) / 2
    if (refused) peer.state = 'refused'
  }

  /** Peers that refused may be tried again when their time has come. */
  reviveRefused(nowMs: number): void {
    for (const peer of this.all()) {
      if (peer.state === 'refused' && peer.retryAtMs !== null && peer.retryAtMs <= nowMs)
        peer.state = 'backoff'
    }
  }

  #add(peerId: string): KnownPeer | null {
    if (this.size >= MAX_PEERS && !this.#makeRoom()) {
      this.turnedAway++
      return null
    }
    const peer = newPeer(peerId)
    this.#byPeerId.set(peerId, peer)
    return peer
  }

  #makeRoom(): boolean {
    for (const [peerId, peer] of this.#byPeerId) {
      if (peer.state === 'backoff' && !peer.sources.has('bootstrap')) return this.#byPeerId.delete(peerId)
    }
    return false
  }
}

function newPeer(peerId: string | null): KnownPeer {
  return {
    peerId,
    sources: new Set(),
    addresses: [],
    state: 'backoff',
    lastError: null,
    failures: 0,
    retryAtMs: null,
  }
}

function noteAddress(peer: KnownPeer, address: string): void {
  const at = peer.addresses.indexOf(address)
  if (at >= 0) peer.addresses.splice(at, 1)
  peer.addresses.unshift(address)
  peer.addresses.length = Math.min(peer.addresses.length, MAX_ADDRESSES)
}
