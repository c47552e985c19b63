import type { Libp2p, PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock, Logger, NodeId, Timer, VlanId } from '@wakunet/interface'
import { type ControlMessage, EXCHANGE_CAPABILITY } from '@wakunet/trunk'
import type { TrunkPeerConfig } from '../config.ts'
import type { Memberships } from '../memberships.ts'
import type { Mesh } from '../mesh.ts'
import type { OverlayGate } from '../overlay-gate.ts'
import { dialableAddresses } from '../peer-addresses.ts'
import type { PeerBook } from '../peer-book.ts'
import type { PeerMessage, Trunk, TrunkEnd } from '../trunk.ts'
import type { TrunkChoice } from '../trunk-choice.ts'
import type { Trunks } from '../trunks.ts'
import type { BoundedDatastore } from './bounded-datastore.ts'
import { type Dht, NO_DHT } from './dht.ts'
import { dhtMode } from './dht-mode.ts'
import { Heartbeats } from './heartbeats.ts'
import { IdleConnections } from './idle-connections.ts'
import { KadDht } from './kad-dht.ts'
import { libp2pMemory } from './libp2p-memory.ts'
import { PeerExchange } from './peer-exchange.ts'
import { PeerMemory } from './peer-memory.ts'
import { TrunkSeeker } from './trunk-seeker.ts'
import { SIGNED_RECORDS } from './vlan-record-rules.ts'
import { VlanSeeker } from './vlan-seeker.ts'

const TICK_MS = 1_000
/** Members of a VLAN that are dialled for its record. */
const MAX_MET = 3
const MEET_QUESTIONS = 4
const MEET_TIMEOUT_MS = 3_000
const MEET_AGAIN_MS = 1_000
/** libp2p prunes connections of peers of low value first; those of trunks are ours to end. */
const TRUNK_TAG = { 'wakunet-trunk': { value: 100 } }
const NO_TRUNK_TAG = { 'wakunet-trunk': undefined }

export interface DiscoveryInit {
  readonly self: PeerId
  readonly config: TrunkPeerConfig
  readonly gate: OverlayGate
  readonly book: PeerBook
  readonly memberships: Memberships
  readonly choice: TrunkChoice
  /** State file of the known peers; null keeps them in memory alone. */
  readonly peersPath: string | null
  readonly clock: Clock
  readonly logger: Logger
}

/** What there is once the host runs. */
export interface DiscoveryParts {
  readonly host: Libp2p
  readonly trunks: Trunks
  readonly mesh: Mesh
}

interface Running extends DiscoveryParts {
  readonly exchange: PeerExchange
  readonly heartbeats: Heartbeats
  readonly trunkSeeker: TrunkSeeker
  readonly vlanSeeker: VlanSeeker
  readonly idle: IdleConnections
}

/** How a node finds others beside those that it is told of, remembers them, and chooses whom to have trunks to. */
export class Discovery {
  readonly memory: BoundedDatastore
  readonly peers: PeerMemory
  /** Null where it is switched off. */
  readonly kad: KadDht | null
  readonly #init: DiscoveryInit
  #running: Running | null = null
  #timer: Timer | null = null

  constructor(init: DiscoveryInit) {
    this.#init = init
    this.memory = libp2pMemory(init.self)
    this.peers = new PeerMemory({ path: init.peersPath, clock: init.clock, logger: init.logger })
    const { dht } = init.config
    this.kad =
      dht === 'off'
        ? null
        : new KadDht({
            self: init.self,
            mode: dht === 'server' ? 'server' : 'client',
            rules: SIGNED_RECORDS,
            clock: init.clock,
            dialable: (claimed) => this.dialable(claimed),
          })
  }

  get dht(): Dht {
    return this.kad ?? NO_DHT
  }

