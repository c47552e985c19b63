import { peerIdFromString } from '@libp2p/peer-id'
import type { Clock, Logger, NodeId, VlanId } from '@wakunet/interface'
import type { KnownPeer } from '@wakunet/peers'
import type { Memberships } from '../memberships.ts'
import { nodeIdOfPeer } from '../node-key.ts'
import type { Trunk } from '../trunk.ts'
import type { Dht } from './dht.ts'
import type { PeerMemory } from './peer-memory.ts'

/** The table is asked again after this, twice as long each time. */
const FIRST_FIND_MS = 10_000
const LAST_FIND_MS = 600_000
/** A node without a trunk to a member asks at least this often. */
const LONELY_FIND_MS = 30_000
const PROVIDE_RETRY_MS = 10_000
const QUERY_TIMEOUT_MS = 10_000
/** Members that the switch is asked about at a time. */
const MAX_ASKED_ABOUT = 64
const REACH_EVERY_MS = 5_000
/** A member has to be out of reach this often in a row: link state takes its time. */
const UNREACHED_TIMES = 2
const MAX_DIALS_A_CHECK = 2

export interface VlanSeekerInit {
  readonly dht: Dht
  readonly peers: PeerMemory
  readonly memberships: Memberships
  readonly dialable: (claimed: readonly string[]) => string[]
  readonly clock: Clock
  readonly logger: Logger
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Those of the nodes that the switch has no way to. */
  readonly unreached: (vlan: VlanId, nodes: readonly NodeId[]) => Promise<readonly NodeId[]>
  /** A member is known that nothing leads to: a trunk to it is wanted. */
  readonly onUnreached: (vlan: VlanId, nodeId: NodeId, peer: KnownPeer) => void
}

/** Monotonic counters. */
export interface VlanSeekerStats {
  /** Members found in the table. */
  found: number
  /** Members that nothing led to, and that were asked for a trunk. */
  unreached: number
}

interface Sought {
  told: boolean
  telling: boolean
  finding: boolean
  nextTellMs: number
  nextFindMs: number
  findDelayMs: number
  nextReachMs: number
  readonly outOfReach: Map<NodeId, number>
}

/** Tells the DHT which VLANs this node is in, looks for the other members there, and sees to it that something leads to each. */
export class VlanSeeker {
  readonly #init: VlanSeekerInit
  readonly #vlans = new Map<VlanId, Sought>()
  #stopping = new AbortController()
  readonly stats: VlanSeekerStats = { found: 0, unreached: 0 }

  constructor(init: VlanSeekerInit) {
    this.#init = init
  }

  stop(): void {
    this.#stopping.abort(new Error('stopping'))
  }

  /** Call it about once a second. */
  tick(trunks: readonly Trunk[]): void {
    const { memberships, peers, dht, clock } = this.#init
    const ours = memberships.ourVlans()
    const now = clock.monotonicMs()
    for (const vlan of this.#vlans.keys()) if (!ours.has(vlan)) this.#leave(vlan, ours)
    for (const vlan of ours) {
      const sought = this.#sought(vlan, now)
      if (dht.size > 0) this.#askTable(vlan, sought, now)
      const lonely = !trunks.some(({ nodeId }) => memberships.isMember(nodeId, vlan))
      if (lonely) sought.nextFindMs = Math.min(sought.nextFindMs, now + LONELY_FIND_MS)
      if (now >= sought.nextReachMs) {
        sought.nextReachMs = now + REACH_EVERY_MS
        void this.#seekUnreached(
          vlan,
          sought,
          peers.store.membersOf(vlan),
          new Set(trunks.map(({ peerId }) => peerId)),
        )
      }
    }
  }

  #sought(vlan: VlanId, now: number): Sought {
    const known = this.#vlans.get(vlan)
    if (known !== undefined) return known
    const sought: Sought = {
      told: false,
      telling: false,
      finding: false,
      nextTellMs: now,
      nextFindMs: now,
      findDelayMs: FIRST_FIND_MS,
      nextReachMs: now + REACH_EVERY_MS,
      outOfReach: new Map(),
    }
    this.#vlans.set(vlan, sought)
    return sought
  }

  #leave(vlan: VlanId, ours: ReadonlySet<VlanId>): void {
    const { dht, peers, logger } = this.#init
    this.#vlans.delete(vlan)
    peers.store.keepVlans(ours)
    dht.unprovide(vlan).catch((error) => logger.debug('the table still has this node', { vlan, error }))
  }

  #askTable(vlan: VlanId, sought: Sought, now: number): void {
    if (!sought.told && !sought.telling && now >= sought.nextTellMs) void this.#tell(vlan, sought)
    if (!sought.finding && now >= sought.nextFindMs) void this.#find(vlan, sought)
  }

  /** From then on libp2p tells again by itself. */
  async #tell(vlan: VlanId, sought: Sought): Promise<void> {
    sought.telling = true
    const told = await this.#init.dht.provide(vlan, this.#options())
    sought.told = told > 0
    sought.nextTellMs = this.#init.clock.monotonicMs() + PROVIDE_RETRY_MS
    sought.telling = false
  }

  async #find(vlan: VlanId, sought: Sought): Promise<void> {
    const { dht, peers, dialable, clock, random } = this.#init
    sought.finding = true
    const found = await dht.findProviders(vlan, this.#options())
    for (const { peerId, addresses } of found) {
      const usable = dialable(addresses)
      if (usable.length > 0 && isNode(peerId) && this.#vlans.has(vlan)) {
        peers.learn({ peerId, source: 'dht', addresses: usable, vlans: [vlan] })
        this.stats.found++
      }
    }
    sought.nextFindMs = clock.monotonicMs() + sought.findDelayMs * (0.75 + random() / 2)
    sought.findDelayMs = Math.min(LAST_FIND_MS, 2 * sought.findDelayMs)
    sought.finding = false
  }

  async #seekUnreached(
    vlan: VlanId,
    { outOfReach }: Sought,
    members: readonly KnownPeer[],
    connected: ReadonlySet<string>,
  ): Promise<void> {
    const { unreached, onUnreached } = this.#init
    const known = new Map<NodeId, KnownPeer>()
    for (const peer of members) {
      if (known.size >= MAX_ASKED_ABOUT) break
      if (!connected.has(peer.peerId) && peer.addresses.length > 0)
        known.set(nodeIdOfPeer(peerIdFromString(peer.peerId)), peer)
    }
    const missing = known.size === 0 ? [] : await unreached(vlan, [...known.keys()])
    for (const nodeId of outOfReach.keys()) if (!missing.includes(nodeId)) outOfReach.delete(nodeId)
    let dials = MAX_DIALS_A_CHECK
    for (const nodeId of missing) {
      const times = (outOfReach.get(nodeId) ?? 0) + 1
      outOfReach.set(nodeId, times)
      const peer = known.get(nodeId)
      if (times < UNREACHED_TIMES || peer === undefined || dials-- <= 0) continue
      this.stats.unreached++
      onUnreached(vlan, nodeId, peer)
    }
  }

  #options() {
    return { timeoutMs: QUERY_TIMEOUT_MS, signal: this.#stopping.signal }
  }
}

/** True for the peer id of a node: others have no trunks. */
function isNode(peerId: string): boolean {
  try {
    return peerIdFromString(peerId).type === 'Ed25519'
  } catch {
    return false
  }
}
