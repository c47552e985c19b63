import { formatCidr, networkOf, parseCidr } from '@wakunet/addressing'
import type { VlanInfo } from '@wakunet/bus'
import { Command, Option } from 'commander'
import { mtuArgument, subnetArgument, vlanNameArgument } from '../arguments.ts'
import { type CommandContext, withClient } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'
import {
  addPlanOptions,
  checkAddresses,
  checkSubnetGiven,
  type PlanOptions,
  planOf,
} from '../plan-options.ts'
import { addPresentationOptions, type PresentationOptions, presentationOf } from '../presentation-options.ts'
import { vlanFields } from '../vlan-fields.ts'

interface CreateOptions extends PlanOptions, PresentationOptions {
  readonly description?: string
  readonly subnet?: string
  readonly mtu?: number
}

export const vlanCreateCommand = (context: CommandContext): Command =>
  withExamples(
    addPresentationOptions(
      addPlanOptions(
        new Command('create')
          .description('Make a VLAN: its key and its signed record. Joining it is a step of its own.')
          .argument('<name>', 'what people call it, up to 63 characters', vlanNameArgument)
          .option('--description <text>', 'what it is for')
          .addOption(
            new Option('--subnet <cidr>', 'its IPv4 subnet (default: derived from the VLAN id)').argParser(
              subnetArgument,
            ),
          )
          .addOption(new Option('--mtu <bytes>', 'MTU of its interfaces').argParser(mtuArgument)),
        false,
      ),
    ).action(async (name: string, options: CreateOptions, command: Command) => {
      if (options.subnet === undefined) checkSubnetGiven(options)
      else checkAddresses(options, networkOfSubnet(options.subnet))
      const presentation = await presentationOf(options)
      await withClient(context, command, async (client, output) => {
        const vlan = await client.request('directory.create', {
          name,
          ...(options.description === undefined ? {} : { description: options.description }),
          ...(options.subnet === undefined ? {} : { subnet4: options.subnet }),
          ...(options.mtu === undefined ? {} : { mtu: options.mtu }),
          ...planOf(options),
          ...presentation,
        })
        output.result(vlan, (style) => vlanFields(vlan, style))
        output.note(nextStep(vlan))
      })
    }),
    [
      ['wakunet vlan create office', 'an open VLAN with addresses of its own choice'],
      ['wakunet vlan create lab --subnet 10.42.0.0/16 --mtu 1400', 'with a subnet and an MTU'],
      [
        'wakunet vlan create lab --subnet 10.42.0.0/16 --pool 10.42.1.0-10.42.1.255',
        'with what DHCP gives away',
      ],
      ['wakunet vlan create office --icon office.png', 'with an icon'],
      ['wakunet vlan create office --json | jq -r .ref', 'the id alone'],
    ],
  )

const networkOfSubnet = (subnet: string): string => formatCidr(networkOf(parseCidr(subnet)))

const nextStep = (vlan: VlanInfo): string =>
  `Join it, here and on other hosts:  wakunet vlan join ${vlan.ref}`
