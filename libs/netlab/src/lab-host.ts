import { WakunetError } from '@wakunet/interface'
import { type CommandOptions, type CommandResult, requireProgram, runCommand } from './command.ts'
import { LabProcess, type SpawnOptions } from './lab-process.ts'
import type { HostAddress } from './subnet.ts'
import { MULTICAST_ROUTE } from './underlay.ts'

export type ExecOptions = CommandOptions

/** The end of the cable that is unplugged: at the switch, or the host's own where there is none. */
export interface CableEnd {
  readonly namespace: string
  readonly interface: string
}

export interface LabHostInit {
  readonly name: string
  readonly namespace: string
  readonly directory: string
  readonly address4: HostAddress
  readonly address6: HostAddress
  readonly interface: string
  /** Null where the host has several cables, each with its own `LabEdge`. */
  readonly cable: CableEnd | null
  /** Lines of `ip -batch` for the IPv4 routes that are lost with the cable. Default: that of multicast. */
  readonly routes?: readonly string[]
}

/**
 * One host of a lab: a network namespace with an underlay interface, or with several where the lab has edges. Files and
 * users are the machine's own.
 */
export class LabHost {
  /** `h1`, `h2`, ... */
  readonly name: string
  /** Name for `ip netns`. */
  readonly namespace: string
  /** For the host's files; removed with the lab. */
  readonly directory: string
  /** Underlay addresses without prefix length. Where the lab has edges these are on `lo`, and no other host has a route to them. */
  readonly address4: string
  readonly address6: string
  readonly prefixLength4: number
  readonly prefixLength6: number
  readonly interface: string
  readonly #cable: CableEnd | null
  readonly #routes: readonly string[]
  readonly #processes = new Set<LabProcess>()
  readonly #stopping = new AbortController()

  constructor(init: LabHostInit) {
    this.name = init.name
    this.namespace = init.namespace
    this.directory = init.directory
    this.address4 = init.address4.address
    this.address6 = init.address6.address
    this.prefixLength4 = init.address4.prefixLength
    this.prefixLength6 = init.address6.prefixLength
    this.interface = init.interface
    this.#cable = init.cable
    this.#routes = init.routes ?? [MULTICAST_ROUTE]
  }

  /** Programs started with `spawn` that still run. */
  get processes(): ReadonlySet<LabProcess> {
    return this.#processes
  }

  /**
   * Runs a program on this host to its end.
   * @throws WakunetError `ERR_MISSING_PROGRAM`; CommandError when it fails, unless `allowFailure`
   */
  async exec(
    program: string,
    args: readonly string[] = [],
    options: ExecOptions = {},
  ): Promise<CommandResult> {
    const stopping = this.#stopping.signal
    const signal = options.signal === undefined ? stopping : AbortSignal.any([stopping, options.signal])
    return runCommand('ip', ['netns', 'exec', this.namespace, requireProgram(program), ...args], {
      ...options,
      signal,
    })
  }

  /**
   * Starts a program on this host; the lab kills it at the latest when it stops.
   * @throws WakunetError `ERR_MISSING_PROGRAM`
   */
  spawn(program: string, args: readonly string[] = [], options: SpawnOptions = {}): LabProcess {
    const child = new LabProcess(this.namespace, program, args, options)
    this.#processes.add(child)
    void child.exited.then(() => this.#processes.delete(child))
    return child
  }

  /**
   * Kills what was started here, synchronously; later calls of `exec` are refused. Whoever is on its way into
   * the namespace cannot be found by looking who is in it.
   * @returns process ids of those that it killed: they may take a moment to die
   */
  killAll(): number[] {
    this.#stopping.abort(new WakunetError('ERR_NOT_RUNNING', `The lab of host ${this.name} was stopped.`))
    const running = [...this.#processes].filter((process) => process.isRunning)
    for (const process of running) process.kill('SIGKILL')
    return running.map(({ pid }) => pid)
  }

  /** Runs lines of `ip -batch` on this host, all or up to the first that fails. */
  async ip(lines: readonly string[]): Promise<void> {
    await runCommand('ip', ['-n', this.namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` })
  }

  /**
   * Plugs the underlay cable in or pulls it. Addresses stay.
   * @throws WakunetError `ERR_USAGE` where the lab has edges: each of them has its own `setLink`
   */
  async setLink(state: 'up' | 'down'): Promise<void> {
    if (this.#cable === null) throw new WakunetError('ERR_USAGE', `${this.name} has several cables.`)
    await runCommand('ip', ['-n', this.#cable.namespace, 'link', 'set', this.#cable.interface, state])
    // The kernel forgets IPv4 routes of an interface that was down.
    if (state === 'up') await this.ip(this.#routes)
  }

  /**
   * What comes to the host over its cable comes in packets of the MTU, as over a real one: super-frames are cut at the far end of it.
   * @throws WakunetError `ERR_USAGE` where the lab has edges
   */
  async receiveWirePackets(): Promise<void> {
    if (this.#cable === null) throw new WakunetError('ERR_USAGE', `${this.name} has several cables.`)
    const { namespace, interface: far } = this.#cable
    await runCommand('ip', ['-n', namespace, 'link', 'set', 'dev', far, 'gso_max_segs', '1'])
  }

  /** Adds an address such as `10.0.0.1/24`, by default to the underlay interface. */
  async addAddress(cidr: string, interfaceName: string = this.interface): Promise<void> {
    const flags = cidr.includes(':') ? 'nodad' : 'broadcast +'
    await this.ip([`addr add ${cidr} ${flags} dev ${interfaceName}`])
  }

  async removeAddress(cidr: string, interfaceName: string = this.interface): Promise<void> {
    await this.ip([`addr del ${cidr} dev ${interfaceName}`])
  }

  /** Addresses with prefix length of one interface, link-local ones included; empty where there is no such interface. */
  async addresses(interfaceName: string = this.interface): Promise<string[]> {
    const { stdout, code } = await this.exec('ip', ['-json', 'addr', 'show', 'dev', interfaceName], {
      allowFailure: true,
    })
    if (code !== 0) return []
    const [shown] = JSON.parse(stdout) as { addr_info?: { local: string; prefixlen: number }[] }[]
    return (shown?.addr_info ?? []).map(({ local, prefixlen }) => `${local}/${prefixlen}`)
  }
}
