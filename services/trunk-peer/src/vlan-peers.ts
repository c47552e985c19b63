import type { Libp2p, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { vlanIdToBytes } from '@wakunet/identity'
import type { Clock, Logger, NodeId, VlanId } from '@wakunet/interface'
import {
  MAX_ADDRESS_CHARACTERS,
  MAX_PEER_ADDRESSES,
  MAX_VLAN_PEERS,
  MESH_CAPABILITY,
  TokenBucket,
  type WireVlanPeer,
} from '@wakunet/trunk'
import type { Memberships } from './memberships.ts'
import { nodeIdOfPeer } from './node-key.ts'
import type { Trunk } from './trunk.ts'
import type { Trunks } from './trunks.ts'

/** A new trunk's memberships come first: members are not asked. */
const FIRST_ASKED_AFTER_MS = 2_000
/** Once more sooner: a member that joins at the same time has announced it by then. */
const ASKED_AGAIN_AFTER_MS = 5_000
const ASKED_EVERY_MS = 60_000
/** Questions at one tick, over all trunks. */
const QUESTIONS_PER_TICK = 16
const REQUEST_BURST = 32
const REQUESTS_PER_SECOND = 1

/** A member that this node heard of and has no way to. */
export interface FoundMember {
  readonly vlanId: VlanId
  readonly nodeId: NodeId
  readonly peerId: string
  /** As told: unchecked. */
  readonly addresses: readonly string[]
  /** The trunk to the peer that has told; null where the member itself has, in its announcement. */
  readonly via: Trunk | null
}

interface Question {
  readonly atMs: number
  readonly count: number
  open: boolean
}

export interface VlanPeersInit {
  readonly self: NodeId
  readonly host: Libp2p
  readonly trunks: Trunks
  readonly memberships: Memberships
  readonly clock: Clock
  readonly logger: Logger
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Those of the nodes that the switch has no way to. */
  readonly unreached: (vlan: VlanId, nodes: readonly NodeId[]) => Promise<readonly NodeId[]>
  readonly onFound: (member: FoundMember) => void
}

/** Monotonic counters. */
export interface VlanPeersStats {
  asked: number
  answered: number
  found: number
  /** Requests over their rate, or of peers that are no members. */
  requestsIgnored: number
  /** Answers to nothing that was asked. */
  answersIgnored: number
}

/**
 * Looks for members of this node's VLANs that no trunk among members leads to, at peers that are no members, and tells members
 * that ask here (`docs/protocols/trunk.md`, virtual links).
 */
export class VlanPeers {
  readonly #init: VlanPeersInit
  /** What each trunk's peer was asked, and when; entries of VLANs that were left go when they are asked anew. */
  readonly #asked = new WeakMap<Trunk, Map<VlanId, Question>>()
  readonly #buckets = new WeakMap<Trunk, TokenBucket>()
  readonly stats: VlanPeersStats = { asked: 0, answered: 0, found: 0, requestsIgnored: 0, answersIgnored: 0 }

  constructor(init: VlanPeersInit) {
    this.#init = init
  }

  /** Asks who is due. Call it about once a second. */
  tick(): void {
    const { trunks, memberships, clock } = this.#init
    const ours = memberships.ourVlans()
    let left = QUESTIONS_PER_TICK
    for (const trunk of trunks.up()) {
      if (!trunk.has(MESH_CAPABILITY) || clock.monotonicMs() - trunk.upAtMs < FIRST_ASKED_AFTER_MS) continue
      for (const vlan of ours) {
        if (left === 0) return
        if (!memberships.isMember(trunk.nodeId, vlan) && this.#ask(trunk, vlan, ours)) left--
      }
    }
  }

  /** A peer asks. It gets no answer where it is no member itself, or asks too often. */
  async receiveRequest(trunk: Trunk, vlan: VlanId): Promise<void> {
    const { memberships, clock } = this.#init
    const bucket = this.#buckets.get(trunk) ?? new TokenBucket(REQUEST_BURST, REQUESTS_PER_SECOND, clock)
    this.#buckets.set(trunk, bucket)
    if (!bucket.take() || !memberships.isMember(trunk.nodeId, vlan)) {
      this.stats.requestsIgnored++
      return
    }
    const others = memberships.peersOf(vlan).filter(({ nodeId }) => nodeId !== trunk.nodeId)
    const drawn = this.#draw(others).map(({ peerId }) => this.#describe(peerId))
    const peers = await Promise.all(drawn)
    this.stats.answered++
    trunk.sendControl({ type: 'vlan-peers', vlan: vlanIdToBytes(vlan), peers })
  }

  /** A peer has answered. */
  async receiveAnswer(trunk: Trunk, vlan: VlanId, peers: readonly WireVlanPeer[]): Promise<void> {
    const asked = this.#asked.get(trunk)?.get(vlan)
    if (asked?.open !== true) {
      this.stats.answersIgnored++
      return
    }
    asked.open = false
    const { self, trunks, logger } = this.#init
    const unknown = new Map<NodeId, WireVlanPeer>()
    for (const peer of peers) {
      const nodeId = nodeIdOf(peer.peerId)
      if (nodeId !== null && nodeId !== self && trunks.get(nodeId) === undefined) unknown.set(nodeId, peer)
    }
    if (unknown.size === 0) return
    for (const nodeId of await this.#init.unreached(vlan, [...unknown.keys()])) {
      const peer = unknown.get(nodeId)
      if (peer === undefined || !trunk.up) continue
      this.stats.found++
      logger.debug('a member out of reach was found', { vlan, peer: peer.peerId, via: trunk.peerId })
      this.#init.onFound({ vlanId: vlan, nodeId, peerId: peer.peerId, addresses: peer.addresses, via: trunk })
    }
  }

  #ask(trunk: Trunk, vlan: VlanId, ours: ReadonlySet<VlanId>): boolean {
    const now = this.#init.clock.monotonicMs()
    const asked = this.#asked.get(trunk) ?? new Map<VlanId, Question>()
    const last = asked.get(vlan)
    const waitMs = last?.count === 1 ? ASKED_AGAIN_AFTER_MS : ASKED_EVERY_MS
    if (now - (last?.atMs ?? Number.NEGATIVE_INFINITY) < waitMs) return false
    for (const left of asked.keys()) if (!ours.has(left)) asked.delete(left)
    asked.set(vlan, { atMs: now, open: true, count: (last?.count ?? 0) + 1 })
    this.#asked.set(trunk, asked)
    this.stats.asked++
    return trunk.sendControl({ type: 'vlan-peers-request', vlan: vlanIdToBytes(vlan) })
  }

  /** At most as many as an answer has, each with the same chance. */
  #draw<T>(all: readonly T[]): T[] {
    const rest = [...all]
    const drawn: T[] = []
    while (drawn.length < MAX_VLAN_PEERS && rest.length > 0) {
      const at = Math.floor(this.#init.random() * rest.length)
      drawn.push(rest[at]!)
      rest[at] = rest.at(-1)!
      rest.pop()
    }
    return drawn
  }

  async #describe(peerId: string): Promise<WireVlanPeer> {
    const { peerStore } = this.#init.host
    const suffix = `/p2p/${peerId}`
    try {
      const { addresses } = await peerStore.get(peerIdFromString(peerId))
      const texts = addresses.map(({ multiaddr }) => multiaddr.toString().replace(suffix, ''))
      return {
        peerId,
        addresses: texts
          .filter((text) => text.length <= MAX_ADDRESS_CHARACTERS && !text.includes('/p2p-circuit'))
          .slice(0, MAX_PEER_ADDRESSES),
      }
    } catch {
      // Identify has not told yet: the peer can still be reached over this node.
      return { peerId, addresses: [] }
    }
  }
}

/** Null for what is no peer id of a Wakunet node. */
function nodeIdOf(text: string): NodeId | null {
  try {
    const peerId: PeerId = peerIdFromString(text)
    return nodeIdOfPeer(peerId)
  } catch {
    return null
  }
}
