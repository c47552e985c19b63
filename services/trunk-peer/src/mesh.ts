import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { Libp2p, PeerId } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Bus, ReplyOf, RequestOf } from '@wakunet/bus'
import { vlanIdFromBytes } from '@wakunet/identity'
import type { Clock, Logger, NodeId, Timer, VlanId } from '@wakunet/interface'
import { TokenBucket } from '@wakunet/trunk'
import type { TrunkPeerConfig } from './config.ts'
import type { RelayGate } from './host/relay-server.ts'
import type { Memberships } from './memberships.ts'
import { nodeIdOfPeer } from './node-key.ts'
import type { OverlayGate } from './overlay-gate.ts'
import { type AddressRules, dialableAddresses, dialableCircuits, isLocalAddress } from './peer-addresses.ts'
import type { PeerBook } from './peer-book.ts'
import { RelayedLinks, type RelayedMember } from './relayed-links.ts'
import { Shortcuts } from './shortcuts.ts'
import type { PeerMessage, Trunk, TrunkEnd } from './trunk.ts'
import type { TrunkChoice } from './trunk-choice.ts'
import type { TrunkUsage } from './trunk-usage.ts'
import type { Trunks } from './trunks.ts'
import { type FoundMember, VlanPeers } from './vlan-peers.ts'

const TICK_MS = 1_000
const REACH_TIMEOUT_MS = 2_000
/** Connections over this node between peers that share no VLAN, where it relays for the internet. */
const STRANGERS_BURST = 32
const STRANGERS_PER_SECOND = 4
/** Relayed connections to this node. */
const CALLERS_BURST = 16
const CALLERS_PER_SECOND = 1

export interface MeshInit {
  readonly self: NodeId
  readonly config: TrunkPeerConfig
  readonly host: Libp2p
  readonly reserve: (relay: PeerId) => Promise<void>
  readonly trunks: Trunks
  readonly book: PeerBook
  readonly usage: TrunkUsage
  readonly choice: TrunkChoice
  readonly memberships: Memberships
  readonly gate: OverlayGate
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  /** True where this node has reservations of its own accord. */
  readonly isReachedOverRelays: () => boolean
  /** See `ShortcutsInit`. */
  readonly mayMatter: (nodeId: NodeId) => boolean
}

/** Trunks that nobody configured: direct ones to members where much goes, and ways to members that nothing leads to. */
export class Mesh implements RelayGate {
  readonly shortcuts: Shortcuts
  readonly vlanPeers: VlanPeers
  readonly relayed: RelayedLinks
  readonly #init: MeshInit
  readonly #strangers: TokenBucket
  readonly #callers: TokenBucket
  #timer: Timer | null = null

  constructor(init: MeshInit) {
    this.#init = init
    this.#strangers = new TokenBucket(STRANGERS_BURST, STRANGERS_PER_SECOND, init.clock)
    this.#callers = new TokenBucket(CALLERS_BURST, CALLERS_PER_SECOND, init.clock)
    const { self, host, trunks, memberships, clock, logger } = init
    this.shortcuts = new Shortcuts({
      ...init,
      logger: logger.child('shortcuts'),
      isJoined: (vlan) => memberships.ourVlans().has(vlan),
      dialable: (claimed) => dialableAddresses(claimed, this.#rules),
    })
    this.vlanPeers = new VlanPeers({
      self,
      host,
      trunks,
      memberships,
      clock,
      logger: logger.child('vlan-peers'),
      random: Math.random,
      unreached: (vlan, nodes) => this.unreached(vlan, nodes),
      onFound: (member) => this.#found(member),
    })
    this.relayed = new RelayedLinks({
      self,
      host,
      trunks,
      book: init.book,
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

  /** Members of one VLAN; and where this node relays for the internet, whoever wants to reach one that reserved here, at a rate. */
  mayConnect(from: PeerId, to: PeerId): boolean {
    if (!this.mayReserve(to)) return false
    const [one, other] = [nodeIdOfPeer(from), nodeIdOfPeer(to)]
    if (this.mayReserve(from) && this.#init.memberships.haveOneInCommon(one, other)) return true
    return this.#init.config.relay === 'on' && this.#strangers.take()
  }

  /** Where this node has told others relays at which it can be reached, they may come, as they may to a port that it listens on. */
  expects(from: PeerId): boolean {
    return this.#init.isReachedOverRelays() ? this.#callers.take() : this.relayed.expects(from)
  }

  /** A switch asks for a direct trunk; where the member cannot be dialled, one over its relay may become direct later. */
  shortcut(request: RequestOf<'trunk.shortcut'>): ReplyOf<'trunk.shortcut'> {
    const member = this.#overAnnouncedRelays(request)
    const relay = (): void => {
      if (member !== null) this.relayed.want(member)
    }
    const reply = this.shortcuts.request(request, relay)
    if (member === null || (reply.reason !== 'noAddress' && reply.reason !== 'failedLately')) return reply
    relay()
    return { outcome: 'dialling', reason: null }
  }

  #found(found: FoundMember): void {
    const { vlanId, nodeId, peerId, addresses, via } = found
    const relay = (): void => this.relayed.want({ ...found, circuits: [] })
    const { reason } = this.shortcuts.request({ vlanId, nodeId, peerId, addresses: [...addresses] }, relay)
    if (reason === 'noAddress' || reason === 'failedLately') relay()
    // On the internet a dial to somebody behind a router takes its whole time; the relayed trunk becomes direct when it can.
    else if (via !== null && !isLocalAddress(multiaddr(via.address))) relay()
  }

  /** Null where the member has told no relay, or is not to be reached over one by this node. */
  #overAnnouncedRelays(request: RequestOf<'trunk.shortcut'>): RelayedMember | null {
    const { vlanId, nodeId, addresses, publicKey } = request
    const circuits = dialableCircuits(addresses, this.#rules)
    if (circuits.length === 0 || publicKey === undefined) return null
    const peerId = peerIdFromPublicKey(publicKeyFromRaw(Buffer.from(publicKey, 'base64')))
    if (nodeIdOfPeer(peerId) !== nodeId || !this.#init.memberships.ourVlans().has(vlanId as VlanId))
      return null
    return {
      vlanId: vlanId as VlanId,
      nodeId: nodeId as NodeId,
      peerId: peerId.toString(),
      addresses,
      circuits,
      via: null,
    }
  }

  get #rules(): AddressRules {
    return {
      own: this.#init.host.getMultiaddrs().map(String),
      isOverlay: (address) => this.#init.gate.isOverlay(address),
    }
  }

  /** Those of the nodes that the switch has no way to; all where it does not say. */
  async unreached(vlan: VlanId, nodes: readonly NodeId[]): Promise<readonly NodeId[]> {
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
