import type { PeerInfo, PortInfo, ReplyOf, TrunkStatus, VlanInfo } from '@wakunet/bus'
import {
  type Capture,
  type CommandResult,
  type HostPair,
  Lab,
  type LabHost,
  type SiteInit,
} from '@wakunet/netlab'
import { requirePrograms, requireRoot } from '@wakunet/testing'
import { type Host, type HostSettings, TRUNK_PORT } from './host.ts'
import { NODE, NODE_ENVIRONMENT, servicePath } from './programs.ts'
import type { Shape } from './shape.ts'
import { Station } from './station.ts'
import { waitUntil } from './wait-until.ts'

const CLI_TIMEOUT_MS = 45_000

export interface TestNetworkInit {
  /** Part of the names of its namespaces: 1 to 16 of `a-z0-9`. */
  readonly name: string
  readonly shape: Shape
  /** Hosts with a node. Default 3. */
  readonly nodes?: number
  /** Further hosts on the underlay without a node. Default 0. */
  readonly bareHosts?: number
  /** Single cables between pairs of hosts instead of one underlay for all; nodes know those next to them. */
  readonly edges?: readonly HostPair[]
  /** The network that each host is in, instead of one underlay for all; nodes are configured with those that are public. */
  readonly sites?: readonly SiteInit[]
  /** What the node on a host, by number from 1, is configured with beside its peers. */
  readonly settings?: (number: number) => Pick<HostSettings, 'switch' | 'trunk'>
  /** How nodes find each other. Default `bootstrap`: each knows the addresses of all. `first`: each knows that of the first host. */
  readonly discovery?: 'bootstrap' | 'mdns' | 'first'
  /** Nodes that start at a time. Default all. */
  readonly startsAtATime?: number
  /** Commands beyond those that every test needs. */
  readonly programs?: readonly string[]
}

/** What `wakunet vlan show --json` prints. */
export interface ShownVlan {
  readonly vlan: VlanInfo
  readonly joined: ReplyOf<'switch.show'> | null
}

/** Where a node's peers listen: those at the other ends of its cables, the first that is public, or all on the one underlay. */
function addressesOfPeers(
  lab: Lab,
  homes: readonly LabHost[],
  home: LabHost,
  sites: readonly SiteInit[] | undefined,
): string[] {
  if (sites !== undefined) {
    const known = homes[sites.findIndex(({ nat }) => nat === 'none')]
    return known === undefined || known === home ? [] : [`/ip4/${known.address4}/tcp/${TRUNK_PORT}`]
  }
  const addresses =
    lab.edges.length === 0
      ? homes.filter((other) => other !== home).map((other) => other.address4)
      : lab.edges
          .filter((edge) => edge.endAt(home) !== null)
          .flatMap((edge) => edge.ends.filter((end) => end.host !== home).map((end) => end.address4))
  return addresses.map((address) => `/ip4/${address}/tcp/${TRUNK_PORT}`)
}

/** The addresses that a node is configured with. */
function bootstrapOf(lab: Lab, homes: readonly LabHost[], home: LabHost, init: TestNetworkInit): string[] {
  const { discovery = 'bootstrap', sites } = init
  if (discovery === 'mdns') return []
  if (discovery === 'bootstrap') return addressesOfPeers(lab, homes, home, sites)
  return home === homes[0] ? [] : [`/ip4/${homes[0]!.address4}/tcp/${TRUNK_PORT}`]
}

/** Hosts with running nodes on one underlay, and what tests ask of them. */
export class TestNetwork {
  readonly lab: Lab
  /** Those with a node. */
  readonly hosts: readonly Host[]

  private constructor(lab: Lab, hosts: readonly Host[]) {
    this.lab = lab
    this.hosts = hosts
  }

