import { Argument, Command } from 'commander'
import { type CommandContext, withClient } from '../command-context.ts'
import { knownVlans } from '../known-vlans.ts'
import { printable } from '../printable.ts'

/** Hidden: what completion scripts ask for, a line each. */
export const valuesCommand = (context: CommandContext): Command =>
  new Command('values')
    .description('Print the values that shell completion offers, a line each.')
    .addArgument(new Argument('<what>', 'which values').choices(['vlans']))
    .action(async (_what: string, _options: unknown, command: Command) => {
      await withClient(context, command, async (client, output) => {
        const names = (await knownVlans(client)).map((vlan) => printable(vlan.name)).sort()
        output.result({ vlans: names }, () => names)
      })
    })
