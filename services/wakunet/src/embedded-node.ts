import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import path from 'node:path'
import { type Bus, ControlSocketServer, InProcessBusHub, type TrunkStatus } from '@wakunet/bus'
import type { Clock, LaneClient, Logger, Startable } from '@wakunet/interface'
import { createLanePair } from '@wakunet/lane'
import { HttpEndpoints, Lifecycle, MetricsRegistry, type Readiness } from '@wakunet/service-kit'
import { exposeTrunkPeerMetrics, type TrunkPeer, trunkPeer } from '@wakunet/trunk-peer'
import {
  exposeVlanSwitchMetrics,
  type HostNetwork,
  type OpenTap,
  type VlanSwitch,
  vlanSwitch,
} from '@wakunet/vlan-switch'
import type { NodeConfig } from './config.ts'
import { StateDirectoryLock } from './state-directory-lock.ts'

export interface EmbeddedNodeComponents {
  readonly logger: Logger
  readonly clock: Clock
  /** `openTap` of `@wakunet/netio`; a test hands in fakes. */
  readonly openTap: OpenTap
  /** `hostNetworks` of `@wakunet/vlan-switch`; absent: the host is on none. */
  readonly hostNetworks?: () => readonly HostNetwork[]
}

/**
 * All services of a node in one process, wired as separate processes are, over the same contract:
 *
 * ```text
 *   commands ── control socket ── bus hub ──┬── trunk-peer ══ trunks
 *                                           │        │ lane (calls)
 *                                           └── vlan-switch ── TAPs
 * ```
 */
export class EmbeddedNode implements Startable {
  readonly metrics = new MetricsRegistry({ processMetrics: true })
  readonly config: NodeConfig
  readonly #commandBus: Bus
  readonly #trunkPeer: TrunkPeer
  readonly #vlanSwitch: VlanSwitch
  readonly #http: HttpEndpoints | null
  readonly #lifecycle: Lifecycle

  constructor(components: EmbeddedNodeComponents, config: NodeConfig) {
    const { logger, clock } = components
    this.config = config
    const hub = new InProcessBusHub({ logger: logger.child('bus'), clock })
    const trunkBus = hub.connect('trunk-peer')
    const switchBus = hub.connect('vlan-switch')
    this.#commandBus = hub.connect('cli')
    const lane = createLanePair({ name: 'vlan-switch', logger: logger.child('lane') })
    this.#trunkPeer = trunkPeer({ config: config.trunk, stateDir: statePartsOf(config).trunkPeer })({
      bus: trunkBus,
      lane: lane.server,
      clock,
      logger: logger.child('trunk-peer'),
      registry: this.metrics.prometheus,
    })
    this.#vlanSwitch = makeSwitch(components, config, switchBus, lane.client)
    exposeTrunkPeerMetrics(this.metrics, this.#trunkPeer)
    exposeVlanSwitchMetrics(this.metrics, this.#vlanSwitch, lane.client)
    this.#http = config.http.enabled ? this.#makeHttp(logger) : null
    this.#lifecycle = new Lifecycle(components, {
      parts: [
        {
          name: 'state lock',
          part: new StateDirectoryLock(config.stateDir, Object.values(statePartsOf(config))),
        },
        { name: 'bus of trunk-peer', part: trunkBus },
        { name: 'bus of vlan-switch', part: switchBus },
        { name: 'bus of commands', part: this.#commandBus },
        { name: 'lane server', part: lane.server },
        { name: 'trunk-peer', part: this.#trunkPeer },
        { name: 'lane client', part: lane.client },
        { name: 'vlan-switch', part: this.#vlanSwitch },
        ...(this.#http === null ? [] : [{ name: 'http', part: this.#http }]),
        {
          name: 'control socket',
          part: new ControlSocketServer({ path: config.controlSocket, bus: this.#commandBus, logger }),
        },
      ],
    })
  }

  /** `host:port` of /healthz, /readyz and /metrics; null where they are off or not started. */
  get httpAddress(): string | null {
    const address = this.#http?.address ?? null
    if (address === null) return null
    return address.family === 'IPv6'
      ? `[${address.address}]:${address.port}`
      : `${address.address}:${address.port}`
  }

  /** @throws WakunetError while it is not started */
  status(): Promise<TrunkStatus> {
    return this.#commandBus.request('trunk.status', {})
  }

  start(signal?: AbortSignal): Promise<void> {
    return this.#lifecycle.start(signal)
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  #makeHttp(logger: Logger): HttpEndpoints {
    const { host, port } = this.config.http
    return new HttpEndpoints(
      { logger: logger.child('http'), metrics: this.metrics, readiness: () => this.#readiness() },
      { host, port, portKey: 'http.port' },
    )
  }

  #readiness(): Readiness {
    const reasons = [
      ...(this.#trunkPeer.started ? [] : ['trunk-peer is not started']),
      ...(this.#vlanSwitch.status.started ? [] : ['vlan-switch is not started']),
    ]
    return { ready: reasons.length === 0, reasons }
  }
}

/** Named like the folders of services that run apart, so that a host can change its shape and keep its identity. */
const statePartsOf = ({ stateDir }: NodeConfig) => ({
  trunkPeer: path.join(stateDir, 'trunk-peer'),
  vlanSwitch: path.join(stateDir, 'vlan-switch'),
})

const makeSwitch = (
  { logger, clock, ...host }: EmbeddedNodeComponents,
  config: NodeConfig,
  bus: Bus,
  lane: LaneClient,
): VlanSwitch =>
  vlanSwitch({
    config: config.switch,
    stateDir: statePartsOf(config).vlanSwitch,
    hostname: hostname(),
  })({ bus, lane, clock, logger: logger.child('vlan-switch'), random: randomBytes, ...host })