  /** Builds the lab and starts a node on each host. Nothing stays behind when it fails. */
  static async create(init: TestNetworkInit): Promise<TestNetwork> {
    const { nodes = 3, bareHosts = 0, discovery = 'bootstrap' } = init
    requireRoot()
    requirePrograms(['ip', 'ping', 'curl', 'tcpdump', 'socat', 'nats-server', ...(init.programs ?? [])])
    const { name, edges, sites } = init
    const ways = edges !== undefined ? { edges } : sites !== undefined ? { sites } : {}
    const lab = await Lab.create({ name, hosts: nodes + bareHosts, ...ways })
    const homes = lab.hosts.slice(0, nodes)
    const hosts = homes.map((home, index) =>
      init.shape.createHost(home, {
        ...init.settings?.(index + 1),
        bootstrap: bootstrapOf(lab, homes, home, init),
        mdns: discovery === 'mdns',
      }),
    )
    const network = new TestNetwork(lab, hosts)
    try {
      const batch = init.startsAtATime ?? hosts.length
      for (let first = 0; first < hosts.length; first += batch) {
        const starting = hosts.slice(first, first + batch)
        await Promise.all(starting.map((host) => host.start()))
        await Promise.all(starting.map((host) => network.ready(host)))
      }
      return network
    } catch (error) {
      const logs = network.logs()
      await network.stop()
      throw new Error(`the network did not start:\n${logs}`, { cause: error })
    }
  }

  /** The host by number, from 1. */
  host(number: number): Host {
    const host = this.hosts[number - 1]
    if (host === undefined) throw new Error(`the network has no host ${number}`)
    return host
  }

  /** Waits until every service of a host says that it can do its work. */
  async ready(host: Host): Promise<void> {
    const urls = host.httpUrls.map((url) => `${url}/readyz`)
    await this.until(`${host.name} to be ready`, async () => {
      const { code } = await host.lab.exec('curl', ['-fsS', '--max-time', '10', ...urls], {
        allowFailure: true,
      })
      return code === 0
    })
  }

  /** Ends the nodes as a service manager would, then removes everything. */
  async stop(): Promise<void> {
    try {
      await Promise.all(this.hosts.map((host) => host.stop()))
    } finally {
      await this.lab.stop()
    }
  }

  /** Last log lines of every process. */
  logs(): string {
    return this.hosts.map((host) => host.logs()).join('\n')
  }

  /** Runs `wakunet` on a host as a person would, without a look at how it ends. */
  cliResult(host: Host, args: readonly string[]): Promise<CommandResult> {
    return host.lab.exec(NODE, [servicePath('wakunet'), ...host.cliTarget, ...args], {
      env: NODE_ENVIRONMENT,
      timeoutMs: CLI_TIMEOUT_MS,
      allowFailure: true,
    })
  }

  /** Runs `wakunet --json` on a host and returns what it printed. @throws Error unless it exits with 0 */
  async cli<T>(host: Host, args: readonly string[]): Promise<T> {
    const { stdout, stderr, code } = await this.cliResult(host, ['--json', ...args])
    if (code === 0) return JSON.parse(stdout) as T
    throw new Error(`"wakunet ${args.join(' ')}" on ${host.name} ended with ${code}: ${stderr.trim()}`)
  }

  status(host: Host): Promise<{ node: TrunkStatus; vlans: PortInfo[] }> {
    return this.cli(host, ['status'])
  }

  async peers(host: Host): Promise<PeerInfo[]> {
    return (await this.cli<{ peers: PeerInfo[] }>(host, ['peers'])).peers
  }

  showVlan(host: Host, vlan: VlanInfo): Promise<ShownVlan> {
    return this.cli(host, ['vlan', 'show', vlan.ref])
  }

  /** Makes a VLAN on the first host, joins it on `hosts` and waits until all of them know each other. */
  async vlan(
    name: string,
    hosts: readonly Host[] = this.hosts,
    options: readonly string[] = [],
  ): Promise<{ vlan: VlanInfo; stations: Station[] }> {
    const vlan = await this.createVlan(name, options)
    const stations = await this.joinAll(vlan, hosts)
    await this.allKnowEachOther(vlan, stations)
    return { vlan, stations }
  }

