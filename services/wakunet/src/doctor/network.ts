import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { type CheckResult, fail, ok, warn } from './check.ts'

const MDNS_GROUP = '224.0.0.251'
const ETHERNET_MTU = 1500
/** RFC 8200 section 5. */
const MIN_MTU = 1280
/** A burst of super-frames, which a socket has to take while the process is busy. */
const MIN_SOCKET_BUFFER_BYTES = 2 * 1024 * 1024

/** A TCP address that a node listens on. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
  /** Configuration key to change it. */
  readonly key: string
}

/** Multiaddrs over TCP as host and port; others are not looked at. */
export const listenAddresses = (multiaddrs: readonly string[]): readonly ListenAddress[] =>
  multiaddrs.flatMap((text) => {
    const match = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)/.exec(text)
    return match === null ? [] : [{ host: match[1]!, port: Number(match[2]), key: 'trunk.listen' }]
  })

/** Listens for a moment. A running node holds its ports itself. */
export const checkPort = async (address: ListenAddress, nodeRuns: boolean): Promise<CheckResult> => {
  const id = `port-${address.port}`
  const where = `TCP ${address.host} port ${address.port}`
  const fault = await listenFault(address)
  if (fault === null) return ok(id, `${where} is free`)
  if (fault === 'EADDRINUSE' && nodeRuns) return ok(id, `${where} is in use, a node is running`)
  if (fault === 'EADDRINUSE') {
    return fail(
      id,
      `${where} is in use by another program`,
      `"ss -ltnp" names it: stop it, or set ${address.key} to another port`,
    )
  }
  if (fault === 'EAFNOSUPPORT' || fault === 'EADDRNOTAVAIL') {
    return warn(
      id,
      `${where}: this host has no such address (${fault})`,
      `set ${address.key} to addresses of this host`,
    )
  }
  return fail(id, `${where} cannot be listened on (${fault})`, `set ${address.key} to another address`)
}

const listenFault = async ({ host, port }: ListenAddress): Promise<string | null> => {
  const server = createServer()
  try {
    server.listen({ host, port, ipv6Only: host.includes(':') })
    await once(server, 'listening')
    server.close()
    return null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  }
}

/** Of the interface that the default route takes; null where there is no such route. */
export const checkMtu = (route: { readonly device: string; readonly mtu: number } | null): CheckResult => {
  if (route === null) return ok('mtu', 'no default route: only hosts on local networks can be reached')
  const found = `${route.device} (default route) has MTU ${route.mtu}`
  const advice = `trunks work over it but slower; raise it where the network allows: ip link set dev ${route.device} mtu 1500`
  if (route.mtu < MIN_MTU)
    return fail('mtu', found, `IPv6 needs ${MIN_MTU}: ip link set dev ${route.device} mtu ${MIN_MTU}`)
  return route.mtu < ETHERNET_MTU ? warn('mtu', found, advice) : ok('mtu', found)
}

/** The kernel's limits, in bytes; null where it does not tell. */
export interface BufferLimits {
  readonly udpReceive: number | null
  readonly udpSend: number | null
  readonly tcpReceive: number | null
  readonly tcpSend: number | null
}

export const checkBuffers = (limits: BufferLimits): CheckResult => {
  const settings = [
    ['net.core.rmem_max', limits.udpReceive, String(MIN_SOCKET_BUFFER_BYTES)],
    ['net.core.wmem_max', limits.udpSend, String(MIN_SOCKET_BUFFER_BYTES)],
    ['net.ipv4.tcp_rmem', limits.tcpReceive, `4096 131072 ${MIN_SOCKET_BUFFER_BYTES}`],
    ['net.ipv4.tcp_wmem', limits.tcpSend, `4096 16384 ${MIN_SOCKET_BUFFER_BYTES}`],
  ] as const
  const low = settings.filter(([, value]) => value !== null && value < MIN_SOCKET_BUFFER_BYTES)
  if (low.length === 0) return ok('buffers', `sockets may buffer ${MIN_SOCKET_BUFFER_BYTES} bytes`)
  return warn(
    'buffers',
    `socket buffers are limited: ${low.map(([name, value]) => `${name} is ${value}`).join(', ')}`,
    `fast trunks lose records in bursts; raise them: ${low.map(([name, , wanted]) => `sysctl -w ${name}="${wanted}"`).join('; ')}`,
  )
}

export const checkIpv6 = (disabled: string | null): CheckResult => {
  if (disabled === '0') return ok('ipv6', 'IPv6 is enabled')
  const found = disabled === null ? 'this kernel has no IPv6' : 'IPv6 is disabled'
  const advice =
    'VLANs carry IPv6 only where the host has it: sysctl -w net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0'
  return warn('ipv6', found, advice)
}

/** Joins the group of mDNS for a moment, as discovery does. */
export const checkMulticast = async (): Promise<CheckResult> => {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  try {
    socket.bind(0)
    await once(socket, 'listening')
    socket.addMembership(MDNS_GROUP)
    return ok('multicast', `the group of mDNS, ${MDNS_GROUP}, can be joined`)
  } catch (error) {
    return warn(
      'multicast',
      `the group of mDNS, ${MDNS_GROUP}, cannot be joined (${(error as NodeJS.ErrnoException).code ?? error})`,
      'peers on the local network are not found by themselves: give a route for multicast (ip route add 224.0.0.0/4 dev eth0), or name peers with --bootstrap',
    )
  } finally {
    socket.close()
  }
}
