import { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'
import { vlanCreateCommand } from './vlan-create.ts'
import { vlanEditCommand } from './vlan-edit.ts'
import { vlanJoinCommand } from './vlan-join.ts'
import { vlanLeaveCommand } from './vlan-leave.ts'
import { vlanListCommand } from './vlan-list.ts'
import { vlanShowCommand } from './vlan-show.ts'

export const vlanCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('vlan')
      .description('Make, change, join, leave and inspect VLANs.')
      .addCommand(vlanCreateCommand(context))
      .addCommand(vlanEditCommand(context))
      .addCommand(vlanJoinCommand(context))
      .addCommand(vlanLeaveCommand(context))
      .addCommand(vlanListCommand(context))
      .addCommand(vlanShowCommand(context)),
    [
      ['wakunet vlan create office', 'prints the id that others join'],
      ['wakunet vlan join office', 'on this host'],
      ['wakunet vlan list', 'what is joined and what is known'],
    ],
  )