  /** Makes a VLAN on the first host. @param options of `wakunet vlan create` */
  createVlan(name: string, options: readonly string[] = []): Promise<VlanInfo> {
    return this.cli<VlanInfo>(this.host(1), ['vlan', 'create', name, ...options])
  }

  /** Joins a VLAN of the first host, nearer hosts first: its record comes from peers that have it. */
  async joinAll(vlan: VlanInfo, hosts: readonly Host[] = this.hosts): Promise<Station[]> {
    const joined = new Map<Host, Station>()
    for (const wave of this.#waves()) {
      const due = wave.filter((host) => hosts.includes(host))
      const stations = await Promise.all(due.map((host) => this.join(host, vlan)))
      for (const [index, host] of due.entries()) joined.set(host, stations[index]!)
    }
    return hosts.map((host) => joined.get(host)!)
  }

  /** Hosts by their distance from the first, over the cables of the underlay. */
  #waves(): Host[][] {
    if (this.lab.edges.length === 0) return [[...this.hosts]]
    const waves: Host[][] = [[this.host(1)]]
    const found = new Set(waves[0])
    for (let wave = waves[0]!; wave.length > 0; waves.push(wave)) {
      wave = this.hosts.filter((host) => !found.has(host) && wave.some((near) => this.#areJoined(near, host)))
      for (const host of wave) found.add(host)
    }
    return waves
  }

  #areJoined(first: Host, second: Host): boolean {
    return this.lab.edges.some((edge) => edge.endAt(first.lab) !== null && edge.endAt(second.lab) !== null)
  }

  /** Joins a VLAN without a look at what addresses the interface gets. @param options of `wakunet vlan join` */
  joinPort(host: Host, vlan: VlanInfo, options: readonly string[] = []): Promise<PortInfo> {
    return this.cli<PortInfo>(host, ['vlan', 'join', vlan.ref, ...options])
  }

  async join(host: Host, vlan: VlanInfo, options: readonly string[] = []): Promise<Station> {
    const port = await this.joinPort(host, vlan, options)
    const { node } = await this.status(host)
    const addresses = await this.until(
      `an IPv4, a ULA and a link-local address on ${port.interface}`,
      async () => {
        const found = await host.lab.addresses(port.interface)
        const complete = [/^\d+\./, /^f[cd]/, /^fe80:/].every((kind) => found.some((cidr) => kind.test(cidr)))
        return complete && found
      },
    )
    return new Station(host, port, addresses, node.nodeId)
  }

  /** Waits until every station's host shows all other stations as members. */
  async allKnowEachOther(vlan: VlanInfo, stations: readonly Station[]): Promise<void> {
    await Promise.all(
      stations.map((station) =>
        this.until(`${station.name} to know all members of ${vlan.name}`, async () => {
          const { joined } = await this.showVlan(station.host, vlan)
          const known = new Set<string>(joined?.members.map((member) => member.nodeId))
          return stations.every((other) => other === station || known.has(other.nodeId))
        }),
      ),
    )
  }

  /** Starts tcpdump on a station's TAP; what is sent after this call is not missed. */
  capture(station: Station, filter = ''): Promise<Capture> {
    return this.lab.capture(station.host.lab, station.interface, filter)
  }

  /** Every series of a host by its name with labels, from every service that it runs. */
  async metrics(host: Host): Promise<Map<string, number>> {
    const urls = host.httpUrls.map((url) => `${url}/metrics`)
    const { stdout } = await host.lab.exec('curl', ['-fsS', '--max-time', '10', ...urls])
    return new Map(
      [...stdout.matchAll(/^(\w+(?:\{.*\})?) (\S+)$/gm)].map(([, name, value]) => [name!, Number(value)]),
    )
  }

  /** `waitUntil` whose failure shows the logs of this network. */
  until<T>(what: string, look: () => Promise<T | null | false>, timeoutMs = 30_000): Promise<T> {
    return waitUntil(what, look, { timeoutMs, explain: () => this.logs() })
  }
}
