import { peerIdFromString } from '@libp2p/peer-id'
import type {
  Bus,
  PeerInfo,
  ReachInfo,
  Subscription,
  TrunkPathInfo,
  TrunkStatus,
  VlanInfo,
} from '@wakunet/bus'
import type { VlanId } from '@wakunet/interface'
import { directoryPage } from './directory-page.ts'
import { nodeIdOfPeer } from './node-key.ts'
import type { KnownPeer } from './peer-book.ts'
import { natKind } from './reach/nat-kind.ts'
import { signWithNodeKey } from './sign.ts'
import type { Trunk } from './trunk.ts'
import type { TrunkPeer } from './trunk-peer.ts'
import { VERSION } from './version.ts'

const NO_DATAGRAMS = { address: null, rttMs: null, datagramBytes: 0, cipher: null, trouble: null } as const

/** What trunk-peer answers and hears on the bus. */
export class BusApi {
  readonly #bus: Bus
  readonly #service: TrunkPeer
  #subscriptions: Subscription[] = []

  constructor(bus: Bus, service: TrunkPeer) {
    this.#bus = bus
    this.#service = service
  }

  start(): void {
    const bus = this.#bus
    const { directory, published, gate } = this.#service
    this.#subscriptions = [
      bus.respond('trunk.status', () => this.#status()),
      bus.respond('trunk.peers', () => ({ peers: this.#peers() })),
      bus.respond('trunk.membership.set', ({ lane, memberships: ours }) => {
        this.#service.setMemberships(lane, ours)
        return {}
      }),
      bus.respond('trunk.members.get', ({ vlanId }) => ({
        members: this.#service.members(vlanId as VlanId),
      })),
      bus.respond('trunk.sign', (request) => signWithNodeKey(this.#service.running.key, request)),
      bus.respond('trunk.shortcut', (request) => this.#service.running.mesh.shortcut(request)),
      bus.respond('directory.create', (request) => directory.create(request)),
      bus.respond('directory.edit', (request) => this.#changed(directory.edit(request))),
      bus.respond('directory.publish', (request) =>
        this.#changed(directory.setPublished(request.vlan, request.published)),
      ),
      bus.respond('directory.resolve', ({ vlan, timeoutMs, keep }) =>
        directory.resolve(vlan, timeoutMs, keep),
      ),
      bus.respond('directory.list', ({ after }) => directoryPage(directory.list(), after)),
      bus.respond('directory.search', (request) => published.search(request)),
      bus.respond('directory.link', async ({ vlan }) =>
        this.#service.running.vlanLinks.make(await directory.resolve(vlan, 0)),
      ),
      bus.respond('directory.open', ({ link, timeoutMs }) =>
        directory.resolve(this.#service.running.vlanLinks.open(link), timeoutMs),
      ),
      bus.subscribe('switch.ports.changed', ({ lane, subnets }) => {
        gate.setSubnets(lane, subnets)
        this.#service.running.addresses.check()
        this.#service.running.datagrams.refresh()
      }),
      bus.subscribe('switch.trunks.used', (used) => this.#service.setUsed(used)),
      bus.onConnected(() => this.#announceStart()),
    ]
    if (bus.connected) this.#announceStart()
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
    this.#subscriptions = []
  }

  /** The directory is told of a changed record before the answer is given. */
  async #changed(change: Promise<VlanInfo>): Promise<VlanInfo> {
    const vlan = await change
    await this.#service.published.reconcile()
    return vlan
  }

  #announceStart(): void {
    const { key } = this.#service.running
    this.#bus.publish('trunk.started', { nodeId: key.nodeId, peerId: key.peerId.toString() })
    this.#service.running.addresses.tell()
  }

  #status(): TrunkStatus {
    const { host, key, trunks, uptimeMs } = this.#service.running
    const stats = trunks.stats
    const relay = this.#service.relay.stats
    return {
      nodeId: key.nodeId,
      peerId: key.peerId.toString(),
      role: this.#service.config.roles[0] ?? 'regular',
      version: VERSION,
      uptimeMs,
      addresses: host.getMultiaddrs().map(String).slice(0, 64),
      peersConnected: [...trunks.up()].length,
      peersKnown: this.#service.book.size,
      recordsSent: stats.recordsSent,
      recordsReceived: stats.recordsReceived,
      recordsDropped: stats.recordsDropped + relay.noTrunk + relay.laneMissing,
      recordsRefused: relay.recordTooShort + relay.vlanNotJoined + relay.notMember + relay.laneMalformed,
      reach: this.#reach(),
    }
  }

  #reach(): ReachInfo {
    const { reach, trunks, datagrams } = this.#service.running
    const { verdict, confirmed, observedHosts } = reach.reachability
    const relays = reach.relays.relays
      .map((nodeId) => trunks.get(nodeId)?.peerId)
      .filter((id) => id !== undefined)
    return {
      verdict,
      nat: natKind(datagrams.seenByPublicPeers, datagrams.ownHosts),
      observed: observedHosts.slice(0, 8),
      confirmed: confirmed.slice(0, 32),
      relays: relays.slice(0, 8),
    }
  }

  #peers(): PeerInfo[] {
    return [...this.#service.book.all()].slice(0, 4_096).map((peer) => this.#peer(peer))
  }

  #peer(peer: KnownPeer): PeerInfo {
    const now = this.#service.clock.monotonicMs()
    const nodeId = peer.peerId === null ? null : nodeIdOfPeer(peerIdFromString(peer.peerId))
    const trunk = nodeId === null ? undefined : this.#service.running.trunks.get(nodeId)
    const stats = trunk?.stats
    return {
      peerId: peer.peerId ?? 'unknown-yet',
      nodeId,
      state: trunk === undefined ? peer.state : 'connected',
      sources: [...peer.sources],
      address: trunk?.address ?? peer.addresses[0] ?? null,
      direction: trunk === undefined ? null : trunk.initiator ? 'outbound' : 'inbound',
      rttMs: trunk?.rttMs ?? null,
      connectedSinceMs: trunk?.startedAtMs ?? null,
      agent: trunk?.theirHello?.agent ?? null,
      vlans: nodeId === null ? [] : this.#service.memberships.vlansOfPeer(nodeId),
      lastError: peer.lastError,
      retryInMs: peer.retryAtMs === null ? null : Math.max(0, Math.round(peer.retryAtMs - now)),
      bytesSent: stats?.bytesSent ?? 0,
      bytesReceived: stats?.bytesReceived ?? 0,
      recordsDropped: stats?.recordsDropped ?? 0,
      path: trunk === undefined ? null : this.#path(trunk),
      relay: trunk === undefined ? null : relayOf(trunk.address),
      obstacle:
        trunk === undefined
          ? null
          : (this.#service.running.reach.upgrades.obstacle(trunk)?.slice(0, 512) ?? null),
      loss: trunk?.health?.loss(now) ?? null,
    }
  }

  #path(trunk: Trunk): TrunkPathInfo {
    const { datagram, usesDatagrams, stats } = trunk.path
    const here = this.#service.running.datagrams.port !== null
    const info = datagram?.info ?? NO_DATAGRAMS
    return {
      ...info,
      carrier: usesDatagrams ? 'datagram' : 'stream',
      trouble: datagram !== null ? info.trouble : here ? 'peer-off' : 'off',
      recordsSent: stats?.datagramRecordsSent ?? 0,
      recordsReceived: stats?.datagramRecordsReceived ?? 0,
    }
  }
}

/** Peer id of the relay in an address `.../p2p/RELAY/p2p-circuit/p2p/PEER`; null in others. */
function relayOf(address: string): string | null {
  return /\/p2p\/([^/]+)\/p2p-circuit/.exec(address)?.[1] ?? null
}
