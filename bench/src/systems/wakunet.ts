import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { findProgram, type Lab, type LabHost, type LabProcess, runCommand } from '@wakunet/netlab'
import { withLastWords } from '../last-words.ts'
import {
  OVERLAY_ADDRESSES,
  OVERLAY_MTU,
  OVERLAY_PREFIX_LENGTH,
  type Overlay,
  type System,
} from '../system.ts'

/** What people run: `npm run bench` has made the bundles. */
const PROGRAMS = path.resolve(import.meta.dirname, '../../../dist')
const CRYPTO = 'ChaCha20-Poly1305 (Noise)'
const TRUNK_PORT = 4740
const NATS_PORT = 4222
const START_TIMEOUT_MS = 30_000
const VLAN_NAME = 'bench'
const SUBNET = '10.77.0.0/24'

/** A node on one host, whatever processes it consists of. */
interface RunningNode {
  readonly host: LabHost
  readonly processes: readonly LabProcess[]
  /** Arguments with which the command line reaches it. */
  readonly target: readonly string[]
}

type StartNode = (host: LabHost, bootstrap: readonly string[], signal: AbortSignal) => Promise<RunningNode>

/** The embedded shape: one process a host. */
export const wakunet: System = {
  name: 'wakunet',
  ours: true,
  layer: 2,
  crypto: CRYPTO,
  installation: { aptPackages: [] },
  missing: () => missingService('wakunet'),
  version,
  up: (lab, signal) => joinHosts(lab, startEmbedded, signal),
}

/** Separate processes around a NATS server on each host, frames over the Unix socket. */
export const wakunetServices: System = {
  name: 'wakunet-services',
  ours: true,
  layer: 2,
  crypto: CRYPTO,
  installation: { aptPackages: ['nats-server'] },
  missing: () =>
    findProgram('nats-server') === null
      ? 'nats-server is not installed'
      : (missingService('trunk-peer') ?? missingService('vlan-switch')),
  version,
  up: (lab, signal) => joinHosts(lab, startServices, signal),
}

/** As people do it: start both nodes, make a VLAN on the first, join it on both. */
async function joinHosts(lab: Lab, start: StartNode, signal: AbortSignal): Promise<Overlay> {
  const [first, second] = [lab.host(1), lab.host(2)]
  const nodes = await Promise.all([
    start(first, [], signal),
    start(second, [`/ip4/${first.address4}/tcp/${TRUNK_PORT}`], signal),
  ])
  const create = ['vlan', 'create', VLAN_NAME, '--subnet', SUBNET, '--mtu', String(OVERLAY_MTU)]
  const { ref } = (await command(nodes[0], create, signal)) as { ref: string }
  // One after the other: the second finds the VLAN at the first.
  for (const [index, node] of nodes.entries()) {
    const address = `${OVERLAY_ADDRESSES[index]}/${OVERLAY_PREFIX_LENGTH}`
    await command(node, ['vlan', 'join', ref, '--address', address], signal)
  }
  return {
    addresses: OVERLAY_ADDRESSES,
    processes: [nodes[0].processes, nodes[1].processes],
    mtu: OVERLAY_MTU,
  }
}

async function startEmbedded(
  host: LabHost,
  bootstrap: readonly string[],
  signal: AbortSignal,
): Promise<RunningNode> {
  const socket = path.join(host.directory, 'wakunet.sock')
  const config = writeConfig(host, 'wakunet', { trunk: trunkSection(bootstrap) })
  const node = startService(host, 'wakunet', ['up', '--json', '--config', config, '--socket', socket])
  await node.waitForOutput(/"event":\s*"up"/, { timeoutMs: START_TIMEOUT_MS, signal })
  return { host, processes: [node], target: ['--socket', socket] }
}

async function startServices(
  host: LabHost,
  bootstrap: readonly string[],
  signal: AbortSignal,
): Promise<RunningNode> {
  const lane = { kind: 'unix', path: path.join(host.directory, 'lane.sock') }
  const nats = host.spawn('nats-server', ['--addr', '127.0.0.1', '--port', String(NATS_PORT)])
  const trunkConfig = writeConfig(host, 'trunk-peer', { lane, trunk: trunkSection(bootstrap) })
  const switchConfig = writeConfig(host, 'vlan-switch', { lane, http: { port: 9475 } })
  const services = [
    startService(host, 'trunk-peer', ['--config', trunkConfig]),
    startService(host, 'vlan-switch', ['--config', switchConfig]),
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

function startService(host: LabHost, service: string, args: readonly string[]): LabProcess {
  return host.spawn(process.execPath, [mainOf(service), ...args])
}

/** One command of the command line against a running node. */
async function command(node: RunningNode, args: readonly string[], signal: AbortSignal): Promise<unknown> {
  const line = [mainOf('wakunet'), ...node.target, '--json', ...args]
  try {
    const { stdout } = await node.host.exec(process.execPath, line, { signal })
    return JSON.parse(stdout)
  } catch (error) {
    throw withLastWords(error, node.processes)
  }
}

async function version(): Promise<string> {
  const { stdout } = await runCommand(process.execPath, [mainOf('wakunet'), '--version'])
  return `wakunet ${stdout.trim()}`
}

function mainOf(service: string): string {
  return path.join(PROGRAMS, `${service}.mjs`)
}

function missingService(service: string): string | null {
  return existsSync(mainOf(service))
    ? null
    : `dist/${service}.mjs is not there: run it as 'npm run bench', which makes it`
}
