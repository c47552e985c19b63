import type { Libp2p, PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock, Logger, Timer } from '@wakunet/interface'
import type { TrunkPeerConfig } from '../config.ts'
import type { OverlayGate } from '../overlay-gate.ts'
import { dialableAddresses } from '../peer-addresses.ts'
import type { Trunk } from '../trunk.ts'
import type { BoundedDatastore } from './bounded-datastore.ts'
import { type Dht, NO_DHT } from './dht.ts'
import { dhtMode } from './dht-mode.ts'
import { KadDht } from './kad-dht.ts'
import { libp2pMemory } from './libp2p-memory.ts'
import { SIGNED_RECORDS } from './vlan-record-rules.ts'

const TICK_MS = 1_000

export interface DiscoveryInit {
  readonly self: PeerId
  readonly config: TrunkPeerConfig
  readonly gate: OverlayGate
  readonly clock: Clock
  readonly logger: Logger
}

/** What there is once the host runs. */
export interface DiscoveryParts {
  readonly host: Libp2p
  /** Trunks over which frames can pass. */
  readonly trunks: () => Iterable<Trunk>
}

/** How a node finds others beside those that it is told of. */
export class Discovery {
  readonly memory: BoundedDatastore
  /** Null where it is switched off. */
  readonly kad: KadDht | null
  readonly #init: DiscoveryInit
  #parts: DiscoveryParts | null = null
  #timer: Timer | null = null

  constructor(init: DiscoveryInit) {
    this.#init = init
    this.memory = libp2pMemory(init.self)
    const { dht } = init.config
    this.kad =
      dht === 'off'
        ? null
        : new KadDht({
            mode: dht === 'server' ? 'server' : 'client',
            rules: SIGNED_RECORDS,
            clock: init.clock,
            dialable: (claimed) => this.dialable(claimed),
          })
  }

  get dht(): Dht {
    return this.kad ?? NO_DHT
  }

  start(parts: DiscoveryParts): void {
    this.#parts = parts
    this.#timer ??= this.#init.clock.setInterval(() => this.#tick(), TICK_MS)
    this.#tick()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#parts = null
  }

  /** Those of a stranger's addresses that this node may dial. */
  dialable(claimed: readonly string[]): string[] {
    return dialableAddresses(claimed, {
      own: (this.#parts?.host.getMultiaddrs() ?? []).map(String),
      isOverlay: (address) => this.#init.gate.isOverlay(address),
    })
  }

  #tick(): void {
    this.#setMode()
  }

  #setMode(): void {
    const { config, logger } = this.#init
    if (this.kad === null || this.#parts === null || config.dht === 'off') return
    const { host, trunks } = this.#parts
    const peers = [...trunks()].map(({ address }) => multiaddr(address))
    const mode = dhtMode(config.dht, host.getMultiaddrs(), peers)
    this.kad.setMode(mode).catch((error) => logger.warn('the DHT does not change its mode', { mode, error }))
  }
}
