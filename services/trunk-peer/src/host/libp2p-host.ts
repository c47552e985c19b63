import type { Connection, Libp2p, PeerId, PeerInfo, PrivateKey, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock, Logger } from '@wakunet/interface'
import { FRAMES_PROTOCOL, nativeNoise, TRUNK_PROTOCOL } from '@wakunet/trunk'
import { createLibp2p } from 'libp2p'
import type { Registry } from 'prom-client'
import type { TrunkPeerConfig } from '../config.ts'
import type { BoundedDatastore } from '../discovery/bounded-datastore.ts'
import type { KadDht } from '../discovery/kad-dht.ts'
import type { OverlayGate } from '../overlay-gate.ts'
import { withAddresses } from '../reach/reach.ts'
import { AddressOrder } from './address-order.ts'
import { localDiscovery } from './local-discovery.ts'
import { networkIdentity } from './network-key.ts'
import { quietLogger } from './quiet-logger.ts'
import { RelayClient } from './relay-client.ts'
import { type RelayGate, relayRules } from './relay-server.ts'
import { hostServices } from './services.ts'
import { hostTransports, maxConnections, streamMuxers } from './transports.ts'

/** Streams of each protocol that one connection may have open: a trunk needs one, a replacement another. */
const MAX_STREAMS = 4
/** One address that does not answer leaves time for the others. */
const ADDRESS_DIAL_TIMEOUT_MS = 3_000

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
  /** Addresses to tell peers beside those of the interfaces; libp2p leaves out public ones of its own that it has not confirmed. */
  readonly moreAddresses: () => readonly string[]
  readonly clock: Clock
  readonly logger: Logger
  readonly registry: Registry | null
  /** Null where the DHT is switched off. */
  readonly dht: KadDht | null
  /** What libp2p remembers of others. */
  readonly memory: BoundedDatastore
  /** False while somebody else will dial the peer: libp2p makes one of all dials to a peer, and the slowest holds up the rest. */
  readonly mayDial: (peer: PeerId) => boolean
  /** A peer answered on the local network. */
  readonly onDiscovered: (peer: PeerInfo) => void
  readonly onControlStream: (stream: Stream, connection: Connection) => void
  readonly onFramesStream: (stream: Stream, connection: Connection) => void
}

/**
 * A libp2p host that does what trunks and the DHT need and nothing else: no dialling beside theirs, no search for relays.
 * It is returned stopped.
 */
export async function createHost(init: HostInit): Promise<Host> {
  const { config, gate } = init
  const relayClient = new RelayClient()
  const { prologue, serviceTag } = await networkIdentity(config.network, config.networkKeyFile)
  const order = new AddressOrder(init.clock)
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
      announceFilter: (addresses) => {
        const own = reachable(addresses.filter((address) => !gate.isOverlay(address))).map(String)
        return withAddresses(own, init.moreAddresses(), peerIdFromPrivateKey(init.privateKey).toString())
      },
    },
    transports: hostTransports(config, relayClient, order),
    connectionEncrypters: [nativeNoise(prologue)],
    streamMuxers: streamMuxers(),
    peerDiscovery: config.mdns ? [localDiscovery(config.mdnsIntervalMs, serviceTag, init.onDiscovered)] : [],
    services: hostServices(config, init.dht),
    datastore: init.memory,
    connectionManager: {
      maxConnections: maxConnections(config),
      maxIncomingPendingConnections: 32,
      inboundConnectionThreshold: 16,
      reconnectRetries: 0,
      dialTimeout: 10_000,
      addressDialTimeout: ADDRESS_DIAL_TIMEOUT_MS,
      addressSorter: order.compare,
    },
    // Heartbeats of the trunk tell sooner.
    connectionMonitor: { enabled: false },
    connectionGater: {
      denyDialPeer: (peer) => !init.mayDial(peer),
      denyDialMultiaddr: (address) => gate.isOverlay(address),
      denyInboundConnection: ({ remoteAddr }) => gate.isOverlay(remoteAddr),
      ...relayRules(init.relayGate),
    },
  })
  await handleTrunks(host, init)
  return { libp2p: host, reserve: (relay) => relayClient.reserve(relay) }
}

async function handleTrunks(host: Libp2p, { onControlStream, onFramesStream }: HostInit): Promise<void> {
  const streams = {
    maxInboundStreams: MAX_STREAMS,
    maxOutboundStreams: MAX_STREAMS,
    // A relayed connection has limits, and trunks are what it is for.
    runOnLimitedConnection: true,
  }
  await host.handle(TRUNK_PROTOCOL, onControlStream, streams)
  await host.handle(FRAMES_PROTOCOL, onFramesStream, streams)
}

/** Without loopback addresses, unless there is nothing else: to another host they name that host. */
function reachable(addresses: Multiaddr[]): Multiaddr[] {
  const others = addresses.filter((address) => !/^\/(ip4\/127\.|ip6\/::1\/)/.test(address.toString()))
  return others.length > 0 ? others : addresses
}
