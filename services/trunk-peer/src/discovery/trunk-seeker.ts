import type { Clock, VlanId } from '@wakunet/interface'
import type { KnownPeer, TrunkShares } from '@wakunet/peers'
import type { Memberships } from '../memberships.ts'
import type { PeerBook } from '../peer-book.ts'
import type { Trunk } from '../trunk.ts'
import type { PeerMemory } from './peer-memory.ts'

export interface TrunkSeekerInit {
  readonly peers: PeerMemory
  readonly book: PeerBook
  readonly memberships: Memberships
  readonly shares: TrunkShares
  readonly dialable: (claimed: readonly string[]) => string[]
  readonly clock: Clock
}

/**
 * Chooses peers to dial out of those that are known: as many members of each VLAN as keep it in one piece, and a few others, who know
 * of more. The best come first, which after a restart are those that were there before it.
 */
export class TrunkSeeker {
  readonly #init: TrunkSeekerInit
  /** Peers chosen that were never reached, or lost again. */
  chosen = 0

  constructor(init: TrunkSeekerInit) {
    this.#init = init
  }

  /** Call it about once a second. */
  tick(trunks: readonly Trunk[]): void {
    const { memberships, shares } = this.#init
    const room = shares.limit - shares.reserved - trunks.length - this.#underWay()
    let left = room
    for (const vlan of memberships.ourVlans()) {
      if (left <= 0) return
      const have = trunks.filter(({ nodeId }) => memberships.isMember(nodeId, vlan)).length
      left -= this.#choose(Math.min(left, shares.members - have - this.#underWay(vlan)), trunks, (peer) =>
        peer.vlans.includes(vlan),
      )
    }
    const contacts = shares.contacts - trunks.length - this.#underWay()
    this.#choose(Math.min(left, contacts), trunks, () => true)
  }

  /** Peers that the dialler has from here, or from elsewhere, and has not reached yet. */
  #underWay(vlan?: VlanId): number {
    const { book, peers } = this.#init
    let count = 0
    for (const { peerId, state, retryAtMs } of book.all()) {
      if (peerId === null || (state !== 'connecting' && (state !== 'backoff' || retryAtMs === null))) continue
      if (
        vlan === undefined ? state === 'connecting' : peers.store.get(peerId)?.vlans.includes(vlan) === true
      )
        count++
    }
    return count
  }

  #choose(count: number, trunks: readonly Trunk[], wanted: (peer: KnownPeer) => boolean): number {
    const { peers, book, dialable, clock } = this.#init
    if (count <= 0) return 0
    const connected = new Set(trunks.map(({ peerId }) => peerId))
    const free = (peer: KnownPeer): boolean => {
      const known = book.get(peer.peerId)
      const resting = known === undefined || (known.state === 'backoff' && known.retryAtMs === null)
      return (
        resting &&
        (known?.restsUntilMs ?? 0) <= clock.monotonicMs() &&
        !connected.has(peer.peerId) &&
        wanted(peer)
      )
    }
    const now = clock.monotonicMs()
    let chosen = 0
    for (const peer of peers.candidates(free, count)) {
      // Newest first in the book: the best address is told last.
      const addresses = dialable(peer.addresses).reverse()
      if (addresses.some((address) => book.learn(peer.peerId, address, sourceOf(peer), now) === null)) break
      if (addresses.length > 0) chosen++
    }
    this.chosen += chosen
    return chosen
  }
}

/** In the book of this run: what was seen before it is hearsay now. */
function sourceOf({ source }: KnownPeer): 'dht' | 'exchange' | 'stored' {
  return source === 'dht' || source === 'exchange' ? source : 'stored'
}
