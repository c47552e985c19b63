/**
 * trunk-peer: the libp2p host of a node, its trunks to other nodes, and the directory of VLANs. It moves records
 * between trunks and the frame lanes of this host's switches without opening them.
 */
import { TrunkPeer, type TrunkPeerComponents, type TrunkPeerInit } from './trunk-peer.ts'

export { type TrunkPeerConfig, trunkPeerConfigSchema } from './config.ts'
export { exposeTrunkPeerMetrics } from './metrics.ts'
export { TrunkPeer, type TrunkPeerComponents, type TrunkPeerInit } from './trunk-peer.ts'
export { VERSION } from './version.ts'

/** Factory in the shape of all services: first what is configured, then what it is wired to. */
export const trunkPeer =
  (init: TrunkPeerInit) =>
  (components: TrunkPeerComponents): TrunkPeer =>
    new TrunkPeer(components, init)
