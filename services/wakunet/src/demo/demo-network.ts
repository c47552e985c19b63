import { mkdirSync } from 'node:fs'
import type { PortInfo, RequestBus, VlanInfo } from '@wakunet/bus'
import { Lab } from '@wakunet/netlab'
import { DemoHost, type HostSnapshot } from './demo-host.ts'
import { until } from './until.ts'

const HOSTS = 3
const VLAN_NAME = 'demo'
/** TCP port of the trunks, the default of trunk-peer. */
const TRUNK_PORT = 4740
const MESH_TIMEOUT_MS = 60_000
const POLL_MS = 200

export interface DemoNetworkInit {
  /** `node` and the path of this program. */
  readonly command: readonly string[]
  /** Where logs stay; with the lab, and so removed with it, where absent. */
  readonly keepLogs?: string
  readonly signal: AbortSignal
  openClient(socket: string): Promise<RequestBus>
  /** Told what is being done. */
  onStep(what: string): void
}

/** Three hosts on one underlay network, a node on each, one VLAN that all have joined. */
export class DemoNetwork {
  readonly hosts: readonly DemoHost[]
  readonly vlan: VlanInfo
  readonly #lab: Lab

  private constructor(lab: Lab, hosts: readonly DemoHost[], vlan: VlanInfo) {
    this.#lab = lab
    this.hosts = hosts
    this.vlan = vlan
  }

  /** Builds everything; what was built is removed again when a step fails. */
  static async build(init: DemoNetworkInit): Promise<DemoNetwork> {
    init.onStep('building three hosts out of network namespaces')
    const lab = await Lab.create({ name: 'demo', hosts: HOSTS, signal: init.signal })
    try {
      const hosts = makeHosts(lab, init)
      await startNodes(hosts, init)
      const vlan = await joinAll(hosts, init)
      await meet(hosts, vlan, init)
      return new DemoNetwork(lab, hosts, vlan)
    } catch (error) {
      await lab.stop()
      throw error
    }
  }

  async snapshots(): Promise<readonly HostSnapshot[]> {
    return Promise.all(this.hosts.map((host) => host.snapshot()))
  }

  /** Ends the nodes as a service manager would, then removes the hosts. */
  async stop(): Promise<void> {
    try {
      await Promise.allSettled(this.hosts.map((host) => host.stop()))
    } finally {
      await this.#lab.stop()
    }
  }
}

const makeHosts = (lab: Lab, init: DemoNetworkInit): readonly DemoHost[] => {
  if (init.keepLogs !== undefined) mkdirSync(init.keepLogs, { recursive: true })
  return lab.hosts.map(
    (host) =>
      new DemoHost({
        host,
        logDirectory: init.keepLogs ?? host.directory,
        command: init.command,
        openClient: (socket) => init.openClient(socket),
      }),
  )
}

const startNodes = async (hosts: readonly DemoHost[], init: DemoNetworkInit): Promise<void> => {
  init.onStep('starting a node on each: wakunet up')
  const addressOf = (host: DemoHost): string => `/ip4/${host.host.address4}/tcp/${TRUNK_PORT}`
  await Promise.all(
    hosts.map((host) => host.start(hosts.filter((other) => other !== host).map(addressOf), init.signal)),
  )
}

const joinAll = async (hosts: readonly DemoHost[], init: DemoNetworkInit): Promise<VlanInfo> => {
  const [first, ...others] = hosts
  init.onStep(`making the VLAN "${VLAN_NAME}": wakunet vlan create ${VLAN_NAME}`)
  const vlan = (await first!.wakunet(['vlan', 'create', VLAN_NAME], init.signal)) as VlanInfo
  init.onStep(`joining it on every host: wakunet vlan join ${vlan.ref}`)
  const join = async (host: DemoHost): Promise<void> => {
    const port = (await host.wakunet(['vlan', 'join', vlan.ref], init.signal)) as PortInfo
    await host.settleAddresses(port.interface, init.signal)
  }
  await join(first!)
  await Promise.all(others.map(join))
  return vlan
}

/** Waits until every host has a trunk to, and knows as a member, every other one. */
const meet = async (hosts: readonly DemoHost[], vlan: VlanInfo, init: DemoNetworkInit): Promise<void> => {
  init.onStep('waiting until all hosts see each other')
  await Promise.all(
    hosts.map(async (host) => {
      const met = await until(() => seesAll(host, hosts, vlan), {
        timeoutMs: MESH_TIMEOUT_MS,
        periodMs: POLL_MS,
        signal: init.signal,
      })
      if (met !== null) return
      const { members } = await host.client.request('trunk.members.get', { vlanId: vlan.id })
      throw host.failure(
        `${host.name} sees ${members.length} of ${hosts.length - 1} other members of the VLAN after ${MESH_TIMEOUT_MS / 1000} s`,
      )
    }),
  )
}

const seesAll = async (host: DemoHost, hosts: readonly DemoHost[], vlan: VlanInfo): Promise<true | null> => {
  host.requireAlive()
  const { port, members } = await host.client.request('switch.show', { vlan: vlan.ref })
  const known = new Set<string>(members.map((member) => member.nodeId))
  const all = hosts.every((other) => other === host || known.has(other.nodeId))
  return all && port.members >= hosts.length - 1 ? true : null
}
