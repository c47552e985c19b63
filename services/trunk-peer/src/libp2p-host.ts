import { identify } from '@libp2p/identify'
import type { ComponentLogger, Connection, Libp2p, PeerInfo, PrivateKey, Stream } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import { ping } from '@libp2p/ping'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { tcp } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Logger } from '@wakunet/interface'
import { FRAMES_PROTOCOL, guardedYamux, nativeNoise, TRUNK_PROTOCOL } from '@wakunet/trunk'
import { createLibp2p } from 'libp2p'
import type { Registry } from 'prom-client'
import type { TrunkPeerConfig } from './config.ts'
import type { OverlayGate } from './overlay-gate.ts'

/** Yamux windows grow up to this; they begin with the 256 KiB of its specification, or other hosts would not agree. */
const MAX_WINDOW_BYTES = 16 * 1024 * 1024
const MAX_READ_BUFFER_BYTES = 4 * 1024 * 1024

/** Streams of each protocol that one connection may have open: a trunk needs one, a replacement another. */
const MAX_STREAMS = 4

export interface HostInit {
  readonly privateKey: PrivateKey
  readonly config: TrunkPeerConfig
  /** Addresses of `config.listen` that this host can have. */
  readonly listen: readonly string[]
  readonly agent: string
  readonly gate: OverlayGate
  readonly logger: Logger
  readonly registry: Registry | null
  /** A peer answered on the local network. */
  readonly onDiscovered: (peer: PeerInfo) => void
  readonly onControlStream: (stream: Stream, connection: Connection) => void
  readonly onFramesStream: (stream: Stream, connection: Connection) => void
}

/**
 * A libp2p host that does what trunks need and nothing else: no dialling of its own, no pruning, no relay.
 * It is returned stopped.
 */
export async function createHost(init: HostInit): Promise<Libp2p> {
  const { config, gate } = init
  const host = await createLibp2p({
    start: false,
    privateKey: init.privateKey,
    nodeInfo: { userAgent: init.agent },
    logger: quietLogger(init.logger),
    ...(init.registry === null
      ? {}
      : { metrics: prometheusMetrics({ registry: init.registry, collectDefaultMetrics: false }) }),
    addresses: {
      listen: [...init.listen],
      announce: config.announce,
      announceFilter: (addresses) => reachable(addresses.filter((address) => !gate.isOverlay(address))),
    },
    transports: [tcp({ maxConnections: config.connectionLimit * 2 + 16, backlog: 128 })],
    connectionEncrypters: [nativeNoise()],
    streamMuxers: [
      guardedYamux({
        maxInboundStreams: 16,
        maxOutboundStreams: 16,
        streamOptions: {
          maxStreamWindowSize: MAX_WINDOW_BYTES,
          maxReadBufferLength: MAX_READ_BUFFER_BYTES,
        },
      }),
    ],
    peerDiscovery: config.mdns ? [localDiscovery(init)] : [],
    services: { identify: identify({ runOnConnectionOpen: true }), ping: ping() },
    connectionManager: {
      maxConnections: config.connectionLimit * 2 + 16,
      maxIncomingPendingConnections: 32,
      inboundConnectionThreshold: 16,
      reconnectRetries: 0,
      dialTimeout: 10_000,
    },
    // Heartbeats of the trunk tell sooner.
    connectionMonitor: { enabled: false },
    connectionGater: {
      denyDialMultiaddr: (address) => gate.isOverlay(address),
      denyInboundConnection: ({ remoteAddr }) => gate.isOverlay(remoteAddr),
    },
  })
  const streams = { maxInboundStreams: MAX_STREAMS, maxOutboundStreams: MAX_STREAMS }
  await host.handle(TRUNK_PROTOCOL, init.onControlStream, streams)
  await host.handle(FRAMES_PROTOCOL, init.onFramesStream, streams)
  return host
}

/**
 * Multicast DNS. Listened to here and not on the host, whose `peer:discovery` tells of every peer that it stores,
 * however it came to it.
 */
function localDiscovery({ config, onDiscovered }: HostInit): ReturnType<typeof mdns> {
  const create = mdns({ interval: config.mdnsIntervalMs })
  return (components) => {
    const discovery = create(components)
    discovery.addEventListener('peer', ({ detail }) => onDiscovered(detail))
    return discovery
  }
}

/** Without loopback addresses, unless there is nothing else: to another host they name that host. */
function reachable(addresses: Multiaddr[]): Multiaddr[] {
  const others = addresses.filter((address) => !/^\/(ip4\/127\.|ip6\/::1\/)/.test(address.toString()))
  return others.length > 0 ? others : addresses
}

/** libp2p's own log goes to the debug level of ours; its formatting cost is spent on errors only. */
function quietLogger(logger: Logger): ComponentLogger {
  const forComponent = (name: string) => {
    const log = (): void => {}
    const error = (format: string): void => logger.debug(format, { component: name })
    return Object.assign(log, {
      error,
      trace: () => {},
      enabled: false,
      newScope: (scope: string) => forComponent(`${name}:${scope}`),
    }) as ReturnType<ComponentLogger['forComponent']>
  }
  return { forComponent }
}
