import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock, Logger } from '@wakunet/interface'
import { TokenBucket } from '@wakunet/trunk'
import { socketOf } from '../peer-addresses.ts'
import type { PeerMessage, Trunk } from '../trunk.ts'
import type { Trunks } from '../trunks.ts'

type Request = Extract<PeerMessage, { type: 'reach-request' }>

const DIAL_TIMEOUT_MS = 3_000
const MAX_REQUESTS_AT_A_TIME = 4
/** Of each trunk. */
const REQUEST_BURST = 4
const REQUESTS_PER_SECOND = 0.1

export interface ReachServerInit {
  readonly host: Libp2p
  readonly trunks: Trunks
  readonly clock: Clock
  readonly logger: Logger
}

/** Monotonic counters. */
export interface ReachServerStats {
  answered: number
  dialled: number
  reached: number
  /** Requests over their rate, or while others are under way. */
  ignored: number
}

/**
 * Tells peers as whom they are seen, and at which of their addresses they can be dialled (`docs/protocols/trunk.md`, reachability).
 * Only the host that a request comes from is dialled: nobody can make this node knock at somebody else.
 */
export class ReachServer {
  readonly #init: ReachServerInit
  readonly #buckets = new WeakMap<Trunk, TokenBucket>()
  readonly #stopping = new AbortController()
  #running = 0
  readonly stats: ReachServerStats = { answered: 0, dialled: 0, reached: 0, ignored: 0 }

  constructor(init: ReachServerInit) {
    this.#init = init
  }

  stop(): void {
    this.#stopping.abort(new Error('stopping'))
  }

  async receive(trunk: Trunk, { sequence, addresses }: Request): Promise<void> {
    const bucket =
      this.#buckets.get(trunk) ?? new TokenBucket(REQUEST_BURST, REQUESTS_PER_SECOND, this.#init.clock)
    this.#buckets.set(trunk, bucket)
    if (!bucket.take() || trunk.relayed || this.#running >= MAX_REQUESTS_AT_A_TIME) {
      this.stats.ignored++
      return
    }
    this.#running++
    try {
      const reached: boolean[] = []
      for (const address of addresses) reached.push(await this.#reaches(trunk, address))
      this.stats.answered++
      trunk.sendControl({ type: 'reach-answer', sequence, observed: withoutPeerId(trunk.address), reached })
    } finally {
      this.#running--
    }
  }

  async #reaches(trunk: Trunk, address: string): Promise<boolean> {
    const socket = socketOf(address)
    if (socket === null || socket.host !== socketOf(trunk.address)?.host) return false
    const { host, trunks, logger } = this.#init
    this.stats.dialled++
    try {
      const target = multiaddr(`${withoutPeerId(address)}/p2p/${trunk.peerId}`)
      const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)])
      // Another connection than the trunk's: the one that stands proves nothing.
      const connection = await host.dial(target, { signal, force: true })
      this.stats.reached++
      if (!trunks.isInUse(connection)) connection.close().catch((error: Error) => connection.abort(error))
      return true
    } catch (error) {
      logger.debug('a peer cannot be reached as it asked', { peer: trunk.peerId, address, error })
      return false
    }
  }
}

function withoutPeerId(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, '')
}
