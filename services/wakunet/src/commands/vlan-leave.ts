import { Command } from 'commander'
import { vlanArgument } from '../arguments.ts'
import { type CommandContext, withClient } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'

export const vlanLeaveCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('leave')
      .description('Leave a VLAN: removes its network interface from this host.')
      .argument('<vlan>', 'VLAN id, or the name of a joined VLAN', vlanArgument)
      .action(async (vlan: string, _options: unknown, command: Command) => {
        await withClient(context, command, async (client, output) => {
          const left = await client.request('switch.leave', { vlan })
          output.result(left, () => [`Left ${vlan}; interface ${left.interface} is gone.`])
        })
      }),
    [['wakunet vlan leave office', 'its record stays known, joining again is quick']],
  )
