import type { Libp2p, PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Bus } from '@wakunet/bus'
import { vlanIdFromBytes } from '@wakunet/identity'
import type { Clock, Logger, NodeId, Timer, VlanId } from '@wakunet/interface'
import type { TrunkPeerConfig } from './config.ts'
import type { RelayGate } from './host/relay-server.ts'
import type { Memberships } from './memberships.ts'
import { nodeIdOfPeer } from './node-key.ts'
import type { OverlayGate } from './overlay-gate.ts'
import { dialableAddresses, isLocalAddress } from './peer-addresses.ts'
import type { PeerBook } from './peer-book.ts'
import { RelayedLinks } from './relayed-links.ts'
import { Shortcuts } from './shortcuts.ts'
import type { PeerMessage, Trunk, TrunkEnd } from './trunk.ts'
import type { TrunkUsage } from './trunk-usage.ts'
import type { Trunks } from './trunks.ts'
import { type FoundMember, VlanPeers } from './vlan-peers.ts'

const TICK_MS = 1_000
const REACH_TIMEOUT_MS = 2_000

export interface MeshInit {
  readonly self: NodeId
  readonly config: TrunkPeerConfig
  readonly host: Libp2p
  readonly reserve: (relay: PeerId) => Promise<void>
  readonly trunks: Trunks
  readonly book: PeerBook
  readonly usage: TrunkUsage
  readonly memberships: Memberships
  readonly gate: OverlayGate
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  /** See `ShortcutsInit`. */
  readonly mayMatter: (nodeId: NodeId) => boolean
}

/** Trunks that nobody configured: direct ones to members where much goes, and ways to members that nothing leads to. */
export class Mesh implements RelayGate {
  readonly shortcuts: Shortcuts
  readonly vlanPeers: VlanPeers
  readonly relayed: RelayedLinks
  readonly #init: MeshInit
  #timer: Timer | null = null

  constructor(init: MeshInit) {
    this.#init = init
    const { self, host, trunks, memberships, clock, logger } = init
    this.shortcuts = new Shortcuts({
      ...init,
      logger: logger.child('shortcuts'),
      isJoined: (vlan) => memberships.ourVlans().has(vlan),
      dialable: (claimed) =>
        dialableAddresses(claimed, {
          own: host.getMultiaddrs().map(String),
          isOverlay: (address) => init.gate.isOverlay(address),
        }),
    })
    this.vlanPeers = new VlanPeers({
      self,
      host,
      trunks,
      memberships,
      clock,
      logger: logger.child('vlan-peers'),
      random: Math.random,
      unreached: (vlan, nodes) => this.#unreached(vlan, nodes),
      onFound: (member) => this.#found(member),
    })
    this.relayed = new RelayedLinks({
      self,
      host,
      trunks,
      clock,
      logger: logger.child('relayed-links'),
      reserve: init.reserve,
      adopt: (connection, nodeId) => this.shortcuts.adopt(connection, nodeId),
    })
  }

  start(): void {
    this.#timer ??= this.#init.clock.setInterval(() => {
      this.shortcuts.tick()
      this.vlanPeers.tick()
      this.relayed.tick()
    }, TICK_MS)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.shortcuts.stop()
    this.relayed.stop()
  }

  ended(trunk: Trunk, reason: TrunkEnd): void {
    this.shortcuts.ended(trunk, reason)
    this.relayed.ended(trunk, reason.code === 'idle')
  }

  receive(
    trunk: Trunk,
    message: Extract<PeerMessage, { type: 'vlan-peers-request' | 'vlan-peers' }>,
  ): Promise<void> {
    const vlan = vlanIdFromBytes(message.vlan)
    return message.type === 'vlan-peers'
      ? this.vlanPeers.receiveAnswer(trunk, vlan, message.peers)
      : this.vlanPeers.receiveRequest(trunk, vlan)
  }

  /** Only peers with a trunk, and by default only those of private networks: nobody's uplink serves strangers unasked. */
  mayReserve(peer: PeerId): boolean {
    const trunk = this.#init.trunks.get(nodeIdOfPeer(peer))
    if (trunk === undefined || this.#init.config.relay === 'off') return false
    return this.#init.config.relay === 'on' || isLocalAddress(multiaddr(trunk.address))
  }

  mayConnect(from: PeerId, to: PeerId): boolean {
    const [one, other] = [nodeIdOfPeer(from), nodeIdOfPeer(to)]
    return this.mayReserve(from) && this.mayReserve(to) && this.#init.memberships.haveOneInCommon(one, other)
  }

  expects(from: PeerId): boolean {
    return this.relayed.expects(from)
  }

  #found(member: FoundMember): void {
    const { vlanId, nodeId, peerId, addresses } = member
    const relay = (): void => this.relayed.want(member)
    const { reason } = this.shortcuts.request({ vlanId, nodeId, peerId, addresses: [...addresses] }, relay)
    if (reason === 'noAddress' || reason === 'failedLately') relay()
  }

  async #unreached(vlan: VlanId, nodes: readonly NodeId[]): Promise<readonly NodeId[]> {
    try {
      const request = { vlanId: vlan, nodeIds: [...nodes] }
      const options = { timeoutMs: REACH_TIMEOUT_MS }
      const { unreached } = await this.#init.bus.request('switch.reach', request, options)
      return unreached as NodeId[]
    } catch (error) {
      this.#init.logger.debug('the switch does not say whom it reaches', { error })
      return nodes
    }
  }
}
