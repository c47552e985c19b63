import { networkInterfaces } from 'node:os'
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock, Logger, NodeId, Timer } from '@wakunet/interface'
import type { TrunkPeerConfig } from '../config.ts'
import type { OverlayGate } from '../overlay-gate.ts'
import { dialableAddresses } from '../peer-addresses.ts'
import type { PeerBook } from '../peer-book.ts'
import type { PeerMessage, Trunk } from '../trunk.ts'
import type { Trunks } from '../trunks.ts'
import { DirectUpgrades } from './direct-upgrades.ts'
import { listenPorts, publicCandidates } from './own-candidates.ts'
import { PortMapper } from './port-mapper.ts'
import { ReachServer } from './reach-server.ts'
import { Reachability } from './reachability.ts'
import { RelayKeeper } from './relay-keeper.ts'

const TICK_MS = 1_000

export interface ReachInit {
  readonly config: TrunkPeerConfig
  readonly host: Libp2p
  readonly trunks: Trunks
  readonly book: PeerBook
  readonly gate: OverlayGate
  readonly clock: Clock
  readonly logger: Logger
  readonly reserve: (relay: PeerId) => Promise<void>
  /** See `DirectUpgradesInit`. */
  readonly adopt: (connection: Connection, nodeId: NodeId) => void
  /** What `addresses` gives has changed. */
  readonly onAddresses: () => void
}

/** How others reach this node, and how it reaches them better: its public addresses, relays that stand in, direct trunks after relayed ones. */
export class Reach {
  readonly reachability: Reachability
  readonly server: ReachServer
  readonly relays: RelayKeeper
  readonly upgrades: DirectUpgrades
  /** Null where it is switched off. */
  readonly mapper: PortMapper | null
  readonly #init: ReachInit
  #timer: Timer | null = null

  constructor(init: ReachInit) {
    this.#init = init
    const { config, host, trunks, book, gate, clock, logger } = init
    const isConfigured = (peerId: string) => book.get(peerId)?.sources.has('bootstrap') === true
    this.server = new ReachServer({ host, trunks, clock, logger: logger.child('reach') })
    this.mapper = config.upnp ? this.#createMapper() : null
    this.reachability = new Reachability({
      trunks,
      clock,
      candidates: () => [...this.#candidates(), ...(this.mapper?.addresses ?? [])],
      listenPorts: (family) => listenPorts(config.listen, family),
      isTrusted: isConfigured,
      onChange: () => this.#changed(),
    })
    this.relays = new RelayKeeper({
      trunks,
      clock,
      logger: logger.child('relays'),
      isNeeded: () => this.#needsRelay(),
      isConfigured,
      reserve: init.reserve,
      onChange: init.onAddresses,
    })
    this.upgrades = new DirectUpgrades({
      host,
      trunks,
      clock,
      logger: logger.child('upgrades'),
      dialable: (claimed) =>
        dialableAddresses(claimed, {
          own: host.getMultiaddrs().map(String),
          isOverlay: (address) => gate.isOverlay(address),
        }),
      adopt: init.adopt,
    })
  }

  /** Addresses of this node beside those of its interfaces, without its peer id: confirmed ones first, then those over relays. */
  get addresses(): readonly string[] {
    if (this.#init.config.announce.length > 0) return []
    return [...this.reachability.confirmed, ...this.relays.addresses]
  }

  start(): void {
    this.upgrades.start()
    this.mapper?.start()
    this.#timer ??= this.#init.clock.setInterval(() => this.#tick(), TICK_MS)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.server.stop()
    this.upgrades.stop()
    void this.mapper?.stop()
  }

  up(): void {
    this.reachability.tick()
    this.relays.tick()
  }

  ended(trunk: Trunk): void {
    this.relays.ended(trunk)
  }

  /** This host is elsewhere now. */
  networkChanged(): void {
    this.reachability.networkChanged()
    this.mapper?.networkChanged()
    this.upgrades.networkChanged()
    this.#tick()
    this.#init.onAddresses()
  }

  receive(trunk: Trunk, message: Extract<PeerMessage, { type: 'reach-request' | 'reach-answer' }>): void {
    if (message.type === 'reach-answer') this.reachability.receiveAnswer(trunk, message)
    else void this.server.receive(trunk, message)
  }

  #createMapper(): PortMapper {
    const { config, clock, logger } = this.#init
    return new PortMapper({
      ports: listenPorts(config.listen, 4),
      clock,
      logger: logger.child('port-mapper'),
      onMapped: () => this.reachability.askAgain(),
    })
  }

  #tick(): void {
    this.reachability.tick()
    this.relays.tick()
    this.upgrades.tick()
  }

  #changed(): void {
    if (this.reachability.verdict === 'public') this.relays.release()
    this.#init.onAddresses()
  }

  /** With public addresses of its own it may be dialled: what peers say is waited for. */
  #needsRelay(): boolean {
    if (this.#init.config.announce.length > 0) return false
    const { verdict } = this.reachability
    return verdict === 'private' || (verdict === 'unknown' && this.#candidates().length === 0)
  }

  #candidates(): string[] {
    const { config, gate } = this.#init
    return publicCandidates({
      listen: config.listen,
      interfaces: networkInterfaces(),
      isOverlay: (address) => gate.isOverlay(address),
    })
  }
}

/** Adds addresses to those that libp2p tells peers; each once. */
export function withAddresses(known: readonly string[], more: readonly string[], peerId: string) {
  const suffix = `/p2p/${peerId}`
  return [...new Set([...more.map((address) => `${address}${suffix}`), ...known])].map((text) =>
    multiaddr(text),
  )
}