  /** The parts that run. @throws where it is not started */
  get running(): Running {
    if (this.#running === null) throw new Error('discovery is not started')
    return this.#running
  }

  start(parts: DiscoveryParts): void {
    if (this.#running !== null) return
    this.#running = this.#createParts(parts)
    this.peers.start()
    this.#timer = this.#init.clock.setInterval(() => this.#tick(), TICK_MS)
    this.#tick()
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = null
    this.#running?.heartbeats.stop()
    this.#running?.vlanSeeker.stop()
    this.#running = null
    await this.peers.stop()
  }

  /** Those of a stranger's addresses that this node may dial. */
  dialable(claimed: readonly string[]): string[] {
    return dialableAddresses(claimed, {
      own: (this.#running?.host.getMultiaddrs() ?? []).map(String),
      isOverlay: (address) => this.#init.gate.isOverlay(address),
    })
  }

  /** True where the peer was seen, or said, to be in a VLAN of this node. */
  isKnownMember(peerId: string): boolean {
    return (this.peers.store.get(peerId)?.vlans.length ?? 0) > 0
  }

  /** Peers to tell one of whose trunk there is no place for; null where it would not understand. */
  sampleFor(trunk: Trunk): ControlMessage | null {
    return trunk.has(EXCHANGE_CAPABILITY) ? (this.#running?.exchange.sampleFor(trunk) ?? null) : null
  }

  /** A peer asks for peers, or tells of some. */
  receive(trunk: Trunk, message: Extract<PeerMessage, { type: 'peers-request' | 'peers' }>): void {
    if (this.#running === null) return
    const { exchange } = this.#running
    if (message.type === 'peers-request') exchange.receiveRequest(trunk)
    else void exchange.receive(trunk, message.peers)
  }

  /** Dials some members of a VLAN that this node is not in, as the table knows them; asks again, for one may be telling it just now. */
  async meet(vlan: VlanId): Promise<void> {
    const { book, clock } = this.#init
    for (let asked = 0; asked < MEET_QUESTIONS && this.#running !== null; asked++) {
      const found = await this.dht.findProviders(vlan, { timeoutMs: MEET_TIMEOUT_MS })
      for (const { peerId, addresses } of found.slice(0, MAX_MET))
        for (const address of this.dialable(addresses).reverse())
          book.learn(peerId, address, 'dht', clock.monotonicMs())
      if (found.length > 0) return
      await new Promise<void>((resolve) => clock.setTimeout(resolve, MEET_AGAIN_MS))
    }
  }

  /** A trunk came up. */
  up(trunk: Trunk): void {
    const { peerId, initiator } = trunk
    const address = trunk.address.replace(`/p2p/${peerId}`, '')
    // An inbound connection's address is that of its socket, which nobody listens on.
    const addresses = initiator ? [address] : []
    this.peers.learn({ peerId, source: this.#sourceOf(peerId), addresses, pinned: this.#isPinned(peerId) })
    this.peers.answered(peerId, initiator ? { address } : {})
    this.#tag(trunk, true)
  }

  /** A trunk ended, or did not come up. */
  down(trunk: Trunk, reason: TrunkEnd): void {
    if (this.#running === null) return
    const { clock } = this.#init
    const { peerId } = trunk
    if (trunk.upAtMs > 0) this.peers.store.wasUp(peerId, clock.monotonicMs() - trunk.upAtMs)
    else if (reason.remote && reason.code === 'limit') this.peers.failed(peerId)
    this.#tag(trunk, false)
  }

  /** The peer of a trunk has said which VLANs it is in. */
  heardMemberships({ nodeId, peerId }: Trunk): void {
    const { memberships } = this.#init
    const ours = memberships.ourVlans()
    this.peers.store.setVlans(
      peerId,
      memberships.vlansOfPeer(nodeId).filter((vlan) => ours.has(vlan)),
    )
  }

  #createParts(parts: DiscoveryParts): Running {
    const { self, config, memberships, book, choice, clock, logger } = this.#init
    const { host, trunks, mesh } = parts
    const common = {
      host,
      peers: this.peers,
      memberships,
      dialable: (claimed: readonly string[]) => this.dialable(claimed),
      clock,
      logger,
      random: Math.random,
    }
    return {
      ...parts,
      exchange: new PeerExchange({ ...common, self: self.toString() }),
      heartbeats: new Heartbeats({
        ...common,
        perMinute: config.heartbeatsPerMinute,
        isCaredFor: (peerId) => this.#isCaredFor(peerId),
      }),
      trunkSeeker: new TrunkSeeker({ ...common, book, shares: choice.shares }),
      vlanSeeker: new VlanSeeker({
        ...common,
        dht: this.dht,
        unreached: (vlan, nodes) => mesh.unreached(vlan, nodes),
        onUnreached: (vlan, nodeId, { peerId, addresses }) => this.#want(vlan, nodeId, peerId, addresses),
      }),
      idle: new IdleConnections({
        host,
        clock,
        isInUse: (connection) => trunks.isInUse(connection),
        allowed: Math.max(16, Math.floor(config.connectionLimit / 2)),
      }),
    }
  }

  #tick(): void {
    const running = this.#running
    if (running === null) return
    const { trunks, exchange, heartbeats, trunkSeeker, vlanSeeker, idle } = running
    const { limit, reserved } = this.#init.choice.shares
    trunks.prune(limit - reserved)
    const up = [...trunks.up()]
    exchange.tick(up)
    trunkSeeker.tick(up)
    vlanSeeker.tick(up)
    heartbeats.tick()
    idle.tick()
    this.#setMode(up)
  }

  #want(vlanId: VlanId, nodeId: NodeId, peerId: string, addresses: readonly string[]): void {
    const request = { vlanId, nodeId, peerId, addresses: [...addresses] }
    this.running.mesh.shortcuts.request(request, () => this.peers.failed(peerId))
  }

  #isCaredFor(peerId: string): boolean {
    const { book } = this.#init
    const known = book.get(peerId)
    return known !== undefined && (known.state !== 'backoff' || known.retryAtMs !== null)
  }

  #isPinned(peerId: string): boolean {
    return this.#init.book.get(peerId)?.sources.has('bootstrap') === true
  }

  #sourceOf(peerId: string): 'bootstrap' | 'vlan' | 'mdns' | 'inbound' | 'exchange' | 'dht' {
    const sources = this.#init.book.get(peerId)?.sources
    const known = (['bootstrap', 'vlan', 'mdns', 'exchange', 'dht'] as const).find((source) =>
      sources?.has(source),
    )
    return known ?? 'inbound'
  }

  #tag({ peerId }: Trunk, has: boolean): void {
    const host = this.#running?.host
    if (host === undefined) return
    const connection = host.getConnections().find(({ remotePeer }) => remotePeer.toString() === peerId)
    if (connection === undefined) return
    host.peerStore
      .merge(connection.remotePeer, { tags: has ? TRUNK_TAG : NO_TRUNK_TAG })
      .catch((error) => this.#init.logger.debug('libp2p does not tag the peer', { peer: peerId, error }))
  }

  #setMode(trunks: readonly Trunk[]): void {
    const { config, logger } = this.#init
    if (this.kad === null || this.#running === null || config.dht === 'off') return
    const { host } = this.#running
    const peers = trunks.map(({ address }) => multiaddr(address))
    const mode = dhtMode(config.dht, host.getMultiaddrs(), peers)
    this.kad.setMode(mode).catch((error) => logger.warn('the DHT does not change its mode', { mode, error }))
  }
}
