import { TokenBucket } from '@wakunet/gossip'
import { vlanIdFromBytes } from '@wakunet/identity'
import type { Clock, NodeId, VlanId } from '@wakunet/interface'
import type { WireMembership } from '@wakunet/trunk'

/** Questions for records and unasked records, of one peer: each costs a verification or a message of 32 KiB. */
const BURST = 32
const PER_SECOND = 1
/** Records that one peer gets when it asks. A peer that keeps to the numbers above never meets these. */
const ANSWERS_BURST = 64
const ANSWERS_PER_SECOND = 8

/** What one peer has announced, and what was done about it. */
interface PeerNews {
  /** At most `MAX_ANNOUNCED_VLANS`. */
  announced: ReadonlyMap<VlanId, number>
  /** The sequence that was asked for, or sent, last: a peer that does not have what it claims is not asked again. */
  readonly settled: Map<VlanId, number>
  /** Asked for and not answered. */
  readonly asked: Set<VlanId>
  readonly budget: TokenBucket
  readonly answers: TokenBucket
}

export interface RecordNewsInit {
  readonly clock: Clock
  /** 0 where no record of the VLAN is stored. */
  readonly sequenceOf: (vlan: VlanId) => number
  /** Whether nobody would hear of this node's record unless it sent it: it is the owner's, who has not joined. */
  readonly mustPush: (vlan: VlanId) => boolean
  /** False where nothing can be sent to the peer yet. */
  readonly ask: (peer: NodeId, vlan: VlanId) => boolean
  /** The same. */
  readonly push: (peer: NodeId, vlan: VlanId) => boolean
}

/**
 * Keeps the records of stored VLANs as new as those of the peers (docs/protocols/vlan-record.md, "Newer records"): asks
 * who announces a higher sequence, and lets those who have a lower one know where nobody else would. Bounded by the
 * trunks times `MAX_ANNOUNCED_VLANS`; what a peer can draw is bounded by its budget.
 */
export class RecordNews {
  readonly #init: RecordNewsInit
  readonly #peers = new Map<NodeId, PeerNews>()
  /** Records that nobody had asked for, over a peer's budget. */
  unaskedDropped = 0
  /** Questions for records that were not answered, over the rate of a peer. */
  requestsDropped = 0

  constructor(init: RecordNewsInit) {
    this.#init = init
  }

  /** A peer has announced what it has joined; replaces what it announced before. */
  heard(peer: NodeId, announced: readonly WireMembership[]): void {
    const news = this.#newsOf(peer)
    news.announced = new Map(
      announced.map(({ vlan, recordSequence }) => [vlanIdFromBytes(vlan), recordSequence]),
    )
    for (const vlan of news.settled.keys()) if (!news.announced.has(vlan)) news.settled.delete(vlan)
    this.#settleAll(peer, news)
  }

  /** This node has stored another record of the VLAN. */
  changed(vlan: VlanId): void {
    for (const [peer, news] of this.#peers) this.#settle(peer, news, vlan)
  }

  /** What this node refused or had no need to do may be right now: it has joined or left a VLAN. */
  reconsider(): void {
    for (const [peer, news] of this.#peers) {
      news.settled.clear()
      this.#settleAll(peer, news)
    }
  }

  /** A trunk to the peer can be sent over, which may have said what it has before. */
  up(peer: NodeId): void {
    const news = this.#peers.get(peer)
    if (news !== undefined) this.#settleAll(peer, news)
  }

  /** Does what waited for a peer's budget. */
  tick(): void {
    for (const [peer, news] of this.#peers) this.#settleAll(peer, news)
  }

  /** Whether a record that came from a peer may be looked at: this node has asked for it, or can afford it. */
  accepts(peer: NodeId, vlan: VlanId): boolean {
    const news = this.#newsOf(peer)
    if (news.asked.delete(vlan)) return true
    if (this.#init.sequenceOf(vlan) > 0 && news.budget.take(this.#init.clock.monotonicMs())) return true
    this.unaskedDropped++
    return false
  }

  /** Whether a peer that asks for a record is answered: 32 KiB for a question of some bytes. */
  mayAnswer(peer: NodeId): boolean {
    if (this.#newsOf(peer).answers.take(this.#init.clock.monotonicMs())) return true
    this.requestsDropped++
    return false
  }

  /** A peer's last trunk is gone. */
  forget(peer: NodeId): void {
    this.#peers.delete(peer)
  }

  #newsOf(peer: NodeId): PeerNews {
    const known = this.#peers.get(peer)
    if (known !== undefined) return known
    const now = this.#init.clock.monotonicMs()
    const news = {
      announced: new Map(),
      settled: new Map(),
      asked: new Set<VlanId>(),
      budget: new TokenBucket(BURST, PER_SECOND, now),
      answers: new TokenBucket(ANSWERS_BURST, ANSWERS_PER_SECOND, now),
    }
    this.#peers.set(peer, news)
    return news
  }

  #settleAll(peer: NodeId, news: PeerNews): void {
    for (const vlan of news.announced.keys()) this.#settle(peer, news, vlan)
  }

  #settle(peer: NodeId, news: PeerNews, vlan: VlanId): void {
    const theirs = news.announced.get(vlan)
    const ours = this.#init.sequenceOf(vlan)
    if (theirs === undefined || ours === 0 || theirs === ours) return
    const isBehind = theirs > ours
    if (!isBehind && !this.#init.mustPush(vlan)) return
    const higher = Math.max(theirs, ours)
    if (news.settled.get(vlan) === higher || !news.budget.take(this.#init.clock.monotonicMs())) return
    const isSent = isBehind ? this.#init.ask(peer, vlan) : this.#init.push(peer, vlan)
    if (!isSent) return
    news.settled.set(vlan, higher)
    if (isBehind) news.asked.add(vlan)
  }
}
