import { LOG_LEVELS, type LogLevel } from '@wakunet/service-kit'
import { type Command, Option } from 'commander'

/** Options that every command takes, before or after its name. */
export interface GlobalOptions {
  readonly json: boolean
  readonly config?: string
  readonly stateDir?: string
  readonly socket?: string
  readonly bus?: string
  readonly logLevel?: LogLevel
}

export const addGlobalOptions = (program: Command): Command =>
  program
    .addOption(new Option('--json', 'print one JSON value on stdout; errors as JSON on stderr'))
    .addOption(new Option('--config <file>', 'configuration file, YAML (default: see "wakunet up --help")'))
    .addOption(new Option('--state-dir <dir>', 'where the node keeps its key and its VLANs'))
    .addOption(new Option('--socket <path>', 'control socket of the node'))
    .addOption(
      new Option(
        '--bus <url>',
        'talk to separate services over NATS, for example nats://cli:secret@127.0.0.1:4222',
      ),
    )
    .addOption(new Option('--log-level <level>', 'how much is logged').choices(LOG_LEVELS))

export const globalOptionsOf = (command: Command): GlobalOptions => {
  const options = command.optsWithGlobals<Partial<GlobalOptions>>()
  return { ...options, json: options.json === true }
}
