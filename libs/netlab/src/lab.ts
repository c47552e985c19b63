import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { WakunetError } from '@wakunet/interface'
import { type Capture, startCapture } from './capture.ts'
import { runCommand } from './command.ts'
import { exitGuard } from './exit-guard.ts'
import { LabHost } from './lab-host.ts'
import { labDirectory, removeLabDirectory, removeNamespaces } from './namespaces.ts'
import { LAB_NAME_RULE, newLabId } from './owner.ts'
import { type LabPrivileges, readPrivileges, userNamespaceCommand } from './privileges.ts'
import { Reaper } from './reaper.ts'
import { DEFAULT_SUBNET4, DEFAULT_SUBNET6, hostAddress4, hostAddress6 } from './subnet.ts'
import { sweepAbandoned } from './sweep.ts'
import {
  bridgeCables,
  directCable,
  HOST_SYSCTLS,
  hostBatch,
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
  /** Default 198.18.0.0/24. Labs do not see each other: two may use the same. */
  readonly subnet4?: string
  /** Written as `prefix::/length`. Default fd77:616b:756e::/64. */
  readonly subnet6?: string
  /** Of the underlay. Default 1500. */
  readonly mtu?: number
  readonly signal?: AbortSignal
}

const MAX_HOSTS = 200
const DEFAULT_MTU = 1500

/** Arguments: settings as `path=value`; standard input: lines for `ip -batch`. */
const CONFIGURE_HOST = `
for setting; do printf %s "\${setting#*=}" > "/proc/sys/\${setting%%=*}" || exit 1; done
exec ip -batch -
`

/** Hosts and the network between them. */
export class Lab {
  /** Names the lab on this machine; starts with `wk` and the process id. */
  readonly id: string
  readonly hosts: readonly LabHost[]
  /** For files of the lab; removed with it. */
  readonly directory: string
  readonly #namespaces: readonly string[]
  readonly #reaper: Reaper
  readonly #cleanup = () => this.#remove()
  #stopped: Promise<void> | null = null

