import type { PeerInfo } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'

/**
 * Multicast DNS. Listened to here and not on the host, whose `peer:discovery` tells of every peer that it stores,
 * however it came to it.
 */
export function localDiscovery(
  intervalMs: number,
  serviceTag: string,
  onDiscovered: (peer: PeerInfo) => void,
): ReturnType<typeof mdns> {
  const create = mdns({ interval: intervalMs, serviceTag })
  return (components) => {
    const discovery = create(components)
    discovery.addEventListener('peer', ({ detail }) => onDiscovered(detail))
    return discovery
  }
}
