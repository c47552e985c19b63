import { WakunetError } from '@wakunet/interface'
import { Lab, requireProgram } from '@wakunet/netlab'
import type { Command } from 'commander'
import { type CommandContext, outputOf } from '../command-context.ts'
import { EXIT_CODES } from '../exit-code.ts'
import { globalOptionsOf } from '../global-options.ts'
import { readTapAccess } from '../tap-access.ts'
import type { Output } from '../terminal.ts'
import { DemoNetwork } from './demo-network.ts'
import { LiveView } from './live-view.ts'
import { measureOnce } from './measure.ts'
import { checkPrivileges } from './privileges.ts'
import { reportLines } from './report-text.ts'
import { openScreen } from './screen.ts'

export interface RunDemoOptions {
  readonly once?: true
  readonly userNamespace?: true
  readonly keepLogs?: string
}

const PROGRAMS = ['ip', 'ping', 'iperf3'] as const

export const runDemo = async (
  context: CommandContext,
  command: Command,
  options: RunDemoOptions,
): Promise<void> => {
  if (options.userNamespace === true) return becomeRootOfNamespace(context, command, options)
  for (const program of PROGRAMS) requireProgram(program)
  checkPrivileges(Lab.privileges(), readTapAccess(), context.terminal.env)
  const output = outputOf(context, command)
  using interruption = context.interruption()
  try {
    await withNetwork(context, options, output, interruption.signal, async (network) => {
      if (options.once === true) await showOnce(context, network, output, interruption.signal)
      else await showLive(context, network, interruption.signal)
    })
  } catch (error) {
    if (!interruption.signal.aborted) throw error
    // Ctrl-C ends a live view as it should; a measurement is incomplete then.
    if (options.once === true) throw interrupted()
    output.note('stopped; nothing is left behind')
  }
}

const interrupted = (): WakunetError =>
  new WakunetError('ERR_COMMAND_FAILED', 'the measurement was interrupted; nothing is left behind')

const withNetwork = async (
  context: CommandContext,
  options: RunDemoOptions,
  output: Output,
  signal: AbortSignal,
  use: (network: DemoNetwork) => Promise<void>,
): Promise<void> => {
  const network = await DemoNetwork.build({
    command: [...withoutConfiguration(context.terminal.env), ...context.self],
    signal,
    openClient: (socket) => context.openClient({ json: true, socket }),
    onStep: (what) => output.note(`… ${what}`),
    ...(options.keepLogs === undefined ? {} : { keepLogs: options.keepLogs }),
  })
  try {
    await use(network)
  } finally {
    await network.stop()
  }
}

/** Starts a program without our variables: what configures the user's own node is not for those of the demo. */
const withoutConfiguration = (env: Readonly<NodeJS.ProcessEnv>): readonly string[] => [
  'env',
  ...Object.keys(env)
    .filter((name) => name.startsWith('WAKUNET_'))
    .flatMap((name) => ['-u', name]),
]

const showOnce = async (
  context: CommandContext,
  network: DemoNetwork,
  output: Output,
  signal: AbortSignal,
): Promise<void> => {
  const report = await measureOnce(network, signal, (what) => output.note(`… ${what}`))
  output.result(report, (style) => reportLines(report, style))
  if (!report.ok) context.exitWith(EXIT_CODES.failed)
}

const showLive = async (
  context: CommandContext,
  network: DemoNetwork,
  signal: AbortSignal,
): Promise<void> => {
  const quit = new AbortController()
  const screen = openScreen(context.terminal, () => quit.abort())
  try {
    await new LiveView(network, screen).run(AbortSignal.any([signal, quit.signal]))
  } finally {
    screen.close()
  }
}

/** Goes on as the same command in a user namespace of its own, in place of this process. */
const becomeRootOfNamespace = (context: CommandContext, command: Command, options: RunDemoOptions): never => {
  const again = [
    ...context.self,
    'demo',
    ...(globalOptionsOf(command).json ? ['--json'] : []),
    ...(options.once === true ? ['--once'] : []),
    ...(options.keepLogs === undefined ? [] : ['--keep-logs', options.keepLogs]),
  ]
  const { kind, reason } = Lab.privileges()
  if (kind === 'none') throw new WakunetError('ERR_MISSING_PRIVILEGE', reason)
  const [program, ...args] = Lab.userNamespaceCommand(again)
  const file = requireProgram(program ?? 'unshare')
  process.execve?.(file, [file, ...args], definedOnly(process.env))
  throw new WakunetError(
    'ERR_MISSING_PRIVILEGE',
    'this version of Node cannot replace a process: use Node 24',
  )
}

const definedOnly = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))
