import { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'
import { vlanBrowseCommand } from './vlan-browse.ts'
import { vlanCreateCommand } from './vlan-create.ts'
import { vlanEditCommand } from './vlan-edit.ts'
import { vlanJoinCommand } from './vlan-join.ts'
import { vlanLeaveCommand } from './vlan-leave.ts'
import { vlanLinkCommand } from './vlan-link.ts'
import { vlanListCommand } from './vlan-list.ts'
import { vlanPublishCommand, vlanUnpublishCommand } from './vlan-publish.ts'
import { vlanShowCommand } from './vlan-show.ts'

export const vlanCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('vlan')
      .description('Make, change, publish, find, join, leave and inspect VLANs.')
      .addCommand(vlanCreateCommand(context))
      .addCommand(vlanEditCommand(context))
      .addCommand(vlanBrowseCommand(context))
      .addCommand(vlanJoinCommand(context))
      .addCommand(vlanLeaveCommand(context))
      .addCommand(vlanListCommand(context))
      .addCommand(vlanShowCommand(context))
      .addCommand(vlanLinkCommand(context))
      .addCommand(vlanPublishCommand(context))
      .addCommand(vlanUnpublishCommand(context)),
    [
      ['wakunet vlan create office', 'prints the id that others join'],
      ['wakunet vlan browse', 'what others have published'],
      ['wakunet vlan join office', 'on this host'],
      ['wakunet vlan list', 'what is joined and what is known'],
    ],
  )
