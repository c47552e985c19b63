import type { Multiaddr } from '@multiformats/multiaddr'
import { dialableAddresses, isLocalAddress } from '../peer-addresses.ts'

export type DhtSetting = 'auto' | 'server' | 'client' | 'off'

/**
 * What a node is in the DHT. By itself it serves others where they can reach it: at a public address of its own, or where all that it
 * knows are on networks like its own (a LAN, a laboratory, a private deployment).
 * @param own addresses that this node tells
 * @param peers remote addresses of its trunks
 */
export function dhtMode(
  setting: Exclude<DhtSetting, 'off'>,
  own: readonly Multiaddr[],
  peers: readonly Multiaddr[],
): 'client' | 'server' {
  if (setting !== 'auto') return setting
  const direct = own.filter((address) => !isRelayed(address))
  if (direct.some(isPublic)) return 'server'
  return direct.length > 0 && peers.every((address) => isLocalAddress(address)) ? 'server' : 'client'
}

const isRelayed = (address: Multiaddr): boolean =>
  address.getComponents().some(({ name }) => name === 'p2p-circuit')

/** True for an address that a host without any local network may dial. */
const isPublic = (address: Multiaddr): boolean =>
  dialableAddresses([address.toString()], { own: [], isOverlay: () => false }).length > 0
