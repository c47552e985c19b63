import type { LabHostInit } from './lab-host.ts'
import { LAN_INTERFACE, type SiteInit, siteRules, WAN_INTERFACE } from './site-rules.ts'
import type { HostAddress } from './subnet.ts'
import { FIRST_PORT_INDEX, lines, MULTICAST_ROUTE, UNDERLAY_INTERFACE } from './underlay.ts'

/** Where one host of a lab with sites is, and what is between it and the internet. */
export interface SitePlan {
  readonly init: SiteInit
  readonly number: number
  readonly host: { readonly name: string; readonly namespace: string }
  /** Null where the host is on the internet itself. */
  readonly router: { readonly name: string; readonly namespace: string } | null
}

/**
 * Addresses look like those of the internet, or programs would take them for those of a LAN, and differ in their first octet, as
 * those of hosts of different providers do. They never leave the lab.
 */
const FIRST_OCTET = 60
/** Every LAN is this one, as at home: an address in it means another host in every site. */
const LAN = '192.168.1'
export const MAX_SITES = 100

/** Outside IPv4 address of a site: that of its router, or of its host where it has none. */
export function publicAddress4(site: number): string {
  return `${FIRST_OCTET + site}.0.0.1`
}

function publicAddress6(site: number): string {
  return `2600:${site.toString(16)}::1`
}

/** Address of the host on its own interface. */
export function siteHostAddress4({ init, number }: Pick<SitePlan, 'init' | 'number'>): HostAddress {
  if (init.nat === 'none') return { address: publicAddress4(number), prefixLength: 32 }
  if (init.nat === 'firewall') return { address: `${FIRST_OCTET + number}.0.0.2`, prefixLength: 32 }
  return { address: `${LAN}.2`, prefixLength: 24 }
}

/** The host has it only where the site has IPv6. */
export function siteHostAddress6({ init, number }: Pick<SitePlan, 'init' | 'number'>): HostAddress {
  if (init.nat === 'none') return { address: publicAddress6(number), prefixLength: 128 }
  return { address: `2600:${number.toString(16)}:0:1::2`, prefixLength: 64 }
}

/** Cables: from the internet's switch to each host or its router, and from each router to its host. */
export function siteCables(middle: string, sites: readonly SitePlan[], mtu: number): string {
  return lines(
    sites.flatMap(({ host, router }, index) => {
      const outer = router ?? host
      const end = router === null ? UNDERLAY_INTERFACE : WAN_INTERFACE
      const cable = `link add ${host.name} index ${FIRST_PORT_INDEX + index} mtu ${mtu} netns ${middle} type veth`
      const toInternet = `${cable} peer name ${end} mtu ${mtu} netns ${outer.namespace}`
      if (router === null) return [toInternet]
      return [
        toInternet,
        `link add ${LAN_INTERFACE} index ${FIRST_PORT_INDEX} mtu ${mtu} netns ${router.namespace} type veth ` +
          `peer name ${UNDERLAY_INTERFACE} mtu ${mtu} netns ${host.namespace}`,
      ]
    }),
  )
}

/** Lines of `ip route` that a host loses when its cable is pulled. */
export function siteHostRoutes({ init }: Pick<SitePlan, 'init'>): string[] {
  const default4 =
    init.nat === 'none'
      ? `route replace default dev ${UNDERLAY_INTERFACE}`
      : `route replace default via ${LAN}.1 dev ${UNDERLAY_INTERFACE} onlink`
  return [default4, MULTICAST_ROUTE]
}

/** Addresses and routes of a site's host. */
export function siteHostBatch(site: SitePlan, sites: readonly SitePlan[]): string {
  const dev = `dev ${UNDERLAY_INTERFACE}`
  const [address4, address6] = [siteHostAddress4(site), siteHostAddress6(site)]
  const default6 =
    site.router === null
      ? [`route add ::/0 ${dev}`, ...routesToLans6(site, sites, UNDERLAY_INTERFACE)]
      : [`route add ::/0 via fe80::1 ${dev}`]
  return lines([
    'link set lo up',
    `addr add ${address4.address}/${address4.prefixLength} ${dev}`,
    ...(site.init.ipv6 === true
      ? [`addr add ${address6.address}/${address6.prefixLength} ${dev} nodad`]
      : []),
    `link set ${UNDERLAY_INTERFACE} up`,
    ...siteHostRoutes(site),
    ...(site.init.ipv6 === true ? default6 : []),
  ])
}

/** Addresses and routes of a site's router. */
export function siteRouterBatch(site: SitePlan, sites: readonly SitePlan[]): string {
  const [wan, lan] = [`dev ${WAN_INTERFACE}`, `dev ${LAN_INTERFACE}`]
  const six = [
    `addr add ${publicAddress6(site.number)}/128 ${wan} nodad`,
    `addr add fe80::1/64 ${lan} nodad`,
    `route add ::/0 ${wan}`,
    `route add 2600:${site.number.toString(16)}:0:1::/64 ${lan}`,
    ...routesToLans6(site, sites, WAN_INTERFACE),
  ]
  return lines([
    'link set lo up',
    `addr add ${publicAddress4(site.number)}/32 ${wan}`,
    `addr add ${LAN}.1/24 broadcast + ${lan}`,
    `link set ${WAN_INTERFACE} up`,
    `link set ${LAN_INTERFACE} up`,
    `route add default ${wan}`,
    ...(site.init.nat === 'firewall' ? [`route add ${siteHostAddress4(site).address}/32 ${lan}`] : []),
    ...(site.init.ipv6 === true ? six : []),
  ])
}

/** Networks behind routers are reached through these; everything else on the internet is on its one link. */
function routesToLans6(site: SitePlan, sites: readonly SitePlan[], device: string): string[] {
  return sites
    .filter(({ init, router, number }) => init.ipv6 === true && router !== null && number !== site.number)
    .map(
      ({ number }) =>
        `route add 2600:${number.toString(16)}:0:1::/64 via ${publicAddress6(number)} dev ${device} onlink`,
    )
}

/** Of a site's router, for `nft -f -`. */
export function siteRouterRules(site: SitePlan): string {
  return siteRules(site.init, siteHostAddress4(site).address)
}

/** A router forwards, and answers for the public addresses of hosts behind it. */
export const ROUTER_SYSCTLS: readonly string[] = [
  'net/ipv4/ip_forward=1',
  'net/ipv6/conf/all/forwarding=1',
  'net/ipv6/conf/default/accept_dad=0',
  `net/ipv6/conf/${WAN_INTERFACE}/accept_dad=0`,
  `net/ipv6/conf/${LAN_INTERFACE}/accept_dad=0`,
  `net/ipv4/conf/${WAN_INTERFACE}/proxy_arp=1`,
  // A proxy's answer waits for up to 0.8 s by default.
  `net/ipv4/neigh/${WAN_INTERFACE}/proxy_delay=0`,
]

/** What a router is to the lab: a host whose cable is the one to the internet. */
export function routerInit(site: SitePlan, middle: string, directory: string): LabHostInit | null {
  if (site.router === null) return null
  return {
    name: site.router.name,
    namespace: site.router.namespace,
    directory,
    interface: WAN_INTERFACE,
    address4: { address: publicAddress4(site.number), prefixLength: 32 },
    address6: { address: publicAddress6(site.number), prefixLength: 128 },
    cable: { namespace: middle, interface: site.host.name },
    routes: [`route replace default dev ${WAN_INTERFACE}`],
  }
}
