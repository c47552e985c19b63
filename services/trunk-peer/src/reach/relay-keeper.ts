import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Clock, Logger, NodeId } from '@wakunet/interface'
import { isLocalHost, socketOf } from '../peer-addresses.ts'
import type { Trunk } from '../trunk.ts'
import type { Trunks } from '../trunks.ts'

/** Relays at which this node can be reached; a second one for when the first goes. */
const MAX_RELAYS = 2
/** A peer that refused is asked again after so long. */
const REFUSED_FOR_MS = 300_000
const MAX_REFUSALS_KEPT = 256

export interface RelayKeeperInit {
  readonly trunks: Trunks
  readonly clock: Clock
  readonly logger: Logger
  /** True where nobody can dial this node, as far as is known. */
  readonly isNeeded: () => boolean
  readonly isConfigured: (peerId: string) => boolean
  /** Makes a reservation at a relay that has a connection to this node. */
  readonly reserve: (relay: PeerId) => Promise<void>
  readonly onChange: () => void
}

/** Monotonic counters. */
export interface RelayKeeperStats {
  reserved: number
  refused: number
}

/** Keeps a node that nobody can dial reachable: reservations at public peers that relay, and the addresses that follow from them. */
export class RelayKeeper {
  readonly #init: RelayKeeperInit
  /** Relays with a reservation and the trunk it came over. */
  readonly #relays = new Map<NodeId, Trunk>()
  readonly #refusedUntil = new Map<NodeId, number>()
  #isAsking = false
  readonly stats: RelayKeeperStats = { reserved: 0, refused: 0 }

  constructor(init: RelayKeeperInit) {
    this.#init = init
  }

  /** Multiaddrs of this node over its relays, without its own peer id. */
  get addresses(): readonly string[] {
    return [...this.#relays.values()].map(({ address }) => `${address}/p2p-circuit`)
  }

  get relays(): readonly NodeId[] {
    return [...this.#relays.keys()]
  }

  /** Makes what reservations are missing. Call it about once a second, and when a trunk has come up. */
  tick(): void {
    if (this.#isAsking || this.#relays.size >= MAX_RELAYS || !this.#init.isNeeded()) return
    const trunk = this.#best()
    if (trunk !== null) void this.#reserve(trunk)
  }

  /** A trunk has ended: what was reserved over it may be gone as well. */
  ended(trunk: Trunk): void {
    if (this.#relays.get(trunk.nodeId) !== trunk) return
    this.#relays.delete(trunk.nodeId)
    this.#init.onChange()
  }

  /** This node can be dialled: nobody needs to go over a relay. Reservations run out by themselves. */
  release(): void {
    if (this.#relays.size === 0) return
    this.#relays.clear()
    this.#init.onChange()
  }

  /** A configured peer first, then the nearest. */
  #best(): Trunk | null {
    const { trunks, clock, isConfigured } = this.#init
    const now = clock.monotonicMs()
    const able = [...trunks.up()].filter(
      (trunk) =>
        isPublic(trunk) &&
        !this.#relays.has(trunk.nodeId) &&
        (this.#refusedUntil.get(trunk.nodeId) ?? 0) <= now,
    )
    const rank = ({ peerId, rttMs }: Trunk) => (isConfigured(peerId) ? 0 : 1_000_000) + (rttMs ?? 10_000)
    return able.sort((a, b) => rank(a) - rank(b))[0] ?? null
  }

  async #reserve(trunk: Trunk): Promise<void> {
    const { reserve, logger, onChange } = this.#init
    this.#isAsking = true
    try {
      await reserve(peerIdFromString(trunk.peerId))
      if (!trunk.up) return
      this.#relays.set(trunk.nodeId, trunk)
      this.stats.reserved++
      logger.info('can be reached over a relay', { relay: trunk.peerId })
      onChange()
    } catch (error) {
      this.stats.refused++
      logger.debug('a peer does not relay', { peer: trunk.peerId, error })
      this.#refuse(trunk.nodeId)
    } finally {
      this.#isAsking = false
    }
  }

  #refuse(nodeId: NodeId): void {
    this.#refusedUntil.delete(nodeId)
    this.#refusedUntil.set(nodeId, this.#init.clock.monotonicMs() + REFUSED_FOR_MS)
    for (const oldest of this.#refusedUntil.keys()) {
      if (this.#refusedUntil.size <= MAX_REFUSALS_KEPT) return
      this.#refusedUntil.delete(oldest)
    }
  }
}

/** A peer on the internet, at the address that it was dialled at: others can dial it there too. */
function isPublic(trunk: Trunk): boolean {
  const socket = socketOf(trunk.address)
  return trunk.initiator && !trunk.relayed && socket !== null && !isLocalHost(socket.host)
}
