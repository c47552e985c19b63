import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock, Logger, NodeId } from '@wakunet/interface'
import type { PeerBook } from './peer-book.ts'
import type { Trunk } from './trunk.ts'
import type { Trunks } from './trunks.ts'
import type { FoundMember } from './vlan-peers.ts'

const MAX_LINKS = 32
const MAX_ATTEMPTS_AT_A_TIME = 4
const FIRST_RETRY_MS = 2_000
const LAST_RETRY_MS = 60_000
const ATTEMPT_TIMEOUT_MS = 10_000
/** A member that nobody has told of for this long, and that has no trunk, is given up. */
const FORGOTTEN_AFTER_MS = 180_000

export interface RelayedLinksInit {
  readonly self: NodeId
  readonly host: Libp2p
  readonly trunks: Trunks
  readonly book: PeerBook
  readonly clock: Clock
  readonly logger: Logger
  /** Makes a reservation at a relay that has a connection to this node, unless there is one. */
  readonly reserve: (relay: PeerId) => Promise<void>
  /** A relayed connection stands: a trunk shall run over it. @throws where it cannot */
  readonly adopt: (connection: Connection, nodeId: NodeId) => void
}

/** Monotonic counters. */
export interface RelayedLinksStats {
  wanted: number
  reserved: number
  dialled: number
  opened: number
  failed: number
  /** Relayed connections from peers that were not expected. */
  unexpected: number
}

/** A member that is to be reached over a relay. */
export interface RelayedMember extends FoundMember {
  /** Addresses over relays at which it says that it can be reached, without its peer id; checked. */
  readonly circuits: readonly string[]
}

interface Link {
  member: RelayedMember
  wantedAtMs: number
  attempts: number
  nextAtMs: number
  running: boolean
}

/**
 * Trunks over a common peer, to members that cannot be dialled (`docs/protocols/trunk.md`, virtual links). Of the two, the one with
 * the higher node id makes a reservation at the common peer, and the other dials over it; later both dial.
 */
export class RelayedLinks {
  readonly #init: RelayedLinksInit
  readonly #links = new Map<NodeId, Link>()
  #stopping = new AbortController()
  readonly stats: RelayedLinksStats = {
    wanted: 0,
    reserved: 0,
    dialled: 0,
    opened: 0,
    failed: 0,
    unexpected: 0,
  }

  constructor(init: RelayedLinksInit) {
    this.#init = init
  }

  get size(): number {
    return this.#links.size
  }

  stop(): void {
    this.#stopping.abort(new Error('stopping'))
  }

  /** A member could not be dialled; it was told of by a peer that may relay, or has told its relays itself. */
  want(member: RelayedMember): void {
    const now = this.#init.clock.monotonicMs()
    const known = this.#links.get(member.nodeId)
    if (known !== undefined) {
      known.member = member
      known.wantedAtMs = now
      return
    }
    // Relays are not chained.
    if (member.via?.relayed === true || this.#links.size >= MAX_LINKS) return
    this.stats.wanted++
    this.#links.set(member.nodeId, { member, wantedAtMs: now, attempts: 0, nextAtMs: now, running: false })
    this.tick()
  }

  /** A trunk has ended, over a relay or not. One that nobody needed is not opened again. */
  ended(trunk: Trunk, idle: boolean): void {
    const link = this.#links.get(trunk.nodeId)
    if (link === undefined) return
    if (idle) this.#links.delete(trunk.nodeId)
    link.attempts = 0
    link.nextAtMs = this.#init.clock.monotonicMs()
  }

  /** True where a relayed connection from the peer is what both sides want. */
  expects(peerId: PeerId): boolean {
    const text = peerId.toString()
    for (const { member } of this.#links.values()) if (member.peerId === text) return true
    this.stats.unexpected++
    return false
  }

  /** Tries what is due. Call it about once a second. */
  tick(): void {
    const { trunks, clock } = this.#init
    const now = clock.monotonicMs()
    let running = [...this.#links.values()].filter((link) => link.running).length
    for (const [nodeId, link] of this.#links) {
      if (trunks.get(nodeId) !== undefined) link.wantedAtMs = now
      else if (now - link.wantedAtMs > FORGOTTEN_AFTER_MS) this.#links.delete(nodeId)
      else if (
        !link.running &&
        link.nextAtMs <= now &&
        link.member.via?.up !== false &&
        running < MAX_ATTEMPTS_AT_A_TIME
      ) {
        running++
        void this.#attempt(link)
      }
    }
  }

  async #attempt(link: Link): Promise<void> {
    const { self, clock, logger } = this.#init
    const { member } = link
    link.running = true
    try {
      if (member.via === null) await this.#dialCircuits(member)
      else if (self > member.nodeId && link.attempts === 0) await this.#reserve(member.via)
      // The other may not have heard of this node, but have a reservation.
      else await this.#dial(member, `${member.via.address}/p2p-circuit`)
    } catch (error) {
      this.stats.failed++
      logger.debug('no way over a relay', { peer: member.peerId, via: member.via?.peerId, error })
    }
    const delayMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** link.attempts++)
    link.nextAtMs = clock.monotonicMs() + delayMs
    link.running = false
  }

  async #reserve(via: Trunk): Promise<void> {
    await this.#init.reserve(peerIdFromString(via.peerId))
    this.stats.reserved++
  }

  /** One after the other, up to the first that leads there. */
  async #dialCircuits(member: RelayedMember): Promise<void> {
    let failure: unknown = new Error('no relay is known')
    for (const circuit of member.circuits) {
      try {
        await this.#dial(member, circuit)
        return
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  async #dial({ nodeId, peerId }: RelayedMember, circuit: string): Promise<void> {
    this.stats.dialled++
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)])
    const target = multiaddr(`${circuit}/p2p/${peerId}`)
    const { host, book, adopt } = this.#init
    adopt(await book.dialNow(peerId, () => host.dial(target, { signal })), nodeId)
    this.stats.opened++
  }
}
