import type { RequestBus } from '@wakunet/bus'
import type { Command } from 'commander'
import { type GlobalOptions, globalOptionsOf } from './global-options.ts'
import type { Interruption } from './interruption.ts'
import { Output, type Terminal } from './terminal.ts'

/** What commands get from outside; a test hands in its own. */
export interface CommandContext {
  readonly terminal: Terminal
  /** Program and first arguments that run this command line again, for processes of its own. */
  readonly self: readonly string[]
  /** Connects to the node that the options name. */
  openClient(options: GlobalOptions): Promise<RequestBus>
  interruption(): Interruption
  /** Ends with this code although nothing was thrown: a command that reports a bad state. */
  exitWith(code: number): void
}

export const outputOf = (context: CommandContext, command: Command): Output =>
  new Output(context.terminal, globalOptionsOf(command).json)

/** Runs `use` with a connection to the node, and closes it whatever happens. */
export const withClient = async (
  context: CommandContext,
  command: Command,
  use: (client: RequestBus, output: Output) => Promise<void>,
): Promise<void> => {
  const client = await context.openClient(globalOptionsOf(command))
  try {
    await use(client, outputOf(context, command))
  } finally {
    await client.stop()
  }
}
