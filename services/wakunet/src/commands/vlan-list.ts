import type { PortInfo, VlanInfo } from '@wakunet/bus'
import { Command } from 'commander'
import { type CommandContext, withClient } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'
import { knownVlans } from '../known-vlans.ts'
import { portTable } from '../port-table.ts'
import { printable } from '../printable.ts'
import type { Style } from '../style.ts'
import { formatTable } from '../table.ts'

export const vlanListCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('list')
      .description('List the VLANs that this host has joined, and those that this node knows.')
      .action(async (_options: unknown, command: Command) => {
        await withClient(context, command, async (client, output) => {
          const [{ ports }, vlans] = await Promise.all([
            client.request('switch.list', {}),
            knownVlans(client),
          ])
          output.result({ joined: ports, known: vlans }, (style) => describeVlans(ports, vlans, style))
        })
      }),
    [
      ['wakunet vlan list', 'two tables: joined, known'],
      ['wakunet vlan list --json', 'one JSON object: joined, known'],
    ],
  )

const describeVlans = (
  ports: readonly PortInfo[],
  vlans: readonly VlanInfo[],
  style: Style,
): readonly string[] => {
  const joined = new Set(ports.map((port) => port.vlanId))
  const others = vlans.filter((vlan) => !joined.has(vlan.id))
  if (ports.length === 0 && others.length === 0) {
    return [
      'No VLAN known. Make one with "wakunet vlan create NAME", or join one with "wakunet vlan join ID".',
    ]
  }
  return [
    ...(ports.length === 0 ? ['No VLAN joined.'] : portTable(ports, style)),
    ...(others.length === 0 ? [] : ['', 'Known, not joined:', ...knownTable(others)]),
  ]
}

const knownTable = (vlans: readonly VlanInfo[]): readonly string[] =>
  formatTable(
    ['VLAN', 'SUBNET', 'MTU', 'KEY', 'ID'],
    vlans.map((vlan) => [
      printable(vlan.name),
      vlan.subnet4,
      String(vlan.mtu),
      vlan.owned ? 'here' : '-',
      vlan.ref,
    ]),
  )
