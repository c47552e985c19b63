import { identify, identifyPush } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import type { TrunkPeerConfig } from '../config.ts'
import type { KadDht } from '../discovery/kad-dht.ts'
import { relayServer } from './relay-server.ts'

/** What this node offers to libp2p peers beside trunks. */
export function hostServices(config: TrunkPeerConfig, dht: KadDht | null) {
  return {
    identify: identify({ runOnConnectionOpen: true }),
    // Peers learn of new addresses without a new connection.
    identifyPush: identifyPush({ runOnLimitedConnection: true }),
    ping: ping(),
    ...(dht === null ? {} : { dht: dht.service }),
    ...(config.relay === 'off' ? {} : { relay: relayServer() }),
  }
}
