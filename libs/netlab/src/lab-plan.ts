import path from 'node:path'
import { WakunetError } from '@wakunet/interface'
import type { HostPair } from './graphs.ts'
import { LabEdge } from './lab-edge.ts'
import { type CableEnd, LabHost } from './lab-host.ts'
import { labDirectory } from './namespaces.ts'
import { LAB_NAME_RULE, newLabId } from './owner.ts'
import { blockRules, LAN_INTERFACE, type SiteInit } from './site-rules.ts'
import {
  MAX_SITES,
  ROUTER_SYSCTLS,
  routerInit,
  type SitePlan,
  siteCables,
  siteHostAddress4,
  siteHostAddress6,
  siteHostBatch,
  siteHostRoutes,
  siteRouterBatch,
  siteRouterRules,
} from './sites.ts'
import { DEFAULT_SUBNET4, DEFAULT_SUBNET6, edgeAddress4, hostAddress4, hostAddress6 } from './subnet.ts'
import {
  bridgeCables,
  directCable,
  EDGE_HOST_SYSCTLS,
  type EdgeCable,
  edgeCables,
  edgeHostBatch,
  HOST_SYSCTLS,
  hostBatch,
  MIDDLE_SYSCTLS,
  middleBatch,
  namespaceBatch,
  switchBatch,
  UNDERLAY_INTERFACE,
} from './underlay.ts'

export type LabTopology = 'bridge' | 'direct'

export interface LabInit {
  /** Part of the names of the namespaces: 1 to 16 of `a-z0-9`. Default `lab`. */
  readonly name?: string
  /** 1 to 200. */
  readonly hosts: number
  /** `direct` is one cable between exactly two hosts. Default `bridge`. */
  readonly topology?: LabTopology
  /** Single cables between pairs of hosts, instead of a topology: nobody reaches anybody else. 1 to 500. */
  readonly edges?: readonly HostPair[]
  /** One for each host, instead of a topology: its own network, joined to an internet by a router of some kind, or by none. */
  readonly sites?: readonly SiteInit[]
  /** Default 198.18.0.0/24. Labs do not see each other: two may use the same. */
  readonly subnet4?: string
  /** Written as `prefix::/length`. Default fd77:616b:756e::/64. */
  readonly subnet6?: string
  /** Of the underlay. Default 1500. */
  readonly mtu?: number
  readonly signal?: AbortSignal
}

/** What is to be done in one namespace. */
export interface LabPart {
  readonly namespace: string
  readonly sysctls: readonly string[]
  /** Lines for `ip -batch`. */
  readonly batch: string
  /** For `nft -f -`; nothing where empty. */
  readonly rules?: string
}

export interface LabPlan {
  readonly id: string
  readonly hosts: readonly LabHost[]
  readonly edges: readonly LabEdge[]
  /** Of a lab with `sites`, by host; null for those without. */
  readonly routers: readonly (LabHost | null)[]
  readonly namespaces: readonly string[]
  /** Namespaces and cables. */
  readonly rootBatch: string
  readonly parts: readonly LabPart[]
}

const MAX_HOSTS = 200
const MAX_EDGES = 500
const DEFAULT_MTU = 1500

/** @throws WakunetError `ERR_USAGE`, `ERR_ADDRESS_INVALID` */
export function planLab(init: LabInit): LabPlan {
  checkInit(init)
  const { name = 'lab', topology = 'bridge' } = init
  const id = newLabId(name)
  if (init.edges !== undefined) return planEdges(init, id, init.edges)
  if (init.sites !== undefined) return planSites(init, id, init.sites)
  return topology === 'direct' ? planDirect(init, id) : planBridge(init, id)
}

function planBridge(init: LabInit, id: string): LabPlan {
  const middle = middleName(id)
  const hosts = planHosts(init, id, ({ name }) => ({ namespace: middle, interface: name }))
  const namespaces = [...hosts.map(({ namespace }) => namespace), middle]
  return {
    id,
    hosts,
    edges: [],
    routers: [],
    namespaces,
    rootBatch: namespaceBatch(namespaces) + bridgeCables(middle, hosts, mtuOf(init)),
    parts: [...hostParts(init, hosts), { namespace: middle, sysctls: [], batch: switchBatch(hosts) }],
  }
}

