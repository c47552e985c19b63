import type { PeerInfo } from '@wakunet/bus'

export type PeerSource = PeerInfo['sources'][number]

/** Delay before the next attempt; half of it is chance. The last doubles up to the longest. */
const RETRY_MS = [200, 500, 1_000, 2_000, 4_000] as const
const LAST_RETRY_MS = 30_000
/** A peer whose trunk was up within this time is tried more often: whoever cuts a cable puts it back. */
const MISSED_FOR_MS = 600_000
const MISSED_RETRY_MS = 4_000
/** A peer that refuses on purpose is asked again, but rarely. */
const REFUSED_RETRY_MS = 30_000
const LAST_REFUSED_RETRY_MS = 600_000
/** Back within this time: it had not been away. */
const FALSE_ALARM_MS = 1_000
const FALSE_ALARMS_FOR_MS = 300_000
const MAX_EXTRA_INTERVALS = 6
/** A peer of hearsay is tried so often; after that the peer store says when it is its turn again. */
const HEARSAY_ATTEMPTS = 2
/** Sources that pass on what they were told, or tell no address. */
const HEARSAY: ReadonlySet<PeerSource> = new Set(['exchange', 'dht', 'stored', 'inbound'])
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
  /** Monotonic time at which it last had a trunk; null where it never had. */
  lastUpAtMs: number | null
  /** Losses by silence that were none: its trunk was back at once. The last of them, monotonic time. */
  falseAlarms: number
  falseAlarmAtMs: number
  /** Monotonic time at which its trunk was given up for silence; null where it is up again. */
  silentAtMs: number | null
  /** Monotonic time of the next attempt; null where none is planned. */
  retryAtMs: number | null
  /** Monotonic time until which hearing of it again plans no attempt. */
  restsUntilMs: number
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
  /** Peers being dialled by `dialNow`, and how often at once. */
  readonly #dialledNow = new Map<string, number>()
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
    if (
      source !== 'inbound' &&
      peer.retryAtMs === null &&
      peer.state === 'backoff' &&
      peer.restsUntilMs <= nowMs
    )
      peer.retryAtMs = nowMs
    // It dials us: it is there again.
    if (source === 'inbound') peer.failures = 0
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

  /** Dials a peer for a trunk, whether or not the next attempt has its time. */
  async dialNow<T>(peerId: string, dial: () => Promise<T>): Promise<T> {
    this.#dialledNow.set(peerId, (this.#dialledNow.get(peerId) ?? 0) + 1)
    try {
      return await dial()
    } finally {
      const left = (this.#dialledNow.get(peerId) ?? 1) - 1
      if (left > 0) this.#dialledNow.set(peerId, left)
      else this.#dialledNow.delete(peerId)
    }
  }

  /** True where the last attempt failed and the next has its time: nobody else is to dial the peer. */
  waits(peerId: string): boolean {
    if (this.#dialledNow.has(peerId)) return false
    const peer = this.#byPeerId.get(peerId)
    return peer !== undefined && peer.state === 'backoff' && peer.failures > 0 && peer.retryAtMs !== null
  }

  connecting(peer: KnownPeer): void {
    peer.state = 'connecting'
    peer.retryAtMs = null
  }

  connected(peer: KnownPeer, nowMs: number): void {
    peer.state = 'connected'
    if (peer.silentAtMs !== null && nowMs - peer.silentAtMs < FALSE_ALARM_MS) {
      peer.falseAlarms++
      peer.falseAlarmAtMs = nowMs
    }
    peer.silentAtMs = null
    peer.lastUpAtMs = nowMs
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
    const missed = peer.lastUpAtMs !== null && nowMs - peer.lastUpAtMs < MISSED_FOR_MS
    const given = isHearsay(peer) && !missed && peer.failures + 1 >= HEARSAY_ATTEMPTS
    if (peer.addresses.length === 0 || given || (refused && isHearsay(peer))) {
      peer.state = 'backoff'
      peer.failures = 0
      peer.retryAtMs = null
      return
    }
    // The first failure of a peer that was up is the loss of its trunk.
    if (peer.failures === 0 && peer.lastUpAtMs !== null) peer.lastUpAtMs = nowMs
    const ceiling = refused ? refusedRetryMs(peer) : retryMs(peer, nowMs)
    peer.failures = Math.min(peer.failures + 1, 16)
    peer.retryAtMs = nowMs + ceiling / 2 + (this.#random() * ceiling) / 2
  }

  /** Its trunk ended because nobody needed it: nothing is planned, nor will be until then. */
  rest(peer: KnownPeer, reason: string, untilMs = 0): void {
    peer.state = 'backoff'
    peer.lastError = reason.slice(0, 512)
    peer.retryAtMs = null
    peer.restsUntilMs = untilMs
  }

  /** The network of this host has changed: what failed may work now. */
  retryAll(nowMs: number): void {
    for (const peer of this.all()) {
      if (peer.state !== 'backoff' || peer.retryAtMs === null) continue
      peer.failures = Math.min(peer.failures, 1)
      peer.retryAtMs = nowMs
    }
  }

  /** The peer's trunk was given up because nothing came. */
  fellSilent(peer: KnownPeer, nowMs: number): void {
    peer.silentAtMs = nowMs
  }

  /**
   * Intervals that quick detection waits longer for a peer which was given up and back at once more than once, as one on a radio
   * network may be.
   */
  extraIntervals(peer: KnownPeer | undefined, nowMs: number): number {
    if (peer === undefined) return 0
    if (nowMs - peer.falseAlarmAtMs > FALSE_ALARMS_FOR_MS) peer.falseAlarms = 0
    return Math.min(MAX_EXTRA_INTERVALS, 2 * Math.max(0, peer.falseAlarms - 1))
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

function retryMs({ failures, lastUpAtMs }: KnownPeer, nowMs: number): number {
  const delayMs = RETRY_MS[failures] ?? RETRY_MS.at(-1)! * 2 ** (failures - RETRY_MS.length + 1)
  const missed = lastUpAtMs !== null && nowMs - lastUpAtMs < MISSED_FOR_MS
  return Math.min(delayMs, missed ? MISSED_RETRY_MS : LAST_RETRY_MS)
}

/** One that nobody configured is asked less and less often. */
function refusedRetryMs({ failures, sources }: KnownPeer): number {
  if (sources.has('bootstrap')) return REFUSED_RETRY_MS
  return Math.min(LAST_REFUSED_RETRY_MS, REFUSED_RETRY_MS * 2 ** failures)
}

function isHearsay({ sources }: KnownPeer): boolean {
  for (const source of sources) if (!HEARSAY.has(source)) return false
  return true
}

function newPeer(peerId: string | null): KnownPeer {
  return {
    peerId,
    sources: new Set(),
    addresses: [],
    state: 'backoff',
    lastError: null,
    failures: 0,
    lastUpAtMs: null,
    falseAlarms: 0,
    falseAlarmAtMs: 0,
    silentAtMs: null,
    retryAtMs: null,
    restsUntilMs: 0,
  }
}

function noteAddress(peer: KnownPeer, address: string): void {
  const at = peer.addresses.indexOf(address)
  if (at >= 0) peer.addresses.splice(at, 1)
  peer.addresses.unshift(address)
  peer.addresses.length = Math.min(peer.addresses.length, MAX_ADDRESSES)
}
