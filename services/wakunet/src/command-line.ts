import { Command, CommanderError } from 'commander'
import manifest from '../package.json' with { type: 'json' }
import type { CommandContext } from './command-context.ts'
import { completionCommand } from './commands/completion.ts'
import { demoCommand } from './commands/demo.ts'
import { doctorCommand } from './commands/doctor.ts'
import { peersCommand } from './commands/peers.ts'
import { statusCommand } from './commands/status.ts'
import { traceCommand } from './commands/trace.ts'
import { upCommand } from './commands/up.ts'
import { valuesCommand } from './commands/values.ts'
import { vlanCommand } from './commands/vlan.ts'
import { EXIT_CODES, exitCodeOf } from './exit-code.ts'
import { asWakunetError, failureAsJson } from './failure.ts'
import { addGlobalOptions } from './global-options.ts'
import { withExamples } from './help-examples.ts'
import { Style } from './style.ts'
import type { Terminal } from './terminal.ts'

export type CommandLineContext = Omit<CommandContext, 'exitWith'>

/** Runs one command line (without the program's name) and says how the process shall end. Never throws. */
export const runCommandLine = async (
  argv: readonly string[],
  context: CommandLineContext,
): Promise<number> => {
  let code: number = EXIT_CODES.ok
  const exitWith = (wanted: number): void => {
    code = wanted
  }
  const program = buildProgram({ ...context, exitWith })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (thrown) {
    if (isHelp(thrown)) return EXIT_CODES.ok
    return reportFailure(thrown, argv, context.terminal)
  }
}

/** The whole command tree; also what completion scripts are made from. */
export const buildProgram = (context: CommandContext): Command => {
  const program = new Command('wakunet')
    .description('A decentralized, encrypted layer-2 network: virtual Ethernet over libp2p trunks.')
    .version(manifest.version, '--version', 'print the version')
    .showSuggestionAfterError(true)
  addGlobalOptions(program)
  withExamples(program, [
    ['wakunet up', 'run the node of this host'],
    ['wakunet vlan create office', 'make a VLAN'],
    ['wakunet vlan join office', 'join it'],
    ['wakunet demo', 'three hosts on this machine alone'],
  ])
  program.addHelpText('after', EXIT_CODE_HELP)
  program
    .addCommand(upCommand(context))
    .addCommand(statusCommand(context))
    .addCommand(peersCommand(context))
    .addCommand(traceCommand(context))
    .addCommand(vlanCommand(context))
    .addCommand(demoCommand(context))
    .addCommand(doctorCommand(context))
    .addCommand(completionCommand(context))
    .addCommand(valuesCommand(context), { hidden: true })
  for (const command of everyCommand(program)) settle(command, context.terminal)
  return program
}

const EXIT_CODE_HELP = `
Exit codes:
  0  it worked
  1  it failed; trying again may help
  2  wrong input: the message says what to change (arguments, configuration, this machine)
  3  the node is not running or cannot be reached`

const everyCommand = (command: Command): readonly Command[] => [
  command,
  ...command.commands.flatMap(everyCommand),
]

/** What commander does not inherit by itself: throw instead of exit, write where we say, show global options. */
const settle = (command: Command, terminal: Terminal): void => {
  command
    .exitOverride()
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      // Help that is shown because of an error; the error itself is reported by reportFailure.
      writeErr: (text) => void terminal.stderr.write(text),
      outputError: () => {},
      getOutHelpWidth: () => terminal.stdout.columns ?? HELP_COLUMNS,
      getErrHelpWidth: () => terminal.stderr.columns ?? HELP_COLUMNS,
    })
}

const HELP_COLUMNS = 110

const isHelp = (thrown: unknown): boolean => thrown instanceof CommanderError && thrown.exitCode === 0

const reportFailure = (thrown: unknown, argv: readonly string[], terminal: Terminal): number => {
  // A command group without a command: commander has written the help to stderr, which says it all.
  if (thrown instanceof CommanderError && thrown.code === 'commander.help' && !argv.includes('--json')) {
    return EXIT_CODES.wrongInput
  }
  const error = asWakunetError(thrown)
  if (argv.includes('--json')) {
    terminal.stderr.write(`${failureAsJson(error)}\n`)
  } else {
    const style = Style.for(terminal.stderr, terminal.env)
    terminal.stderr.write(`${style.bad('error:')} ${error.message}\n`)
  }
  return exitCodeOf(error)
}
