import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { findProgram, type Lab, type LabHost, type LabProcess, runCommand } from '@wakunet/netlab'
import { withLastWords } from '../last-words.ts'
import {
  OVERLAY_MTU,
  OVERLAY_PREFIX_LENGTH,
  OVERLAY_SUBNET,
  type Overlay,
  overlayAddress,
  type System,
} from '../system.ts'

/** What people run: `npm run bench` has made the bundles. */
const PROGRAMS = path.resolve(import.meta.dirname, '../../../dist')
/** Frames go by datagram; without AES in hardware it is ChaCha20-Poly1305. */
const CRYPTO = 'AES-128-GCM'
const TRUNK_PORT = 4740
const NATS_PORT = 4222
const START_TIMEOUT_MS = 30_000
/** With many nodes on one machine everything takes its time. */
const JOIN_SECONDS = 60
const COMMAND_TIMEOUT_MS = 90_000
const VLAN_NAME = 'bench'
const INTERFACE = `wk-${VLAN_NAME}`
/** Nodes that start at once, and join at once: they share the processors. */
const AT_ONCE = 4
/** Nodes that one that starts is told of. */
const MAX_BOOTSTRAP = 7

/** How the nodes are run. */
export interface WakunetInit {
  readonly name: string
  /** Directory of the bundles; default: those of this tree. */
  readonly programs?: string
  /** Configuration of the switch; default: none. */
  readonly switchConfig?: object
}

interface NodeKind {
  readonly programs: string
  readonly switchConfig: object
}

/** A node on one host, whatever processes it consists of. */
interface RunningNode {
  readonly host: LabHost
  readonly processes: readonly LabProcess[]
  /** Arguments with which the command line reaches it. */
  readonly target: readonly string[]
}

type StartNode = (
  kind: NodeKind,
  host: LabHost,
  bootstrap: readonly string[],
  signal: AbortSignal,
) => Promise<RunningNode>

/** The embedded shape: one process a host. */
export function embeddedWakunet(init: WakunetInit): System {
  const kind = kindOf(init)
  return {
    ...commonOf(init, kind),
    installation: { aptPackages: [] },
    missing: () => missingService(kind, 'wakunet'),
    up: (lab, signal) => joinHosts(kind, lab, startEmbedded, signal),
  }
}

/** Separate processes around a NATS server on each host, frames over the Unix socket. */
export function separateWakunet(init: WakunetInit): System {
  const kind = kindOf(init)
  return {
    ...commonOf(init, kind),
    installation: { aptPackages: ['nats-server'] },
    missing: () =>
      findProgram('nats-server') === null
        ? 'nats-server is not installed'
        : (missingService(kind, 'trunk-peer') ?? missingService(kind, 'vlan-switch')),
    up: (lab, signal) => joinHosts(kind, lab, startServices, signal),
  }
}

function kindOf({ programs = PROGRAMS, switchConfig = {} }: WakunetInit): NodeKind {
  return { programs, switchConfig }
}

function commonOf({ name }: WakunetInit, { programs }: NodeKind) {
  return {
    name,
    ours: true,
    layer: 2,
    crypto: CRYPTO,
    isPair: false,
    async version() {
      const { stdout } = await runCommand(process.execPath, [mainOf(programs, 'wakunet'), '--version'])
      return `wakunet ${stdout.trim()}`
    },
  } as const
}

/** As people do it: start all nodes, make a VLAN on the first, join it on each. */
async function joinHosts(kind: NodeKind, lab: Lab, start: StartNode, signal: AbortSignal): Promise<Overlay> {
  // Up to eight have a trunk for each pair, as on a LAN where they find each other; more meet at the first ones.
  const addresses = lab.hosts.map(({ address4 }) => `/ip4/${address4}/tcp/${TRUNK_PORT}`)
  const startHost = (host: LabHost) => {
    const before = Math.min(MAX_BOOTSTRAP, lab.hosts.indexOf(host))
    return start(kind, host, addresses.slice(0, before), signal)
  }
  const [first, ...others] = lab.hosts
  const nodes = [await startHost(first!), ...(await inTurns(others, startHost))]
  const create = ['vlan', 'create', VLAN_NAME, '--subnet', OVERLAY_SUBNET, '--mtu', String(OVERLAY_MTU)]
  const { ref } = (await command(kind, nodes[0]!, create, signal)) as { ref: string }
  const join = (node: RunningNode) => {
    const address = `${overlayAddress(lab.hosts.indexOf(node.host))}/${OVERLAY_PREFIX_LENGTH}`
    return command(
      kind,
      node,
      ['vlan', 'join', ref, '--address', address, '--timeout', String(JOIN_SECONDS)],
      signal,
    )
  }
  // The first before the others, which find the VLAN there.
  await join(nodes[0]!)
  await inTurns(nodes.slice(1), join)
  return {
    addresses: lab.hosts.map((_, index) => overlayAddress(index)),
    processes: nodes.map(({ processes }) => processes),
    interfaceName: INTERFACE,
    mtu: OVERLAY_MTU,
  }
}

