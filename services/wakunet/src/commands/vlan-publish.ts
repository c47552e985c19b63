import type { VlanInfo } from '@wakunet/bus'
import { Command } from 'commander'
import { namingArgument, vlanArgument } from '../arguments.ts'
import { type CommandContext, withClient } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'
import { printable } from '../printable.ts'

export const vlanPublishCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('publish')
      .description(
        'List a VLAN of this node in the directory, for anybody to find and join, until it is taken back.',
      )
      .argument('<vlan>', 'VLAN id, or the name of a VLAN that this node made', vlanArgument)
      .action((vlan: string, _options: unknown, command: Command) =>
        setPublished(context, command, vlan, true),
      ),
    [['wakunet vlan publish office', 'others find it with "wakunet vlan browse"']],
  )

export const vlanUnpublishCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('unpublish')
      .description('Take a VLAN of this node out of the directory. Its members stay members.')
      .argument('<vlan>', 'VLAN id, or the name of a VLAN that this node made', vlanArgument)
      .action((vlan: string, _options: unknown, command: Command) =>
        setPublished(context, command, vlan, false),
      ),
    [['wakunet vlan unpublish office', 'who has its id still can join']],
  )

const setPublished = (
  context: CommandContext,
  command: Command,
  reference: string,
  published: boolean,
): Promise<void> =>
  withClient(context, command, async (client, output) => {
    const vlan = await client
      .request('directory.publish', { vlan: reference, published })
      .catch((error: unknown) => {
        throw namingArgument(error, { ERR_VLAN_NOT_OWNED: "argument 'vlan'" })
      })
    output.result(vlan, () => [outcome(vlan)])
  })

const outcome = (vlan: VlanInfo): string =>
  vlan.publishedUntilMs === undefined
    ? `${printable(vlan.name)} (${vlan.ref}) is not listed any more: peers hear of it now, others within hours.`
    : `${printable(vlan.name)} (${vlan.ref}) is listed, and stays so while this node runs at least every two days.`
