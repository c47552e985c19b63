import { execFile } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { promisify } from 'node:util'
import { findProgram } from '@wakunet/netlab'
import { ConfigError } from '@wakunet/service-kit'
import { hostNetworks } from '@wakunet/vlan-switch'
import type { Command } from 'commander'
import { z } from 'zod'
import { parseBusUrl } from '../bus-url.ts'
import { findTarget } from '../client-target.ts'
import { type CommandContext, outputOf } from '../command-context.ts'
import { loadNodeConfig, type NodeConfig } from '../config.ts'
import { EXIT_CODES, exitCodeOf } from '../exit-code.ts'
import { type GlobalOptions, globalOptionsOf } from '../global-options.ts'
import type { Style } from '../style.ts'
import { readTapAccess } from '../tap-access.ts'
import { type CheckResult, type CheckState, fail, ok } from './check.ts'
import { checkClock } from './clock.ts'
import { checkBuffers, checkIpv6, checkMtu, checkMulticast, checkPort, listenAddresses } from './network.ts'
import { checkNode, type NodeAnswer } from './node.ts'
import { checkOverlap } from './overlap.ts'
import {
  checkNativeAddon,
  checkNodeVersion,
  checkPrivileges,
  checkProgram,
  checkTunDevice,
} from './programs.ts'
import { checkState } from './state.ts'

export const runDoctor = async (context: CommandContext, command: Command): Promise<void> => {
  const globals = globalOptionsOf(command)
  const checks = await runChecks(context, globals)
  const failed = checks.filter((check) => check.state === 'fail').length
  outputOf(context, command).result({ ok: failed === 0, checks }, (style) =>
    describeChecks(checks, failed, style),
  )
  if (failed > 0) context.exitWith(EXIT_CODES.failed)
}

const runChecks = async (
  context: CommandContext,
  globals: GlobalOptions,
): Promise<readonly CheckResult[]> => {
  const access = readTapAccess()
  const answer = await askNode(context, globals)
  return [
    checkNodeVersion(process.versions.node),
    checkTunDevice(access),
    checkPrivileges(access),
    checkNativeAddon(),
    checkProgram('ip'),
    checkProgram('flock'),
    checkClock({
      wallMs: Date.now(),
      expectedMs: performance.timeOrigin + performance.now(),
      builtMs: builtMs(),
    }),
    ...(await configChecks(context, globals, answer !== null)),
    checkMtu(await defaultRoute()),
    checkBuffers({
      udpReceive: lastNumber('/proc/sys/net/core/rmem_max'),
      udpSend: lastNumber('/proc/sys/net/core/wmem_max'),
      tcpReceive: lastNumber('/proc/sys/net/ipv4/tcp_rmem'),
      tcpSend: lastNumber('/proc/sys/net/ipv4/tcp_wmem'),
    }),
    checkIpv6(readText('/proc/sys/net/ipv6/conf/default/disable_ipv6')),
    await checkMulticast(),
    ...checkNode(answer, await targetText(context, globals)),
    ...(answer === null ? [] : checkOverlap(answer.vlans, answer.ports, hostNetworks())),
  ]
}

/** What depends on the configuration; one that cannot be read is a finding like any other. */
const configChecks = async (
  context: CommandContext,
  globals: GlobalOptions,
  nodeRuns: boolean,
): Promise<readonly CheckResult[]> => {
  let config: NodeConfig
  try {
    config = await loadNodeConfig({
      env: context.terminal.env,
      file: globals.config,
      flags: [
        { flag: '--state-dir', key: 'stateDir', value: globals.stateDir },
        { flag: '--socket', key: 'controlSocket', value: globals.socket },
      ],
    })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.faults.map(({ place, key, problem }) =>
      fail(
        'config',
        [place, key, problem].filter((part) => part !== '').join(': '),
        'correct it; "wakunet up --help" says where it is read from',
      ),
    )
  }
  const { enabled, host, port } = config.http
  const addresses = [
    ...listenAddresses(config.trunk.listen),
    ...(enabled ? [{ host, port, key: 'http.port' }] : []),
  ]
  return [
    ok('config', 'the configuration is valid'),
    ...(await Promise.all(
      addresses.filter((address) => address.port !== 0).map((a) => checkPort(a, nodeRuns)),
    )),
    checkState(config.stateDir, process.getuid?.() ?? 0),
  ]
}

/** Where a node was looked for; a faulty configuration is told by its own check. */
const targetText = async (context: CommandContext, globals: GlobalOptions): Promise<string> => {
  try {
    const target = await findTarget(globals, context.terminal.env)
    return target.kind === 'socket' ? target.path : parseBusUrl(target.url).server
  } catch {
    return 'the place that the configuration names'
  }
}

/** Null where nobody answers; any other fault of asking is for the user to see. */
const askNode = async (context: CommandContext, globals: GlobalOptions): Promise<NodeAnswer | null> => {
  try {
    const client = await context.openClient(globals)
    try {
      const [node, { peers }, { ports }, { vlans }] = await Promise.all([
        client.request('trunk.status', {}),
        client.request('trunk.peers', {}),
        client.request('switch.list', {}),
        client.request('directory.list', {}),
      ])
      return { node, peers, ports, vlans }
    } finally {
      await client.stop()
    }
  } catch (error) {
    if (exitCodeOf(error) === EXIT_CODES.notRunning || error instanceof ConfigError) return null
    throw error
  }
}

const routesSchema = z.array(z.object({ dev: z.string() }))
const linksSchema = z.array(z.object({ mtu: z.number() }))

const defaultRoute = async (): Promise<{ device: string; mtu: number } | null> => {
  const device = routesSchema.safeParse(await ipJson(['route', 'show', 'default'])).data?.[0]?.dev
  if (device === undefined) return null
  const mtu = linksSchema.safeParse(await ipJson(['link', 'show', 'dev', device])).data?.[0]?.mtu
  return mtu === undefined ? null : { device, mtu }
}

const ipJson = async (args: readonly string[]): Promise<unknown> => {
  const ip = findProgram('ip')
  if (ip === null) return null
  try {
    const { stdout } = await promisify(execFile)(ip, ['-json', ...args], { timeout: 5_000 })
    return JSON.parse(stdout)
  } catch {
    return null
  }
}

const readText = (file: string): string | null => {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return null
  }
}

/** The largest of the numbers in a kernel setting; it stands last. */
const lastNumber = (file: string): number | null => {
  const text = readText(file)?.split(/\s+/).at(-1)
  return text === undefined || !/^\d+$/.test(text) ? null : Number(text)
}

/** When this program was written to disk. */
const builtMs = (): number => statSync(new URL(import.meta.url)).mtimeMs

const MARKS: Readonly<Record<CheckState, string>> = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' }

const describeChecks = (checks: readonly CheckResult[], failed: number, style: Style): readonly string[] => {
  const paint: Readonly<Record<CheckState, (text: string) => string>> = {
    ok: (text) => style.good(text),
    warn: (text) => style.warning(text),
    fail: (text) => style.bad(text),
  }
  return [
    ...checks.flatMap(({ id, state, found, advice }) => [
      `${paint[state](MARKS[state])}  ${id.padEnd(12)}  ${found}`,
      ...(advice === null ? [] : [`${' '.repeat(20)}${style.dim('->')} ${advice}`]),
    ]),
    '',
    failed === 0
      ? style.good('This host can run a node.')
      : style.bad(`${failed} of ${checks.length} checks failed.`),
  ]
}
