import { closeSync, openSync } from 'node:fs'
import path from 'node:path'
import type { PeerInfo, PortInfo, RequestBus, TrunkStatus } from '@wakunet/bus'
import { WakunetError } from '@wakunet/interface'
import type { LabHost, LabProcess } from '@wakunet/netlab'
import { logTail } from './log-tail.ts'
import type { DemoHostReport } from './report.ts'
import { until } from './until.ts'

/** Generous: three nodes start at once on what may be a slow machine. */
const START_TIMEOUT_MS = 60_000
const COMMAND_TIMEOUT_MS = 60_000
const ADDRESS_TIMEOUT_MS = 20_000
const POLL_MS = 100
/** An empty file, so that the one of the user's own node is not read. */
const NO_CONFIG_FILE = ['--config', '/dev/null'] as const

export interface DemoHostInit {
  readonly host: LabHost
  /** Where its log goes. */
  readonly logDirectory: string
  /** `node` and the path of this program. */
  readonly command: readonly string[]
  openClient(socket: string): Promise<RequestBus>
}

/** What a host knows of itself at a moment. */
export interface HostSnapshot {
  readonly node: TrunkStatus
  readonly peers: readonly PeerInfo[]
  readonly port: PortInfo
}

/** One host of the demo: a network namespace with a real `wakunet up` in it. */
export class DemoHost {
  readonly host: LabHost
  readonly socket: string
  readonly logFile: string
  peerId = ''
  nodeId = ''
  interface = ''
  address4 = ''
  address6 = ''
  linkLocal = ''
  addresses: readonly string[] = []
  readonly #init: DemoHostInit
  #process: LabProcess | null = null
  #client: RequestBus | null = null

  constructor(init: DemoHostInit) {
    this.#init = init
    this.host = init.host
    this.socket = path.join(init.host.directory, 'wakunet.sock')
    this.logFile = path.join(init.logDirectory, `${init.host.name}.log`)
  }

  get name(): string {
    return this.host.name
  }

  /** Starts the node and waits until it says that it is up. */
  async start(bootstrap: readonly string[], signal: AbortSignal): Promise<void> {
    const log = openSync(this.logFile, 'a')
    try {
      this.#process = this.host.spawn(this.#program, [...this.#arguments, ...this.#upArguments(bootstrap)], {
        stdio: ['ignore', 'pipe', log],
      })
    } finally {
      closeSync(log)
    }
    const process = this.#process
    await this.#blame('did not start', () =>
      process.waitForOutput(/"event":"up"/, { timeoutMs: START_TIMEOUT_MS, signal }),
    )
    this.#client = await this.#init.openClient(this.socket)
    const status = await this.client.request('trunk.status', {})
    this.peerId = status.peerId
    this.nodeId = status.nodeId
  }

  get client(): RequestBus {
    if (this.#client === null)
      throw new WakunetError('ERR_NOT_STARTED', `the node of ${this.name} was not started`)
    return this.#client
  }

  /** Runs the command line on this host, as a person would, and returns what it printed with `--json`. */
  async wakunet(args: readonly string[], signal: AbortSignal): Promise<unknown> {
    const { stdout, stderr, code } = await this.host.exec(
      this.#program,
      [...this.#arguments, ...NO_CONFIG_FILE, '--socket', this.socket, '--json', ...args],
      { timeoutMs: COMMAND_TIMEOUT_MS, signal, allowFailure: true },
    )
    if (code === 0) return JSON.parse(stdout)
    throw this.failure(
      `"wakunet ${args.join(' ')}" failed on ${this.name}: ${stderr.trim() || stdout.trim()}`,
    )
  }

  /** Waits for the addresses of a VLAN's interface, the kernel's link-local one included. */
  async settleAddresses(interfaceName: string, signal: AbortSignal): Promise<void> {
    this.interface = interfaceName
    const found = await until(() => this.#readAddresses(), {
      timeoutMs: ADDRESS_TIMEOUT_MS,
      periodMs: POLL_MS,
      signal,
    })
    if (found !== null) return
    const have = (await this.host.addresses(interfaceName)).join(', ') || 'none'
    throw this.failure(
      `${interfaceName} of ${this.name} did not get an IPv4, an IPv6 and a link-local address; it has ${have}`,
    )
  }

  /** @throws WakunetError with the end of its log where the node has ended by itself */
  requireAlive(): void {
    if (this.#process?.status !== null) throw this.failure(`The node of ${this.name} has ended`)
  }

  async snapshot(): Promise<HostSnapshot> {
    const [node, { peers }, { ports }] = await Promise.all([
      this.client.request('trunk.status', {}),
      this.client.request('trunk.peers', {}),
      this.client.request('switch.list', {}),
    ])
    const port = ports.find((candidate) => candidate.interface === this.interface) ?? ports[0]
    if (port === undefined) throw this.failure(`${this.name} has left the VLAN`)
    return { node, peers, port }
  }

  report(snapshot: HostSnapshot, hosts: readonly DemoHost[]): DemoHostReport {
    return {
      name: this.name,
      peerId: this.peerId,
      nodeId: this.nodeId,
      addresses: this.addresses,
      interface: this.interface,
      trunks: snapshot.peers.map((peer) => ({
        host: hosts.find((host) => host.peerId === peer.peerId)?.name ?? null,
        peerId: peer.peerId,
        state: peer.state,
        address: peer.address,
        rttMs: peer.rttMs,
        bytesSent: peer.bytesSent,
        bytesReceived: peer.bytesReceived,
      })),
    }
  }

  /** An error that ends with the last lines of this host's log. */
  failure(message: string, cause?: unknown): WakunetError {
    const tail = logTail(this.logFile)
    const log =
      tail === '' ? `The log of ${this.name} is empty.` : `Last lines of the log of ${this.name}:\n${tail}`
    return new WakunetError('ERR_COMMAND_FAILED', `${message}\n${log}`, { cause })
  }

  /** Ends the node as a service manager would. */
  async stop(): Promise<void> {
    await this.#client?.stop()
    this.#client = null
    await this.#process?.stop({ signal: 'SIGTERM', timeoutMs: 10_000 })
    this.#process = null
  }

  get #program(): string {
    return this.#init.command[0] ?? process.execPath
  }

  get #arguments(): readonly string[] {
    return this.#init.command.slice(1)
  }

  #upArguments(bootstrap: readonly string[]): readonly string[] {
    return [
      'up',
      '--json',
      ...NO_CONFIG_FILE,
      ...['--state-dir', path.join(this.host.directory, 'state')],
      ...['--socket', this.socket],
      ...['--log-format', 'pretty'],
      ...bootstrap.flatMap((address) => ['--bootstrap', address]),
    ]
  }

  async #readAddresses(): Promise<true | null> {
    this.requireAlive()
    const addresses = await this.host.addresses(this.interface)
    const bare = addresses.map((cidr) => cidr.slice(0, cidr.indexOf('/')))
    const address4 = bare.find((address) => !address.includes(':'))
    const address6 = bare.find((address) => /^f[cd]/i.test(address))
    const linkLocal = bare.find((address) => /^fe80:/i.test(address))
    if (address4 === undefined || address6 === undefined || linkLocal === undefined) return null
    this.addresses = addresses
    this.address4 = address4
    this.address6 = address6
    this.linkLocal = linkLocal
    return true
  }

  async #blame<T>(what: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      if (error instanceof WakunetError)
        throw this.failure(`The node of ${this.name} ${what}: ${firstLine(error)}`, error)
      throw error
    }
  }
}

const firstLine = (error: Error): string => error.message.split('\n')[0] ?? ''
