import { mkdirSync } from 'node:fs'
import { WakunetError } from '@wakunet/interface'
import { type Capture, startCapture } from './capture.ts'
import { requireProgram, runCommand } from './command.ts'
import { exitGuard } from './exit-guard.ts'
import type { LabEdge } from './lab-edge.ts'
import type { LabHost } from './lab-host.ts'
import { type LabInit, type LabPlan, planLab } from './lab-plan.ts'
import { labDirectory, removeLabDirectory, removeNamespaces } from './namespaces.ts'
import { type LabPrivileges, readPrivileges, userNamespaceCommand } from './privileges.ts'
import { Reaper } from './reaper.ts'
import { type Blocked, blockRules } from './site-rules.ts'
import { sweepAbandoned } from './sweep.ts'
import { extraCable, type PlugIn } from './underlay.ts'

/** Arguments: settings as `path=value`; standard input: lines for `ip -batch`. */
const CONFIGURE = `
for setting; do printf %s "\${setting#*=}" > "/proc/sys/\${setting%%=*}" || exit 1; done
exec ip -batch -
`

/** Hosts and the network between them. */
export class Lab {
  /** Names the lab on this machine; starts with `wk` and the process id. */
  readonly id: string
  readonly hosts: readonly LabHost[]
  /** The cables of a lab with `edges`, in that order; none in other labs. */
  readonly edges: readonly LabEdge[]
  /** Of a lab with `sites`, by host: what is between it and the internet; null for a host that is on the internet itself. */
  readonly routers: readonly (LabHost | null)[]
  /** For files of the lab; removed with it. */
  readonly directory: string
  readonly #namespaces: readonly string[]
  readonly #reaper: Reaper
  readonly #cleanup = () => this.#remove()
  #stopped: Promise<void> | null = null

  private constructor({ id, hosts, edges, routers, namespaces }: LabPlan) {
    this.id = id
    this.hosts = hosts
    this.edges = edges
    this.routers = routers
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
    const lab = new Lab(plan)
    try {
      await lab.#build(plan, init.signal)
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

  /** The router of a host by number, from 1. @throws WakunetError `ERR_USAGE` where there is none */
  router(number: number): LabHost {
    const router = this.routers[number - 1]
    if (router == null) throw new WakunetError('ERR_USAGE', `The lab has no router before host ${number}.`)
    return router
  }

  /** Changes what a host's router does not let out; flows that stand are cut as well. */
  async block(number: number, blocked: Blocked): Promise<void> {
    await this.router(number).exec('nft', ['-f', '-'], { input: blockRules(blocked) })
  }

  /** The cable between two hosts by number. @throws WakunetError `ERR_USAGE` where there is none */
  edge(first: number, second: number): LabEdge {
    const [one, other] = [this.host(first), this.host(second)]
    const edge = this.edges.find((candidate) => candidate.endAt(one) && candidate.endAt(other))
    if (edge === undefined)
      throw new WakunetError('ERR_USAGE', `The lab has no cable between ${one.name} and ${other.name}.`)
    return edge
  }

  /**
   * A further cable between two hosts, both ends up and without addresses: for what is behind a host, a LAN or a
   * guest.
   */
  async connect(first: PlugIn, second: PlugIn): Promise<void> {
    await runCommand('ip', ['-batch', '-'], { input: extraCable(first, second) })
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
    const running = this.#all().flatMap((host) => [...host.processes])
    this.#remove()
    await Promise.all(running.map((process) => process.exited))
    exitGuard.remove(this.#cleanup)
    this.#reaper.dismiss()
  }

  #all(): LabHost[] {
    return [...this.hosts, ...this.routers.filter((router) => router !== null)]
  }

  #remove(): void {
    const killed = this.#all().flatMap((host) => host.killAll())
    removeNamespaces(this.#namespaces, killed)
    removeLabDirectory(this.id)
  }

  async #build({ rootBatch, parts }: LabPlan, signal: AbortSignal | undefined): Promise<void> {
    const options = signal === undefined ? {} : { signal }
    for (const host of this.#all()) mkdirSync(host.directory, { recursive: true, mode: 0o700 })
    await runCommand('ip', ['-batch', '-'], { ...options, input: rootBatch })
    await Promise.all(
      parts.map(async ({ namespace, sysctls, batch, rules = '' }) => {
        const command = ['sh', '-c', CONFIGURE, 'wakunet-lab', ...sysctls]
        const enter = ['netns', 'exec', namespace]
        await runCommand('ip', [...enter, ...command], { ...options, input: batch })
        if (rules !== '')
          await runCommand('ip', [...enter, requireProgram('nft'), '-f', '-'], { ...options, input: rules })
      }),
    )
  }
}

function requireRoot(): void {
  const { kind, reason } = readPrivileges()
  if (kind === 'root') return
  const hint = kind === 'user-namespace' ? ' Run the command through Lab.userNamespaceCommand().' : ''
  throw new WakunetError('ERR_MISSING_PRIVILEGE', `Lab hosts need privileges. ${reason}${hint}`)
}