function planDirect(init: LabInit, id: string): LabPlan {
  const hosts = planHosts(init, id, ({ namespace }) => ({ namespace, interface: UNDERLAY_INTERFACE }))
  const namespaces = hosts.map(({ namespace }) => namespace)
  return {
    id,
    hosts,
    edges: [],
    routers: [],
    namespaces,
    rootBatch: namespaceBatch(namespaces) + directCable(hosts[0]!, hosts[1]!, mtuOf(init)),
    parts: hostParts(init, hosts),
  }
}

function planEdges(init: LabInit, id: string, pairs: readonly HostPair[]): LabPlan {
  const middle = middleName(id)
  const hosts = planHosts(init, id, () => null)
  const cables = pairs.map((pair, index) => planCable(hosts, pair, index))
  const namespaces = [...hosts.map(({ namespace }) => namespace), middle]
  const hostPart = (host: LabHost): LabPart => ({
    namespace: host.namespace,
    sysctls: EDGE_HOST_SYSCTLS,
    batch: edgeHostBatch(host, [`${host.address4}/32`, `${host.address6}/128`], cables),
  })
  return {
    id,
    hosts,
    edges: cables.map((cable) => newEdge(cable, hosts, middle)),
    routers: [],
    namespaces,
    rootBatch: namespaceBatch(namespaces) + edgeCables(middle, cables, mtuOf(init)),
    parts: [
      ...hosts.map(hostPart),
      { namespace: middle, sysctls: MIDDLE_SYSCTLS, batch: middleBatch(cables) },
    ],
  }
}

function planSites(init: LabInit, id: string, inits: readonly SiteInit[]): LabPlan {
  const middle = middleName(id)
  const directory = (name: string) => path.join(labDirectory(id), name)
  const sites = inits.map((site, index) => planSite(id, site, index + 1))
  const hosts = sites.map(
    (site) =>
      new LabHost({
        ...site.host,
        directory: directory(site.host.name),
        interface: UNDERLAY_INTERFACE,
        address4: siteHostAddress4(site),
        address6: siteHostAddress6(site),
        cable: {
          namespace: site.router?.namespace ?? middle,
          interface: site.router ? LAN_INTERFACE : site.host.name,
        },
        routes: siteHostRoutes(site),
      }),
  )
  const routers = sites.map((site) => {
    const router = routerInit(site, middle, directory(site.router?.name ?? ''))
    return router === null ? null : new LabHost(router)
  })
  const namespaces = [
    ...sites.flatMap(({ host, router }) => [host.namespace, ...(router === null ? [] : [router.namespace])]),
    middle,
  ]
  return {
    id,
    hosts,
    edges: [],
    routers,
    namespaces,
    rootBatch: namespaceBatch(namespaces) + siteCables(middle, sites, mtuOf(init)),
    parts: [
      ...sites.flatMap((site) => siteParts(site, sites)),
      { namespace: middle, sysctls: [], batch: switchBatch(hosts) },
    ],
  }
}

function planSite(id: string, init: SiteInit, number: number): SitePlan {
  const named = (name: string) => ({ name, namespace: `${id}-${name}` })
  return { init, number, host: named(`h${number}`), router: init.nat === 'none' ? null : named(`r${number}`) }
}

function siteParts(site: SitePlan, sites: readonly SitePlan[]): LabPart[] {
  const { host, router, init } = site
  const hostPart = { namespace: host.namespace, sysctls: HOST_SYSCTLS, batch: siteHostBatch(site, sites) }
  if (router === null) return [hostPart]
  const rules = siteRouterRules(site) + blockRules(init.blocked ?? 'nothing')
  const batch = siteRouterBatch(site, sites)
  return [hostPart, { namespace: router.namespace, sysctls: ROUTER_SYSCTLS, batch, rules }]
}

function planCable(hosts: readonly LabHost[], [first, second]: HostPair, index: number): EdgeCable {
  return {
    hosts: [hosts[first - 1]!, hosts[second - 1]!],
    interfaces: [`to${second}`, `to${first}`],
    ports: [`h${first}to${second}`, `h${second}to${first}`],
    bridge: `h${first}-h${second}`,
    addresses: [edgeAddress4(index, 1), edgeAddress4(index, 2)],
  }
}

