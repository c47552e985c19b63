import type { HostAddress } from './subnet.ts'

/** Name of the underlay interface of every host. */
export const UNDERLAY_INTERFACE = 'eth0'

/** Lines for `ip -batch -` that make one namespace each. */
export function namespaceBatch(namespaces: readonly string[]): string {
  return lines(namespaces.map((name) => `netns add ${name}`))
}

/**
 * Index of the first port of the switch. Where both ends of a cable have the same index, as the first interface
 * of every namespace has, the kernel takes them for a plain interface and reports carrier changes up to a second
 * late (`linkwatch_urgent_event` in net/core/link_watch.c): pings would wait for that long.
 */
export const FIRST_PORT_INDEX = 1000

/** One cable from each host to the switch; the switch's ends are called like the hosts. */
export function bridgeCables(switchNamespace: string, hosts: readonly NamedHost[], mtu: number): string {
  return lines(
    hosts.map(
      ({ name, namespace }, port) =>
        `link add ${name} index ${FIRST_PORT_INDEX + port} mtu ${mtu} netns ${switchNamespace} type veth ` +
        `peer name ${UNDERLAY_INTERFACE} mtu ${mtu} netns ${namespace}`,
    ),
  )
}

/** One cable between two hosts. */
export function directCable(first: NamedHost, second: NamedHost, mtu: number): string {
  return lines([
    `link add ${UNDERLAY_INTERFACE} index ${FIRST_PORT_INDEX} mtu ${mtu} netns ${first.namespace} type veth ` +
      `peer name ${UNDERLAY_INTERFACE} mtu ${mtu} netns ${second.namespace}`,
  ])
}

/**
 * The switch. It floods multicast instead of snooping, so that what a test sees does not hang on queries that
 * nobody sends, and forwards at once instead of listening for other bridges first.
 */
export function switchBatch(hosts: readonly NamedHost[]): string {
  return lines([
    'link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
    ...hosts.map(({ name }) => `link set ${name} master br0 up`),
    'link set br0 up',
  ])
}

/** Where a further cable goes into a host. */
export interface PlugIn {
  readonly host: NamedHost
  /** The name that the interface gets there. */
  readonly interface: string
}

/** One further cable between two hosts, both ends up. */
export function extraCable(first: PlugIn, second: PlugIn): string {
  const ends = [first, second]
  return lines([
    `link add ${first.interface} netns ${first.host.namespace} type veth ` +
      `peer name ${second.interface} netns ${second.host.namespace}`,
    ...ends.map((end) => `netns exec ${end.host.namespace} ip link set ${end.interface} up`),
  ])
}

/** Names of one cable of `edgeCables`. */
export interface EdgeCable {
  readonly hosts: readonly [NamedHost, NamedHost]
  readonly interfaces: readonly [string, string]
  readonly ports: readonly [string, string]
  /** The middle of the cable, where frames can be lost without the hosts' knowledge. */
  readonly bridge: string
  readonly addresses: readonly [HostAddress, HostAddress]
}

/** Cables between pairs of hosts, each in two halves that end in the namespace of the middles. */
export function edgeCables(middleNamespace: string, edges: readonly EdgeCable[], mtu: number): string {
  return lines(
    edges.flatMap(({ hosts, interfaces, ports }, edge) =>
      [0, 1].map(
        (end) =>
          `link add ${ports[end]} index ${FIRST_PORT_INDEX + 2 * edge + end} mtu ${mtu} netns ${middleNamespace} ` +
          `type veth peer name ${interfaces[end]} mtu ${mtu} netns ${hosts[end]!.namespace}`,
      ),
    ),
  )
}

/** The middles: a bridge with two ports each. */
export function middleBatch(edges: readonly EdgeCable[]): string {
  return lines(
    edges.flatMap(({ bridge, ports }) => [
      `link add ${bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
      ...ports.map((port) => `link set ${port} master ${bridge} up`),
      `link set ${bridge} up`,
    ]),
  )
}

/** The kernel's own talk on the ports of the middles would be traffic that nobody sent. */
export const MIDDLE_SYSCTLS: readonly string[] = ['net/ipv6/conf/all/disable_ipv6=1']

/**
 * Addresses of a host that has single cables: the host's own, which nobody else has a route to, and one for each
 * cable.
 */
export function edgeHostBatch(
  host: NamedHost,
  own: readonly [string, string],
  edges: readonly EdgeCable[],
): string {
  const commands = edges.flatMap(({ hosts, interfaces, addresses }) =>
    [0, 1]
      .filter((end) => hosts[end] === host)
      .flatMap((end) => [
        `addr add ${addresses[end]!.address}/${addresses[end]!.prefixLength} broadcast + dev ${interfaces[end]}`,
        `link set ${interfaces[end]} up`,
      ]),
  )
  return lines(['link set lo up', ...own.map((address) => `addr add ${address} dev lo`), ...commands])
}

/** Addresses and routes of one host. */
export function hostBatch(address4: HostAddress, address6: HostAddress): string {
  return lines([
    'link set lo up',
    `addr add ${address4.address}/${address4.prefixLength} broadcast + dev ${UNDERLAY_INTERFACE}`,
    `addr add ${address6.address}/${address6.prefixLength} dev ${UNDERLAY_INTERFACE} nodad`,
    `link set ${UNDERLAY_INTERFACE} up`,
    MULTICAST_ROUTE,
  ])
}

/** Without a default route the kernel refuses to send IPv4 multicast (libp2p's mDNS) unless told where to. */
export const MULTICAST_ROUTE = `route replace 224.0.0.0/4 dev ${UNDERLAY_INTERFACE}`

/**
 * Settings of a host, below /proc/sys. No duplicate address detection: it would make every IPv6 address wait
 * for a second. Addresses stay when a link goes down, as people expect from a pulled cable.
 */
export const EDGE_HOST_SYSCTLS: readonly string[] = [
  'net/ipv6/conf/default/accept_dad=0',
  'net/ipv6/conf/all/keep_addr_on_down=1',
]

/** The same for a host with an underlay interface, which is there already. */
export const HOST_SYSCTLS: readonly string[] = [
  ...EDGE_HOST_SYSCTLS,
  `net/ipv6/conf/${UNDERLAY_INTERFACE}/accept_dad=0`,
]

export interface NamedHost {
  readonly name: string
  readonly namespace: string
}

/** Commands for `ip -batch -`. */
export function lines(commands: readonly string[]): string {
  return `${commands.join('\n')}\n`
}
