import type { Connection, Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * A connection that this side has dialled, so that a trunk may be opened over it. One that the peer dialled for other things, the DHT
 * for one, does not do: there the peer would have to open the trunk, and does not know that it is wanted.
 * @param peerId null where it is not known yet
 */
export async function outboundConnection(
  host: Libp2p,
  peerId: string | null,
  targets: Multiaddr[],
  signal: AbortSignal,
): Promise<Connection> {
  const existing = peerId === null ? [] : host.getConnections(peerIdFromString(peerId))
  const usable = existing.find(isUsable)
  if (usable !== undefined) return usable
  // By itself libp2p makes one of two connections to a peer; it is told not to only where the one there is does not do.
  const connection = await host.dial(targets, { signal, force: existing.length > 0 })
  return connection.direction === 'outbound' ? connection : host.dial(targets, { signal, force: true })
}

const isUsable = ({ direction, status, limits }: Connection): boolean =>
  direction === 'outbound' && status === 'open' && limits === undefined