function newEdge(cable: EdgeCable, hosts: readonly LabHost[], namespace: string): LabEdge {
  const end = (side: 0 | 1) => ({
    host: hosts.find((host) => host === cable.hosts[side])!,
    interface: cable.interfaces[side],
    address4: cable.addresses[side].address,
  })
  return new LabEdge({ ends: [end(0), end(1)], namespace, ports: cable.ports })
}

function hostParts(init: LabInit, hosts: readonly LabHost[]): LabPart[] {
  return hosts.map(({ namespace }, index) => ({
    namespace,
    sysctls: HOST_SYSCTLS,
    batch: hostBatch(...addressesOf(init, index + 1)),
  }))
}

/** @param cableOf the end of a host's cable that `setLink` pulls, null where a host has several */
function planHosts(
  init: LabInit,
  id: string,
  cableOf: (host: { name: string; namespace: string }) => CableEnd | null,
): LabHost[] {
  return Array.from({ length: init.hosts }, (_, index) => {
    const name = `h${index + 1}`
    const namespace = `${id}-${name}`
    const [address4, address6] = addressesOf(init, index + 1)
    const cable = cableOf({ name, namespace })
    return new LabHost({
      name,
      namespace,
      directory: path.join(labDirectory(id), name),
      interface: cable === null ? 'lo' : UNDERLAY_INTERFACE,
      address4: cable === null ? { ...address4, prefixLength: 32 } : address4,
      address6: cable === null ? { ...address6, prefixLength: 128 } : address6,
      cable,
    })
  })
}

function addressesOf(init: LabInit, number: number) {
  return [
    hostAddress4(init.subnet4 ?? DEFAULT_SUBNET4, number),
    hostAddress6(init.subnet6 ?? DEFAULT_SUBNET6, number),
  ] as const
}

function middleName(id: string): string {
  return `${id}-sw`
}

function mtuOf({ mtu = DEFAULT_MTU }: LabInit): number {
  return mtu
}

function checkInit(init: LabInit): void {
  const { name = 'lab', topology = 'bridge', edges, sites } = init
  const mtu = mtuOf(init)
  if (!LAB_NAME_RULE.test(name)) throw usage(`A lab's name is 1 to 16 of a-z0-9, not "${name}".`)
  if (!Number.isInteger(init.hosts) || init.hosts < 1 || init.hosts > MAX_HOSTS)
    throw usage(`A lab has 1 to ${MAX_HOSTS} hosts, not ${init.hosts}.`)
  if (topology === 'direct' && init.hosts !== 2)
    throw usage(`The topology "direct" is for exactly two hosts, not ${init.hosts}.`)
  if (!Number.isInteger(mtu) || mtu < 1280 || mtu > 65_535)
    throw usage(`An underlay's MTU is 1280 (RFC 8200 section 5) to 65535, not ${mtu}.`)
  if (edges !== undefined) checkEdges(init, edges)
  if (sites !== undefined) checkSites(init, sites)
}

function checkSites({ hosts, topology, edges }: LabInit, sites: readonly SiteInit[]): void {
  if (topology !== undefined || edges !== undefined) throw usage('A lab with sites has no other topology.')
  if (sites.length !== hosts || hosts > MAX_SITES)
    throw usage(
      `A lab has one site for each host, ${MAX_SITES} at the most, not ${sites.length} for ${hosts}.`,
    )
  const bare = sites.find(
    ({ nat, blocked, forwards }) => nat === 'none' && (blocked ?? forwards) !== undefined,
  )
  if (bare !== undefined) throw usage('A site without a router blocks and forwards nothing.')
}

function checkEdges({ hosts, topology }: LabInit, edges: readonly HostPair[]): void {
  if (topology !== undefined) throw usage('A lab with edges has no other topology.')
  if (edges.length < 1 || edges.length > MAX_EDGES)
    throw usage(`A lab has 1 to ${MAX_EDGES} edges, not ${edges.length}.`)
  const isHost = (number: number) => Number.isInteger(number) && number >= 1 && number <= hosts
  const bad = edges.find(([first, second]) => !isHost(first) || !isHost(second) || first === second)
  if (bad !== undefined)
    throw usage(`An edge joins two of the hosts 1 to ${hosts}, not ${bad.join(' and ')}.`)
  const names = new Set(edges.map((pair) => pair.toSorted((a, b) => a - b).join('-')))
  if (names.size !== edges.length) throw usage('Two hosts have one edge at the most.')
}

function usage(message: string): WakunetError {
  return new WakunetError('ERR_USAGE', message)
}
