import type { ReplyOf, RequestBus, VlanInfo } from '@wakunet/bus'
import { WakunetError } from '@wakunet/interface'
import { Command } from 'commander'
import { vlanArgument } from '../arguments.ts'
import { type CommandContext, withClient } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'
import { writeIcon } from '../icon-file.ts'
import { portTable } from '../port-table.ts'
import { printable } from '../printable.ts'
import type { Style } from '../style.ts'
import { formatFields, formatTable } from '../table.ts'
import { formatBytes, formatDuration } from '../units.ts'
import { vlanFields } from '../vlan-fields.ts'

type JoinedVlan = ReplyOf<'switch.show'>

export const vlanShowCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('show')
      .description(
        'Show one VLAN: its record and, where joined, members, learned addresses and drop counters.',
      )
      .argument('<vlan>', 'VLAN id, or the name of a VLAN that this node knows', vlanArgument)
      .option('--icon <file>', 'write its icon into this new file')
      .action(async (reference: string, options: { readonly icon?: string }, command: Command) => {
        await withClient(context, command, async (client, output) => {
          const joined = await showJoined(client, reference)
          const vlan = await client.request('directory.resolve', {
            vlan: joined?.port.ref ?? reference,
            timeoutMs: 0,
            keep: false,
          })
          const icon = options.icon === undefined ? null : await writeIcon(options.icon, vlan.encoded)
          output.result({ vlan, joined }, (style) => describeVlan(vlan, joined, style))
          if (icon !== null) output.note(`Its icon, ${icon.type}, is in ${options.icon}.`)
        })
      }),
    [
      ['wakunet vlan show office', 'record, members, learned MAC addresses, drops by reason'],
      ['wakunet vlan show office --icon office.png', 'its icon as well, into a file'],
      [
        'wakunet vlan show office --json',
        'one JSON object: vlan, joined (null where this host has not joined)',
      ],
    ],
  )

const showJoined = async (client: RequestBus, vlan: string): Promise<JoinedVlan | null> => {
  try {
    return await client.request('switch.show', { vlan })
  } catch (error) {
    if (
      error instanceof WakunetError &&
      (error.code === 'ERR_VLAN_NOT_JOINED' || error.code === 'ERR_VLAN_NOT_FOUND')
    ) {
      return null
    }
    throw error
  }
}

const describeVlan = (vlan: VlanInfo, joined: JoinedVlan | null, style: Style): readonly string[] => [
  ...vlanFields(vlan, style),
  '',
  ...(joined === null
    ? [`Not joined. Join it with "wakunet vlan join ${vlan.ref}".`]
    : describeJoined(joined, style)),
]

/** Who passes frames between the LAN and the VLAN. */
const describeLan = ({ lan }: JoinedVlan['port'], members: JoinedVlan['members']): readonly string[] => {
  if (lan === undefined) return []
  const nameOf = (nodeId: string) => {
    const member = members.find((one) => one.nodeId === nodeId)
    return member === undefined ? nodeId : `${printable(member.hostname)} (${nodeId})`
  }
  const state = lan.forwarding
    ? 'forwarding: this host is the designated forwarder'
    : lan.forwarder === null
      ? 'blocked: listening'
      : `blocked: ${nameOf(lan.forwarder)} is the designated forwarder`
  return [
    '',
    ...formatFields([
      ['bridge', lan.bridge],
      ['LAN', state],
      ...lan.neighbours.map((nodeId) => ['also on this LAN', nameOf(nodeId)] as const),
    ]),
  ]
}

/** What this host passes on for others; nothing is said where there was nothing. */
const describeRelay = ({ relay }: JoinedVlan['port']): readonly string[] => {
  const { enabled, records, bytes, dropped } = relay
  if (enabled && records + dropped === 0) return []
  const passed = `Passed on for other members: ${records} records, ${formatBytes(bytes)}.`
  const refused = dropped === 0 ? '' : ` Not passed on: ${dropped} records.`
  return ['', enabled ? passed + refused : `This host passes nothing on for other members.${refused}`]
}

/** Trunks to members, and which of them carry what goes to everybody. */
const describeTree = ({ tree, members }: JoinedVlan): readonly string[] => {
  if (tree.trunks.length === 0) return []
  const nameOf = (nodeId: string) => members.find((one) => one.nodeId === nodeId)?.hostname ?? ''
  return [
    '',
    ...formatTable(
      ['TRUNK', 'ROLE', 'TREE', 'COST', 'NODE'],
      tree.trunks.map(({ nodeId, role, forwarding, cost }) => [
        printable(nameOf(nodeId)),
        role,
        forwarding ? 'forwards' : 'blocked',
        String(cost),
        nodeId,
      ]),
    ),
    tree.isRoot
      ? 'This host is the root of the spanning tree.'
      : `Root of the spanning tree: ${printable(nameOf(tree.root))} (${tree.root})`,
  ]
}

/** Round trip of the trunk to a member, or that others pass its frames on, and how they are sealed. */
const trunkText = ({ peerId, rttMs, cipher }: JoinedVlan['members'][number]): string => {
  if (peerId === null) return cipher === null ? 'over others' : `over others, ${cipher}`
  return rttMs === null ? 'direct' : `${rttMs.toFixed(1)} ms`
}

const describeJoined = (joined: JoinedVlan, style: Style): readonly string[] => {
  const { port, members, fdb, drops } = joined
  const reasons = Object.entries(drops).filter(([, count]) => count > 0)
  return [
    ...portTable([port], style),
    ...describeLan(port, members),
    '',
    ...(members.length === 0
      ? ['No other member was heard so far.']
      : formatTable(
          ['MEMBER', 'ADDRESSES', 'TRUNK', 'HOSTS', 'MAC', 'NODE'],
          members.map((member) => [
            printable(member.hostname),
            member.addresses.join(' '),
            trunkText(member),
            member.bridged ? `${member.leases}, bridged` : String(member.leases),
            member.mac,
            member.nodeId,
          ]),
        )),
    ...describeTree(joined),
    ...describeRelay(port),
    ...(fdb.length === 0
      ? []
      : [
          '',
          ...formatTable(
            ['LEARNED MAC', 'BEHIND', 'SEEN'],
            fdb.map((entry) => [
              entry.mac,
              entry.nodeId ?? 'this host',
              `${formatDuration(entry.ageMs)} ago`,
            ]),
          ),
        ]),
    ...(reasons.length === 0
      ? []
      : [
          '',
          ...formatTable(
            ['DROPPED', 'COUNT'],
            reasons.map(([reason, count]) => [printable(reason), String(count)]),
          ),
        ]),
  ]
}
