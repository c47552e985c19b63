import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { PeerInfo as DiscoveredPeer, Libp2p } from '@libp2p/interface'
import type { Bus, PayloadOf, VlanInfo, VlanMember } from '@wakunet/bus'
import { vlanIdFromBytes, vlanIdToBytes } from '@wakunet/identity'
import type { Clock, LaneServer, Logger, NodeId, Startable, Timer, VlanId } from '@wakunet/interface'
import { readStateFile, type StateFormat, writeStateFile } from '@wakunet/service-kit'
import {
  DATAGRAM_CAPABILITY,
  EXCHANGE_CAPABILITY,
  type Hello,
  MAX_ANNOUNCED_VLANS,
  MAX_RECORD_LIMIT_BYTES,
  MESH_CAPABILITY,
  REACH_CAPABILITY,
  TRUNK_VERSIONS,
} from '@wakunet/trunk'
import type { Registry } from 'prom-client'
import { z } from 'zod'
import { BusApi } from './bus-api.ts'
import type { TrunkPeerConfig } from './config.ts'
import { DatagramPort } from './datagram/datagram-port.ts'
import { Dialer } from './dialer.ts'
import { Directory } from './directory.ts'
import { Bootstrap } from './discovery/bootstrap.ts'
import { Discovery } from './discovery/discovery.ts'
import { vlanRecordKey } from './discovery/vlan-keys.ts'
import { FrameRelay } from './frame-relay.ts'
import { createHost, type Host } from './host/libp2p-host.ts'
import { LinkWatch, type NetworkChange } from './link-watch.ts'
import { usableListenAddresses } from './listen-check.ts'
import { Memberships } from './memberships.ts'
import { Mesh } from './mesh.ts'
import { loadNodeKey, type NodeKey } from './node-key.ts'
import { OverlayGate } from './overlay-gate.ts'
import { OwnAddresses } from './own-addresses.ts'
import { PeerBook } from './peer-book.ts'
import { Reach } from './reach/reach.ts'
import { RecordNews } from './record-news.ts'
import type { VlanStateEntry } from './stored-vlan.ts'
import { TrunkChoice } from './trunk-choice.ts'
import { TrunkUsage } from './trunk-usage.ts'
import { Trunks } from './trunks.ts'
import { VERSION } from './version.ts'
import { VlanDirectory } from './vlan-directory/vlan-directory.ts'
import { VlanLinks } from './vlan-directory/vlan-links.ts'

const AGENT = `wakunet/${VERSION}`

/** Member lists are told again this often, for subscribers that missed a change. */
const MEMBERS_REFRESH_MS = 10_000
/** Records that could not be asked for at once are asked for this often. */
const RECORD_NEWS_MS = 10_000
/** Changes of members within this time are told together. */
const MEMBERS_DEBOUNCE_MS = 20
/** Which trunks matter is looked at this often, beside at every change. */
const USAGE_CHECK_MS = 1_000

const VLANS_STATE: StateFormat<{ vlans: readonly VlanStateEntry[] }> = {
  name: 'trunk-peer.vlans',
  version: 1,
  schema: z.strictObject({
    vlans: z.array(z.strictObject({ record: z.string(), privateKey: z.string().nullable() })).max(1_024),
  }),
}

export interface TrunkPeerComponents {
  readonly bus: Bus
  readonly lane: LaneServer
  readonly clock: Clock
  readonly logger: Logger
  /** Where libp2p's own metrics go; none where absent. */
  readonly registry?: Registry
}

export interface TrunkPeerInit {
  readonly config: TrunkPeerConfig
  /** Directory of the node's key and its VLANs; null keeps both in memory. */
  readonly stateDir: string | null
}

interface RunningParts {
  readonly host: Libp2p
  readonly key: NodeKey
  readonly trunks: Trunks
  readonly addresses: OwnAddresses
  readonly mesh: Mesh
  readonly discovery: Discovery
  readonly reach: Reach
  readonly datagrams: DatagramPort
  readonly vlanLinks: VlanLinks
}

