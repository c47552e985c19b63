import type { Connection, Libp2p, PeerUpdate } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock, Logger, NodeId } from '@wakunet/interface'
import type { Trunk } from '../trunk.ts'
import type { Trunks } from '../trunks.ts'

/** After a relayed trunk came up: identify has told the peer's addresses by then. */
const FIRST_AFTER_MS = 500
const RETRY_MS = [3_000, 10_000, 30_000, 120_000] as const
const LAST_RETRY_MS = 300_000
const MAX_AT_A_TIME = 4
const DIAL_TIMEOUT_MS = 4_000

export interface DirectUpgradesInit {
  readonly host: Libp2p
  readonly trunks: Trunks
  readonly clock: Clock
  readonly logger: Logger
  /** Those of a peer's addresses that may be dialled. */
  readonly dialable: (claimed: readonly string[]) => string[]
  /** A direct connection stands: a trunk shall run over it. @throws where it cannot */
  readonly adopt: (connection: Connection, nodeId: NodeId) => void
}

/** Monotonic counters. */
export interface DirectUpgradesStats {
  tried: number
  upgraded: number
}

interface Attempts {
  count: number
  nextAtMs: number
  isRunning: boolean
  lastError: string | null
}

/** Dials peers whose trunk runs over a relay at their own addresses, from time to time, and at once where the network has changed. */
export class DirectUpgrades {
  readonly #init: DirectUpgradesInit
  readonly #attempts = new WeakMap<Trunk, Attempts>()
  readonly #stopping = new AbortController()
  readonly #onPeer = ({ detail }: CustomEvent<PeerUpdate>): void => this.#told(detail)
  #running = 0
  readonly stats: DirectUpgradesStats = { tried: 0, upgraded: 0 }

  constructor(init: DirectUpgradesInit) {
    this.#init = init
  }

  start(): void {
    this.#init.host.addEventListener('peer:update', this.#onPeer)
  }

  stop(): void {
    this.#init.host.removeEventListener('peer:update', this.#onPeer)
    this.#stopping.abort(new Error('stopping'))
  }

  /** Why a relayed trunk has not become direct; null where it is direct, or was not tried yet. */
  obstacle(trunk: Trunk): string | null {
    return trunk.relayed ? (this.#attempts.get(trunk)?.lastError ?? null) : null
  }

  /** Tries what is due. Call it about once a second. */
  tick(): void {
    const now = this.#init.clock.monotonicMs()
    for (const trunk of this.#init.trunks.up()) {
      if (!trunk.relayed) continue
      const attempts = this.#of(trunk)
      if (attempts.isRunning || attempts.nextAtMs > now || this.#running >= MAX_AT_A_TIME) continue
      void this.#try(trunk, attempts)
    }
  }

  /** The network of this host has changed: what failed may work now. */
  networkChanged(): void {
    for (const trunk of this.#init.trunks.up()) {
      const attempts = this.#attempts.get(trunk)
      if (attempts === undefined) continue
      attempts.count = 0
      attempts.nextAtMs = this.#init.clock.monotonicMs()
    }
  }

  /** A peer tells addresses that it did not have: it may have become reachable. */
  #told({ peer, previous }: PeerUpdate): void {
    const before = new Set(previous?.addresses.map(({ multiaddr }) => multiaddr.toString()))
    if (peer.addresses.every(({ multiaddr }) => before.has(multiaddr.toString()))) return
    const text = peer.id.toString()
    for (const trunk of this.#init.trunks.up()) {
      const attempts = trunk.peerId === text ? this.#attempts.get(trunk) : undefined
      if (attempts !== undefined) attempts.nextAtMs = this.#init.clock.monotonicMs()
    }
  }

  #of(trunk: Trunk): Attempts {
    const known = this.#attempts.get(trunk)
    if (known !== undefined) return known
    const attempts = { count: 0, nextAtMs: trunk.upAtMs + FIRST_AFTER_MS, isRunning: false, lastError: null }
    this.#attempts.set(trunk, attempts)
    return attempts
  }

  async #try(trunk: Trunk, attempts: Attempts): Promise<void> {
    const { host, clock, logger, adopt } = this.#init
    this.#running++
    attempts.isRunning = true
    this.stats.tried++
    try {
      const targets = await this.#targets(trunk)
      if (targets.length === 0) throw new Error('the peer has told no address that this host can dial')
      const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)])
      adopt(await host.dial(targets, { signal, force: true }), trunk.nodeId)
      this.stats.upgraded++
      attempts.lastError = null
    } catch (error) {
      attempts.lastError = error instanceof Error ? error.message : 'the dial failed'
      logger.debug('a relayed trunk stays', { peer: trunk.peerId, error })
    }
    attempts.nextAtMs = clock.monotonicMs() + (RETRY_MS[attempts.count++] ?? LAST_RETRY_MS)
    attempts.isRunning = false
    this.#running--
  }

  /** The peer's own addresses, as it told them when the relayed connection came up. */
  async #targets(trunk: Trunk) {
    const { addresses } = await this.#init.host.peerStore.get(peerIdFromString(trunk.peerId))
    const claimed = addresses.map((address) => address.multiaddr.toString().replace(/\/p2p\/[^/]+$/, ''))
    return this.#init.dialable(claimed).map((address) => multiaddr(`${address}/p2p/${trunk.peerId}`))
  }
}
