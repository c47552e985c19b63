import type { Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Ping } from '@libp2p/ping'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock, Logger } from '@wakunet/interface'
import type { KnownPeer } from '@wakunet/peers'
import type { PeerMemory } from './peer-memory.ts'

/** A peer that answered, or was tried, within this is left alone. */
const FRESH_MS = 600_000
/** Peers are looked at in batches: a radio or a disk that sleeps is woken once. */
const BATCH_EVERY_MS = 15_000
const TIMEOUT_MS = 5_000

export interface HeartbeatsInit {
  readonly host: Libp2p
  readonly peers: PeerMemory
  /** Checks in a minute at the most; 0: none. One costs about 3 KiB and one handshake at each end. */
  readonly perMinute: number
  readonly dialable: (claimed: readonly string[]) => string[]
  /** True for a peer that a trunk, or the dialler, takes care of. */
  readonly isCaredFor: (peerId: string) => boolean
  readonly clock: Clock
  readonly logger: Logger
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** Monotonic counters. */
export interface HeartbeatStats {
  checked: number
  answered: number
}

/**
 * Looks whether peers without a trunk are there still: one connection each, whose handshake proves the peer's key, and a ping. What comes
 * of it decides whom the store keeps, whom it dials next and whom it tells others of. All that are known have their turn within the budget.
 */
export class Heartbeats {
  readonly #init: HeartbeatsInit
  #nextAtMs: number
  #stopping = new AbortController()
  readonly stats: HeartbeatStats = { checked: 0, answered: 0 }

  constructor(init: HeartbeatsInit) {
    this.#init = init
    this.#nextAtMs = init.clock.monotonicMs() + this.#pause()
  }

  stop(): void {
    this.#stopping.abort(new Error('stopping'))
  }

  /** Call it about once a second. */
  tick(): void {
    const { clock, peers, perMinute, isCaredFor } = this.#init
    const now = clock.monotonicMs()
    if (perMinute === 0 || now < this.#nextAtMs) return
    this.#nextAtMs = now + this.#pause()
    const batch = Math.max(1, Math.floor((perMinute * BATCH_EVERY_MS) / 60_000))
    const wall = clock.wallMs()
    const due = peers.store.stalest(wall, wall - FRESH_MS, peers.store.size)
    for (const peer of due.filter(({ peerId }) => !isCaredFor(peerId)).slice(0, batch)) void this.#check(peer)
  }

  async #check({ peerId, addresses }: KnownPeer): Promise<void> {
    const { host, peers, dialable, logger } = this.#init
    this.stats.checked++
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(TIMEOUT_MS)])
    try {
      const targets = dialable(addresses).map((address) => multiaddr(withPeerId(address, peerId)))
      if (targets.length === 0) throw new Error('no address that may be dialled from here')
      const connection = await host.dial(targets, { signal })
      const { ping } = host.services as { ping: Ping }
      const rttMs = await ping.ping(peerIdFromString(peerId), { signal })
      this.stats.answered++
      const address = connection.remoteAddr.toString().replace(`/p2p/${peerId}`, '')
      peers.answered(peerId, { address, rttMs })
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      logger.debug('a known peer does not answer', { peer: peerId, error })
      peers.failed(peerId)
    }
  }

  /** By chance, so that nodes that started together do not knock together. */
  #pause(): number {
    const every = Math.max(BATCH_EVERY_MS, 60_000 / Math.max(1, this.#init.perMinute))
    return every * (0.5 + this.#init.random())
  }
}

function withPeerId(address: string, peerId: string): string {
  return address.includes('/p2p/') ? address : `${address}/p2p/${peerId}`
}
