import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type {
  ComponentLogger,
  Connection,
  Libp2p,
  PeerId,
  PeerInfo,
  PrivateKey,
  Stream,
  Transport,
} from '@libp2p/interface'
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

/** Of the relay, for all of its clients and for each connection (`docs/protocols/trunk.md`, virtual links). */
const RELAY_RESERVATIONS = 64
const RELAY_RESERVATION_MS = 2 * 3_600_000
const RELAY_CONNECTION_MS = 3_600_000
const RELAY_CONNECTION_BYTES = 4n * 1024n ** 3n
const RELAY_HANDSHAKE_MS = 10_000
const RELAY_STREAMS = 16

/** Who may use what of relays. */
export interface RelayGate {
  /** A peer wants to be reached over this node. */
  readonly mayReserve: (peer: PeerId) => boolean
  /** A peer wants to reach another over this node. */
  readonly mayConnect: (from: PeerId, to: PeerId) => boolean
  /** Another reaches this node over a relay. */
  readonly expects: (from: PeerId) => boolean
}

export interface Host {
  readonly libp2p: Libp2p
  /** Makes a reservation at a relay with a connection to this node; kept and renewed while the connection stands. */
  reserve(relay: PeerId): Promise<void>
}

export interface HostInit {
  readonly privateKey: PrivateKey
  readonly config: TrunkPeerConfig
  /** Addresses of `config.listen` that this host can have. */
  readonly listen: readonly string[]
  readonly agent: string
  readonly gate: OverlayGate
  readonly relayGate: RelayGate
  readonly logger: Logger
  readonly registry: Registry | null
  /** A peer answered on the local network. */
  readonly onDiscovered: (peer: PeerInfo) => void
  readonly onControlStream: (stream: Stream, connection: Connection) => void
  readonly onFramesStream: (stream: Stream, connection: Connection) => void
}

/**
 * A libp2p host that does what trunks need and nothing else: no dialling of its own, no pruning, no search for relays.
 * It is returned stopped.
 */
export async function createHost(init: HostInit): Promise<Host> {
  const { config, gate, relayGate } = init
  const circuit = circuitRelayTransport({ reservationConcurrency: 2 })
  let reservations: Reservations | null = null
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
    transports: [
      tcp({ maxConnections: config.connectionLimit * 2 + 16, backlog: 128 }),
      (components) => {
        const transport = circuit(components)
        reservations = reservationsOf(transport)
        return transport
      },
    ],
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
    services: {
      identify: identify({ runOnConnectionOpen: true }),
      ping: ping(),
      ...(config.relay === 'off' ? {} : { relay: relayServer() }),
    },
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
      denyInboundRelayReservation: (peer) => !relayGate.mayReserve(peer),
      denyOutboundRelayedConnection: (from, to) => !relayGate.mayConnect(from, to),
      denyInboundRelayedConnection: (_relay, from) => !relayGate.expects(from),
    },
  })
  const streams = {
    maxInboundStreams: MAX_STREAMS,
    maxOutboundStreams: MAX_STREAMS,
    // A relayed connection has limits, and trunks are what it is for.
    runOnLimitedConnection: true,
  }
  await host.handle(TRUNK_PROTOCOL, init.onControlStream, streams)
  await host.handle(FRAMES_PROTOCOL, init.onFramesStream, streams)
  return {
    libp2p: host,
    reserve: async (relay) => {
      if (reservations?.hasReservation(relay) !== true) await reservations?.addRelay(relay, 'configured')
    },
  }
}

/** The part of libp2p's circuit transport that knows relays; its type does not show it. */
interface Reservations {
  hasReservation(relay: PeerId): boolean
  addRelay(relay: PeerId, type: 'configured'): Promise<unknown>
}

/**
 * Reservations are made directly and not by listening on a relay's address: every such listener stays with libp2p until it stops, and
 * this node's peers learn of the relay from the relay.
 */
function reservationsOf(transport: Transport): Reservations {
  const { reservationStore } = transport as Transport & { readonly reservationStore?: Reservations }
  if (reservationStore === undefined)
    throw new Error("libp2p's circuit transport keeps reservations elsewhere")
  return reservationStore
}

function relayServer(): ReturnType<typeof circuitRelayServer> {
  return circuitRelayServer({
    hopTimeout: RELAY_HANDSHAKE_MS,
    maxInboundHopStreams: RELAY_STREAMS,
    maxOutboundStopStreams: RELAY_STREAMS,
    reservations: {
      maxReservations: RELAY_RESERVATIONS,
      reservationTtl: RELAY_RESERVATION_MS,
      defaultDurationLimit: RELAY_CONNECTION_MS,
      defaultDataLimit: RELAY_CONNECTION_BYTES,
    },
  })
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
