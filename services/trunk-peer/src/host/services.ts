import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import type { TrunkPeerConfig } from '../config.ts'
import { relayServer } from './relay-server.ts'

/** What this node offers to libp2p peers beside trunks. */
export function hostServices(config: TrunkPeerConfig) {
  return {
    identify: identify({ runOnConnectionOpen: true }),
    ping: ping(),
    ...(config.relay === 'off' ? {} : { relay: relayServer() }),
  }
}