  private constructor(id: string, hosts: readonly LabHost[], namespaces: readonly string[]) {
    this.id = id
    this.hosts = hosts
    this.directory = labDirectory(id)
    this.#namespaces = namespaces
    this.#reaper = new Reaper(id)
    exitGuard.add(this.#cleanup)
  }

  /**
   * Builds a lab, after it has swept up what dead ones left.
   * @throws WakunetError `ERR_MISSING_PRIVILEGE`, `ERR_MISSING_PROGRAM`, `ERR_USAGE`, `ERR_ADDRESS_INVALID`,
   *   `ERR_COMMAND_FAILED`; nothing stays behind then
   */
  static async create(init: LabInit): Promise<Lab> {
    const plan = planLab(init)
    requireRoot()
    Lab.sweep()
    const lab = new Lab(plan.id, plan.hosts, plan.namespaces)
    try {
      await lab.#build(init, plan)
      return lab
    } catch (error) {
      await lab.stop()
      throw error
    }
  }

  /**
   * Removes what labs of dead processes left.
   * @returns names of the namespaces and directories
   */
  static sweep(): string[] {
    return sweepAbandoned()
  }

  /** Whether labs work for this process, and why not. */
  static privileges(): LabPrivileges {
    return readPrivileges()
  }

  /** The command that runs `argv` in a user namespace in which labs work, for users who are not root. */
  static userNamespaceCommand(argv: readonly string[]): string[] {
    return userNamespaceCommand(argv)
  }

  /** The host by number, from 1. @throws WakunetError `ERR_USAGE` */
  host(number: number): LabHost {
    const host = this.hosts[number - 1]
    if (host === undefined) throw new WakunetError('ERR_USAGE', `The lab has no host ${number}.`)
    return host
  }

  /** Starts tcpdump; resolves once it listens. `filter` as in pcap-filter(7), empty for everything. */
  capture(host: LabHost, interfaceName: string = host.interface, filter = ''): Promise<Capture> {
    return startCapture(host, interfaceName, filter)
  }

  /** Kills everything on the hosts and removes them. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(): Promise<void> {
    const running = this.hosts.flatMap((host) => [...host.processes])
    this.#remove()
    await Promise.all(running.map((process) => process.exited))
    exitGuard.remove(this.#cleanup)
    this.#reaper.dismiss()
  }

  #remove(): void {
    const killed = this.hosts.flatMap((host) => host.killAll())
    removeNamespaces(this.#namespaces, killed)
    removeLabDirectory(this.id)
  }

  async #build(init: LabInit, plan: LabPlan): Promise<void> {
    const options = init.signal === undefined ? {} : { signal: init.signal }
    for (const host of this.hosts) mkdirSync(host.directory, { recursive: true, mode: 0o700 })
    await runCommand('ip', ['-batch', '-'], { ...options, input: plan.rootBatch })
    const jobs = this.hosts.map((host, index) =>
      host.exec('sh', ['-c', CONFIGURE_HOST, 'wakunet-lab', ...HOST_SYSCTLS], {
        ...options,
        input: plan.hostBatches[index]!,
      }),
    )
    if (plan.switchNamespace !== null) {
      const args = ['-n', plan.switchNamespace, '-batch', '-']
      jobs.push(runCommand('ip', args, { ...options, input: switchBatch(this.hosts) }))
    }
    await Promise.all(jobs)
  }
}

interface LabPlan {
  readonly id: string
  readonly hosts: readonly LabHost[]
  readonly namespaces: readonly string[]
  readonly switchNamespace: string | null
  readonly rootBatch: string
  readonly hostBatches: readonly string[]
}

function planLab(init: LabInit): LabPlan {
  const { name = 'lab', topology = 'bridge', mtu = DEFAULT_MTU } = init
  checkInit(init, name, topology, mtu)
  const id = newLabId(name)
  const switchNamespace = topology === 'bridge' ? `${id}-sw` : null
  const hosts = Array.from({ length: init.hosts }, (_, index) =>
    planHost(init, id, index + 1, switchNamespace),
  )
  const names = hosts.map(({ namespace }) => namespace)
  const namespaces = switchNamespace === null ? names : [...names, switchNamespace]
  const cables =
    switchNamespace === null
      ? directCable(hosts[0]!, hosts[1]!, mtu)
      : bridgeCables(switchNamespace, hosts, mtu)
  return {
    id,
    hosts,
    namespaces,
    switchNamespace,
    rootBatch: namespaceBatch(namespaces) + cables,
    hostBatches: hosts.map((_, index) => hostBatch(...addressesOf(init, index + 1))),
  }
}

function planHost(init: LabInit, id: string, number: number, switchNamespace: string | null): LabHost {
  const name = `h${number}`
  const namespace = `${id}-${name}`
  const [address4, address6] = addressesOf(init, number)
  return new LabHost({
    name,
    namespace,
    directory: path.join(labDirectory(id), name),
    address4,
    address6,
    cable:
      switchNamespace === null
        ? { namespace, interface: UNDERLAY_INTERFACE }
        : { namespace: switchNamespace, interface: name },
  })
}

function addressesOf(init: LabInit, number: number) {
  return [
    hostAddress4(init.subnet4 ?? DEFAULT_SUBNET4, number),
    hostAddress6(init.subnet6 ?? DEFAULT_SUBNET6, number),
  ] as const
}

function checkInit(init: LabInit, name: string, topology: LabTopology, mtu: number): void {
  if (!LAB_NAME_RULE.test(name)) {
    throw new WakunetError('ERR_USAGE', `A lab's name is 1 to 16 of a-z0-9, not "${name}".`)
  }
  if (!Number.isInteger(init.hosts) || init.hosts < 1 || init.hosts > MAX_HOSTS) {
    throw new WakunetError('ERR_USAGE', `A lab has 1 to ${MAX_HOSTS} hosts, not ${init.hosts}.`)
  }
  if (topology === 'direct' && init.hosts !== 2) {
    throw new WakunetError('ERR_USAGE', `The topology "direct" is for exactly two hosts, not ${init.hosts}.`)
  }
  if (!Number.isInteger(mtu) || mtu < 1280 || mtu > 65_535) {
    throw new WakunetError(
      'ERR_USAGE',
      `An underlay's MTU is 1280 (RFC 8200 section 5) to 65535, not ${mtu}.`,
    )
  }
}

function requireRoot(): void {
  const { kind, reason } = readPrivileges()
  if (kind === 'root') return
  const hint = kind === 'user-namespace' ? ' Run the command through Lab.userNamespaceCommand().' : ''
  throw new WakunetError('ERR_MISSING_PRIVILEGE', `Lab hosts need privileges. ${reason}${hint}`)
}