/** A few at a time, in order. */
async function inTurns<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let from = 0; from < items.length; from += AT_ONCE)
    results.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map(run))))
  return results
}

async function startEmbedded(
  kind: NodeKind,
  host: LabHost,
  bootstrap: readonly string[],
  signal: AbortSignal,
): Promise<RunningNode> {
  const socket = path.join(host.directory, 'wakunet.sock')
  const config = writeConfig(host, 'wakunet', {
    trunk: trunkSection(bootstrap),
    switch: kind.switchConfig,
  })
  const node = startService(kind, host, 'wakunet', ['up', '--json', '--config', config, '--socket', socket])
  await node.waitForOutput(/"event":\s*"up"/, { timeoutMs: START_TIMEOUT_MS, signal })
  return { host, processes: [node], target: ['--socket', socket] }
}

async function startServices(
  kind: NodeKind,
  host: LabHost,
  bootstrap: readonly string[],
  signal: AbortSignal,
): Promise<RunningNode> {
  const lane = { kind: 'unix', path: path.join(host.directory, 'lane.sock') }
  const nats = host.spawn('nats-server', ['--addr', '127.0.0.1', '--port', String(NATS_PORT)])
  const trunkConfig = writeConfig(host, 'trunk-peer', { lane, trunk: trunkSection(bootstrap) })
  const switchConfig = writeConfig(host, 'vlan-switch', {
    lane,
    http: { port: 9475 },
    switch: kind.switchConfig,
  })
  const services = [
    startService(kind, host, 'trunk-peer', ['--config', trunkConfig]),
    startService(kind, host, 'vlan-switch', ['--config', switchConfig]),
  ]
  const options = { timeoutMs: START_TIMEOUT_MS, signal }
  await Promise.all([
    nats.waitForOutput(/Server is ready/, options),
    ...services.map((service) => service.waitForOutput(/"started"/, options)),
  ])
  const target = ['--bus', `nats://127.0.0.1:${NATS_PORT}`]
  return { host, processes: [nats, ...services], target }
}

function trunkSection(bootstrap: readonly string[]): object {
  return { listen: [`/ip4/0.0.0.0/tcp/${TRUNK_PORT}`], bootstrap, mdns: false }
}

/** @returns path of the file */
function writeConfig(host: LabHost, service: string, section: object): string {
  const stateDir = path.join(host.directory, `${service}-state`)
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  const file = path.join(host.directory, `${service}.yaml`)
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ stateDir, log: { format: 'json' }, ...section }))
  return file
}

function startService(kind: NodeKind, host: LabHost, service: string, args: readonly string[]): LabProcess {
  return host.spawn(process.execPath, [mainOf(kind.programs, service), ...args])
}

/** One command of the command line against a running node. */
async function command(
  kind: NodeKind,
  node: RunningNode,
  args: readonly string[],
  signal: AbortSignal,
): Promise<unknown> {
  const line = [mainOf(kind.programs, 'wakunet'), ...node.target, '--json', ...args]
  try {
    const { stdout } = await node.host.exec(process.execPath, line, { timeoutMs: COMMAND_TIMEOUT_MS, signal })
    return JSON.parse(stdout)
  } catch (error) {
    throw withLastWords(error, node.processes)
  }
}

function mainOf(programs: string, service: string): string {
  return path.join(programs, `${service}.mjs`)
}

function missingService({ programs }: NodeKind, service: string): string | null {
  const file = mainOf(programs, service)
  return existsSync(file) ? null : `${file} is not there: run it as 'npm run bench', which makes it`
}
