import type { PortInfo, TrunkStatus } from '@wakunet/bus'
import { Command } from 'commander'
import { type CommandContext, withClient } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'
import { describeReach } from '../peer-text.ts'
import { portTable } from '../port-table.ts'
import type { Style } from '../style.ts'
import { formatFields } from '../table.ts'
import { formatDuration } from '../units.ts'

export const statusCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('status')
      .description('Show this node: identity, addresses, trunks, joined VLANs.')
      .action(async (_options: unknown, command: Command) => {
        await withClient(context, command, async (client, output) => {
          const [node, { ports }] = await Promise.all([
            client.request('trunk.status', {}),
            client.request('switch.list', {}),
          ])
          output.result({ node, vlans: ports }, (style) => describeNode(node, ports, style))
        })
      }),
    [
      ['wakunet status', 'of the node on this host'],
      ['wakunet status --json', 'the same as one JSON object: node, vlans'],
    ],
  )

const describeNode = (node: TrunkStatus, ports: readonly PortInfo[], style: Style): readonly string[] => [
  ...formatFields([
    ['node', node.nodeId],
    ['peer id', node.peerId],
    ['role', node.role],
    ['version', node.version],
    ['up for', formatDuration(node.uptimeMs)],
    ['peers', `${node.peersConnected} connected, ${node.peersKnown} known`],
    [
      'records',
      `${node.recordsSent} sent, ${node.recordsReceived} received, ${node.recordsDropped} dropped, ${node.recordsRefused} refused`,
    ],
    ...describeReach(node.reach).map((text, index) => [index === 0 ? 'reachable' : '', text] as const),
    ...node.addresses.map((address, index) => [index === 0 ? 'listens on' : '', address] as const),
  ]),
  '',
  ...(ports.length === 0
    ? ['No VLAN joined. Make one with "wakunet vlan create NAME", or join one with "wakunet vlan join ID".']
    : portTable(ports, style)),
]
