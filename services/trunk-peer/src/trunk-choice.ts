import type { NodeId } from '@wakunet/interface'
import { type LimitedTrunk, leastUseful, networkGroup, toPrune, trunkShares } from '@wakunet/peers'
import type { Memberships } from './memberships.ts'
import type { PeerBook } from './peer-book.ts'
import type { Trunk } from './trunk.ts'
import type { TrunkUsage } from './trunk-usage.ts'

export interface TrunkChoiceInit {
  readonly connectionLimit: number
  readonly book: PeerBook
  readonly usage: TrunkUsage
  readonly memberships: Memberships
  /** True where the trunk may be needed although nobody says what for. */
  readonly mayMatter: (nodeId: NodeId) => boolean
  readonly isShortcut: (nodeId: NodeId) => boolean
}

type Weighed = LimitedTrunk & { readonly trunk: Trunk }

/** Which trunk ends where not all can stay: what is known of each, for the limiter of `libs/peers`. */
export class TrunkChoice {
  readonly shares: ReturnType<typeof trunkShares>
  readonly #init: TrunkChoiceInit

  constructor(init: TrunkChoiceInit) {
    this.#init = init
    this.shares = trunkShares(init.connectionLimit)
  }

  /** The trunk that makes room for a pair that exchanges so much; null where none may. */
  leastUseful(trunks: Iterable<Trunk>, nowMs: number, bytesPerSecond: number): Trunk | null {
    return leastUseful(this.#weigh(trunks), nowMs, bytesPerSecond)?.trunk ?? null
  }

  /** The trunk that makes room for a newcomer; null where none may. */
  toPrune(trunks: Iterable<Trunk>, nowMs: number, forMember = false): Trunk | null {
    return toPrune(this.#weigh(trunks), nowMs, this.shares, forMember)?.trunk ?? null
  }

  /** True where the peer is in a VLAN of this node. */
  isMember(nodeId: NodeId): boolean {
    const { memberships } = this.#init
    for (const vlan of memberships.ourVlans()) if (memberships.isMember(nodeId, vlan)) return true
    return false
  }

  #weigh(trunks: Iterable<Trunk>): Weighed[] {
    const { book, usage, mayMatter, isShortcut } = this.#init
    return [...trunks].map((trunk) => {
      const use = usage.of(trunk.nodeId)
      return {
        trunk,
        pinned: book.get(trunk.peerId)?.sources.has('bootstrap') === true,
        tree: use?.tree === true,
        mayMatter: mayMatter(trunk.nodeId),
        member: this.isMember(trunk.nodeId),
        ours: trunk.initiator,
        upAtMs: trunk.upAtMs,
        usefulAtMs: Math.max(trunk.upAtMs, use?.usefulAtMs ?? 0),
        bytesPerSecond: use?.bytesPerSecond ?? 0,
        shortcut: isShortcut(trunk.nodeId),
        network: networkGroup(trunk.address),
      }
    })
  }
}
