import { isIP, isIPv6 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { isLocalHost } from '../peer-addresses.ts'

/** What this host's own network says of where the node may be dialled. */
export interface OwnNetwork {
  /** `trunk.listen`. */
  readonly listen: readonly string[]
  readonly interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>
  readonly isOverlay: (address: Multiaddr) => boolean
}

/** Public addresses of the interfaces with the ports that the node listens on. Whether anybody can dial them is another question. */
export function publicCandidates({ listen, interfaces, isOverlay }: OwnNetwork): string[] {
  const hosts = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && isIP(address) !== 0 && !isLocalHost(address))
    .map(({ address }) => address)
  return [...new Set(listen.flatMap((text) => at(text, hosts)))].filter((text) => !isOverlay(multiaddr(text)))
}

/** TCP ports of `trunk.listen`, without those of WebSocket; none where the system chooses them. */
export function listenPorts(listen: readonly string[], family: 4 | 6): number[] {
  const pattern = family === 4 ? /^\/ip4\/[^/]+\/tcp\/(\d+)$/ : /^\/ip6\/[^/]+\/tcp\/(\d+)$/
  const ports = listen.map((text) => Number(pattern.exec(text)?.[1] ?? 0))
  return [...new Set(ports.filter((port) => port > 0))]
}

function at(listenAddress: string, hosts: readonly string[]): string[] {
  const match = /^\/(ip4|ip6)\/([^/]+)(\/tcp\/[1-9]\d*(?:\/ws)?)$/.exec(listenAddress)
  if (match === null) return []
  const [, kind, listens, rest] = match
  const isWildcard = listens === '0.0.0.0' || listens === '::'
  return hosts
    .filter((host) => isIPv6(host) === (kind === 'ip6') && (isWildcard || host === listens))
    .map((host) => `/${kind}/${host}${rest}`)
}