interface RunningState extends RunningParts {
  readonly dialer: Dialer
  readonly links: LinkWatch
  readonly bootstrap: Bootstrap
  readonly startedAtMs: number
}

/** libp2p host, trunks, frame relay and VLAN directory of one node, behind the bus contract. */
export class TrunkPeer implements Startable {
  readonly #components: TrunkPeerComponents
  readonly #init: TrunkPeerInit
  readonly #bootNonce = new Uint8Array(randomBytes(8))
  readonly gate = new OverlayGate()
  readonly memberships = new Memberships()
  readonly book = new PeerBook(Math.random)
  readonly usage = new TrunkUsage()
  readonly relay: FrameRelay
  /** The VLANs that are stored here. */
  readonly directory: Directory
  /** The VLANs that are published, here and elsewhere. */
  readonly published: VlanDirectory
  readonly recordNews: RecordNews
  readonly #choice: TrunkChoice
  readonly #api: BusApi
  #running: RunningState | null = null
  #changed = new Set<VlanId>()
  #timers: Timer[] = []
  #announceTimer: Timer | null = null

  constructor(components: TrunkPeerComponents, init: TrunkPeerInit) {
    this.#components = components
    this.#init = init
    this.relay = new FrameRelay(components.lane, (nodeId, vlan) => this.memberships.isMember(nodeId, vlan))
    this.directory = new Directory({
      clock: components.clock,
      logger: components.logger.child('directory'),
      random: (bytes) => randomBytes(bytes),
      askPeers: (vlan) => {
        for (const trunk of this.#running?.trunks.up() ?? [])
          trunk.sendControl({ type: 'record-request', vlan: vlanIdToBytes(vlan) })
      },
      lookUp: async (vlan) => {
        const { discovery } = this.running
        // Members have the record, published or not, and are asked as soon as there is a trunk to one.
        void discovery.meet(vlan)
        return discovery.dht.get(vlanRecordKey(vlan))
      },
      publishedRecord: (vlan) => this.published.record(vlan),
      publishedByName: (name, timeoutMs) => this.published.byName(name, timeoutMs),
      isJoined: (vlan) => this.memberships.ourVlans().has(vlan),
      onNewer: (vlan) => this.#recordIsNewer(vlan),
      save: (vlans) => this.#saveVlans(vlans),
    })
    this.published = new VlanDirectory({
      clock: components.clock,
      logger: components.logger.child('vlan-directory'),
      path: this.#statePath('directory.json'),
      stored: this.directory,
      isJoined: (vlan) => this.memberships.ourVlans().has(vlan),
      random: Math.random,
    })
    this.recordNews = new RecordNews({
      clock: components.clock,
      sequenceOf: (vlan) => this.directory.sequenceOf(vlan),
      mustPush: (vlan) => this.directory.isOwned(vlan) && !this.memberships.ourVlans().has(vlan),
      ask: (peer, vlan) =>
        this.#running?.trunks.get(peer)?.sendControl({ type: 'record-request', vlan: vlanIdToBytes(vlan) }) ??
        false,
      push: (peer, vlan) => this.#sendRecord(peer, vlan),
    })
    this.#choice = new TrunkChoice({
      connectionLimit: init.config.connectionLimit,
      book: this.book,
      usage: this.usage,
      memberships: this.memberships,
      mayMatter: (nodeId) => this.#mayMatter(nodeId),
      isShortcut: (nodeId) => this.#running?.mesh.shortcuts.isShortcut(nodeId) ?? false,
    })
    this.#api = new BusApi(components.bus, this)
  }

  /** The running parts. @throws where the service is not started */
  get running(): RunningParts & { uptimeMs: number } {
    if (this.#running === null) throw new Error('trunk-peer is not started')
    const { startedAtMs, ...parts } = this.#running
    return { ...parts, uptimeMs: Math.round(this.#components.clock.monotonicMs() - startedAtMs) }
  }

  get started(): boolean {
    return this.#running !== null
  }

  get config(): TrunkPeerConfig {
    return this.#init.config
  }

  get clock(): Clock {
    return this.#components.clock
  }

  async start(): Promise<void> {
    if (this.#running !== null) return
    const { clock, logger, registry } = this.#components
    const { config } = this.#init
    const key = await loadNodeKey(this.#statePath('node-key.json'), clock)
    await this.#loadVlans()
    const discovery = new Discovery({
      self: key.peerId,
      config,
      gate: this.gate,
      book: this.book,
      memberships: this.memberships,
      choice: this.#choice,
      peersPath: this.#statePath('peers.json'),
      clock,
      logger: logger.child('discovery'),
    })
    await discovery.peers.load()
    const { libp2p: host, reserve } = await createHost({
      privateKey: key.privateKey,
      config,
      listen: await usableListenAddresses(config.listen),
      agent: AGENT,
      gate: this.gate,
      moreAddresses: () => this.#running?.reach.addresses ?? [],
      relayGate: {
        mayReserve: (peer) => this.#running?.mesh.mayReserve(peer) ?? false,
        mayConnect: (from, to) => this.#running?.mesh.mayConnect(from, to) ?? false,
        expects: (from) => this.#running?.mesh.expects(from) ?? false,
      },
      clock,
      logger: logger.child('libp2p'),
      registry: registry ?? null,
      dht: discovery.kad,
      memory: discovery.memory,
      mayDial: (peer) => !this.book.waits(peer.toString()),
      onDiscovered: (peer) => this.#discovered(peer),
      onControlStream: (stream, connection) => trunks.acceptControl(stream, connection),
      onFramesStream: (stream, connection) => trunks.acceptFrames(stream, connection),
    })
    const datagrams = new DatagramPort({
      self: key.nodeId,
      config,
      gate: this.gate,
      clock,
      logger: logger.child('datagrams'),
    })
    const trunks = this.#createTrunks(host, key, discovery, datagrams)
    const { limit, reserved } = this.#choice.shares
    const dialer = new Dialer({
      host,
      book: this.book,
      clock,
      logger: logger.child('dialer'),
      mayDial: ({ sources }) => trunks.size < (sources.has('bootstrap') ? limit : limit - reserved),
      onFailed: ({ peerId }) => {
        if (peerId !== null) discovery.peers.failed(peerId)
      },
      onConnection: (connection, peer) => trunks.connected(connection, peer),
    })
    try {
      await datagrams.start()
      await host.start()
    } catch (error) {
      await host.stop()
      await datagrams.stop()
      throw error
    }
    const addresses = new OwnAddresses({ host, bus: this.#components.bus, clock })
    const links = new LinkWatch({
      clock,
      onChange: (change) => this.#networkChanged(change),
    })
    const mesh = this.#createMesh(host, reserve, key, trunks)
    const reach = this.#createReach(host, reserve, trunks, mesh)
    const { book, gate, memberships } = this
    const vlanLinks = new VlanLinks({ host, book, gate, memberships, clock, trunks: () => trunks.up() })
    const bootstrap = new Bootstrap({
      addresses: config.bootstrap,
      book,
      clock,
      logger: logger.child('bootstrap'),
    })
    const startedAtMs = clock.monotonicMs()
    this.#running = {
      host,
      key,
      trunks,
      dialer,
      addresses,
      mesh,
      reach,
      datagrams,
      discovery,
      links,
      vlanLinks,
      bootstrap,
      startedAtMs,
    }
    await this.published.start({
      host,
      dht: () => discovery.dht,
      trunks: () => trunks.up(),
      trunkOf: (peer) => trunks.get(peer),
    })
    bootstrap.start()
    trunks.start()
    dialer.start()
    addresses.start()
    links.start()
    mesh.start()
    discovery.start({ host, trunks, mesh })
    reach.start()
    this.#api.start()
    this.#timers = [
      clock.setInterval(() => this.#tellMembers(this.memberships.ourVlans()), MEMBERS_REFRESH_MS),
      clock.setInterval(() => this.recordNews.tick(), RECORD_NEWS_MS),
      clock.setInterval(() => this.#checkUsage(), USAGE_CHECK_MS),
    ]
    logger.info('started', {
      peer: key.peerId.toString(),
      node: key.nodeId,
      addresses: host.getMultiaddrs().map(String),
    })
  }

  async stop(): Promise<void> {
    const running = this.#running
    if (running === null) return
    this.#running = null
    this.#api.stop()
    for (const timer of this.#timers) timer.cancel()
    this.#announceTimer?.cancel()
    this.#announceTimer = null
    await this.published.stop()
    const { discovery } = running
    running.links.stop()
    running.bootstrap.stop()
    running.addresses.stop()
    running.dialer.stop()
    running.reach.stop()
    running.mesh.stop()
    running.trunks.stop()
    await running.datagrams.stop()
    await discovery.stop()
    await running.host.stop()
  }

  /** A switch has said what it has joined. */
  setMemberships(lane: string, ours: Parameters<Memberships['setOurs']>[1]): void {
    const changed = this.memberships.setOurs(lane, ours)
    this.relay.setVlans(lane, this.memberships.vlansOfLane(lane))
    this.#announce()
    this.#tellMembers(ours.map(({ vlanId }) => vlanId as VlanId))
    if (changed.size > 0) this.recordNews.reconsider()
    this.#setQuick()
    this.#running?.addresses.tell()
  }

  /** A switch has said what it uses its trunks for. */
  setUsed(used: PayloadOf<'switch.trunks.used'>): void {
    this.usage.set(used, this.#components.clock.monotonicMs())
    this.#setQuick()
  }

  /** Members of a VLAN that have a trunk to this node. */
  members(vlan: VlanId): VlanMember[] {
    return this.memberships.members(vlan, (nodeId) => this.#running?.trunks.get(nodeId)?.heldRttMs ?? null)
  }

  #createTrunks(host: Libp2p, key: NodeKey, discovery: Discovery, datagrams: DatagramPort): Trunks {
    const { clock, logger } = this.#components
    const trunks = new Trunks({
      self: key.nodeId,
      host,
      book: this.book,
      clock,
      logger: logger.child('trunk'),
      connectionLimit: this.#init.config.connectionLimit,
      queueBytes: this.#init.config.queueBytes,
      quickHeartbeatMs: this.#init.config.quickHeartbeatMs,
      datagrams,
      hello: () => this.#hello(datagrams),
      toPrune: (newcomer) => {
        const known = newcomer !== null && discovery.isKnownMember(newcomer.peerId)
        return this.#choice.toPrune(trunks.up(), clock.monotonicMs(), known)
      },
      onFull: (trunk) => discovery.sampleFor(trunk),
      onUp: (trunk) => {
        discovery.up(trunk)
        this.relay.addPeer(trunk)
        trunk.sendControl({ type: 'memberships', ...this.#announcement() })
        this.recordNews.up(trunk.nodeId)
        this.published.trunkUp(trunk)
        this.#tellMembersSoon(this.memberships.vlansOfPeer(trunk.nodeId))
        this.#setQuick()
        this.#running?.reach.up()
      },
      onDown: (trunk, reason) => {
        discovery.down(trunk, reason)
        this.#running?.reach.ended(trunk)
        this.relay.removePeer(trunk)
        if (this.#running?.trunks.get(trunk.nodeId) === undefined) {
          this.#running?.mesh.ended(trunk, reason)
          this.#tellMembersSoon(this.memberships.removePeer(trunk.nodeId))
          this.recordNews.forget(trunk.nodeId)
        }
      },
      onMemberships: (trunk, announced) => {
        this.#tellMembersSoon(this.memberships.setTheirs(trunk.nodeId, trunk.peerId, announced))
        this.recordNews.heard(trunk.nodeId, announced)
        discovery.heardMemberships(trunk)
        this.#setQuick()
      },
      onRoundTrip: (trunk) => this.#tellMembersSoon(this.memberships.vlansOfPeer(trunk.nodeId)),
      onMessage: (trunk, message) => {
        if (message.type === 'vlan-peers-request' || message.type === 'vlan-peers') {
          void this.#running?.mesh.receive(trunk, message)
          return
        }
        if (message.type === 'reach-request' || message.type === 'reach-answer') {
          this.#running?.reach.receive(trunk, message)
          return
        }
        if (message.type === 'peers-request' || message.type === 'peers') {
          discovery.receive(trunk, message)
          return
        }
        const vlan = vlanIdFromBytes(message.vlan)
        if (message.type === 'record') this.#receiveRecord(trunk.nodeId, vlan, message.record)
        else if (this.recordNews.mayAnswer(trunk.nodeId)) this.#sendRecord(trunk.nodeId, vlan)
      },
      onRecord: (trunk, record, freeBytes) => this.relay.fromTrunk(trunk, record, freeBytes),
    })
    return trunks
  }

  #checkUsage(): void {
    const now = this.#components.clock.monotonicMs()
    this.usage.expire(now, (nodeId) => this.#running?.trunks.get(nodeId) !== undefined)
    this.#setQuick()
  }

  #setQuick(): void {
    for (const { health, nodeId } of this.#running?.trunks.up() ?? [])
      if (health !== null) health.quick = this.#matters(nodeId)
  }

  /** True where frames would be missed. */
  #matters(nodeId: NodeId): boolean {
    const use = this.usage.of(nodeId)
    return (use !== undefined && (use.tree || use.bytesPerSecond > 0)) || this.#mayMatter(nodeId)
  }

  /** True where a switch does not tell what it uses: it may use every trunk to a member. */
  #mayMatter(nodeId: NodeId): boolean {
    const now = this.#components.clock.monotonicMs()
    for (const lane of this.memberships.lanes())
      if (!this.usage.tells(lane, now) && this.memberships.shares(nodeId, lane)) return true
    return false
  }

  #createMesh(host: Libp2p, reserve: Host['reserve'], key: NodeKey, trunks: Trunks): Mesh {
    const { bus, clock, logger } = this.#components
    const { book, usage, memberships, gate } = this
    return new Mesh({
      self: key.nodeId,
      config: this.#init.config,
      host,
      reserve,
      trunks,
      book,
      usage,
      memberships,
      gate,
      bus,
      clock,
      logger: logger.child('mesh'),
      isReachedOverRelays: () => (this.#running?.reach.relays.addresses.length ?? 0) > 0,
      choice: this.#choice,
      mayMatter: (nodeId) => this.#mayMatter(nodeId),
    })
  }

  /** What ran over the old network ends, is looked at or is dialled anew, all of it at once. */
  #networkChanged({ what, gone }: NetworkChange): void {
    const running = this.#running
    if (running === null) return
    const { clock, logger } = this.#components
    logger.info('the network has changed', { what, gone })
    running.dialer.networkChanged()
    running.trunks.networkChanged(gone)
    this.book.retryAll(clock.monotonicMs())
    running.datagrams.refresh()
    running.reach.networkChanged()
  }

  #createReach(host: Libp2p, reserve: Host['reserve'], trunks: Trunks, mesh: Mesh): Reach {
    const { clock, logger } = this.#components
    return new Reach({
      config: this.#init.config,
      host,
      trunks,
      book: this.book,
      gate: this.gate,
      clock,
      logger,
      reserve,
      adopt: (connection, nodeId) => mesh.shortcuts.adopt(connection, nodeId),
      onAddresses: () => this.#addressesChanged(host),
    })
  }

  /** Tells switches, and by libp2p's identify the peers. */
  #addressesChanged(host: Libp2p): void {
    this.#running?.addresses.check()
    host.peerStore
      .patch(host.peerId, { multiaddrs: host.getMultiaddrs() })
      .catch((error) => this.#components.logger.debug('own addresses were not stored', { error }))
  }

  #hello(datagrams: DatagramPort): Hello {
    return {
      type: 'hello',
      versions: [...TRUNK_VERSIONS],
      agent: AGENT,
      role: [...this.#init.config.roles],
      bootNonce: this.#bootNonce,
      capabilities: [
        MESH_CAPABILITY,
        REACH_CAPABILITY,
        EXCHANGE_CAPABILITY,
        ...(datagrams.port === null ? [] : [DATAGRAM_CAPABILITY]),
      ],
      maxRecordBytes: MAX_RECORD_LIMIT_BYTES,
      maxVlans: MAX_ANNOUNCED_VLANS,
      heartbeatMs: this.#init.config.heartbeatMs,
      wallMs: this.#components.clock.wallMs(),
    }
  }

  /** A record that somebody waits for, or one that may be newer than the stored one. */
  #receiveRecord(peer: NodeId, vlan: VlanId, record: Uint8Array | null): void {
    if (this.directory.receive(vlan, record)) return
    if (!this.recordNews.accepts(peer, vlan) || record === null) return
    this.directory
      .renew(vlan, record)
      .catch((error) => this.#components.logger.error('a newer record was not stored', { vlan, error }))
  }

  /** Null, which is an answer as well, where it is not known. */
  #sendRecord(peer: NodeId, vlan: VlanId): boolean {
    const record = this.directory.encodedRecord(vlan)
    const message = { type: 'record', vlan: vlanIdToBytes(vlan), record } as const
    return this.#running?.trunks.get(peer)?.sendControl(message) ?? false
  }

  /** Tells switches and peers. */
  #recordIsNewer(vlan: VlanInfo): void {
    this.#components.bus.publish('directory.changed', { vlan })
    this.memberships.renew()
    this.#announce()
    this.recordNews.changed(vlan.id as VlanId)
  }

  #announcement(): ReturnType<Memberships['announcement']> {
    return this.memberships.announcement((vlan) => this.directory.sequenceOf(vlan))
  }

  #announce(): void {
    const announcement = this.#announcement()
    for (const trunk of this.#running?.trunks.up() ?? []) {
      trunk.sendControl({ type: 'memberships', ...announcement })
    }
  }

  #tellMembersSoon(vlans: Iterable<VlanId>): void {
    for (const vlan of vlans) this.#changed.add(vlan)
    if (this.#changed.size === 0 || this.#announceTimer !== null || this.#running === null) return
    this.#announceTimer = this.#components.clock.setTimeout(() => {
      this.#announceTimer = null
      const changed = this.#changed
      this.#changed = new Set()
      this.#tellMembers(changed)
    }, MEMBERS_DEBOUNCE_MS)
  }

  /** Tells switches the members of those of the VLANs that this node has joined. */
  #tellMembers(vlans: Iterable<VlanId>): void {
    const joined = this.memberships.ourVlans()
    for (const vlanId of vlans) {
      if (!joined.has(vlanId)) continue
      this.#components.bus.publish('trunk.members.changed', {
        vlanId,
        members: this.members(vlanId),
      })
    }
  }

  #discovered(found: DiscoveredPeer): void {
    const running = this.#running
    if (running === null || found.id.equals(running.key.peerId) || found.id.type !== 'Ed25519') return
    const now = this.#components.clock.monotonicMs()
    for (const address of found.multiaddrs.slice(0, 16)) {
      if (!this.gate.isOverlay(address)) this.book.learn(found.id.toString(), address.toString(), 'mdns', now)
    }
  }

  #statePath(file: string): string | null {
    return this.#init.stateDir === null ? null : join(this.#init.stateDir, file)
  }

  async #loadVlans(): Promise<void> {
    const path = this.#statePath('vlans.json')
    if (path === null) return
    const state = await readStateFile(path, VLANS_STATE, { clock: this.#components.clock })
    if (state !== null) this.directory.load(state.vlans)
  }

  async #saveVlans(vlans: readonly VlanStateEntry[]): Promise<void> {
    const path = this.#statePath('vlans.json')
    if (path !== null) await writeStateFile(path, VLANS_STATE, { vlans })
  }
}
