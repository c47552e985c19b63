import type { PeerInfo, RequestBus } from '@wakunet/bus'
import { WakunetError } from '@wakunet/interface'
import { Command } from 'commander'
import { type CommandContext, withClient } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'
import { printable } from '../printable.ts'
import { findMembers, findPeer, type TracedMember, type TracedVlan } from '../trace/find-target.ts'
import { probe } from '../trace/probe.ts'
import { describePeer, describeWay, type TracedWay } from '../trace/trace-text.ts'

interface TraceOptions {
  readonly probe: boolean
}

export const traceCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('trace')
      .description(
        'Show the way to a peer or to an address in a VLAN: member, next hops, trunk, what carries it, and why not better.',
      )
      .argument('<target>', 'IP or MAC address in a VLAN, host name, node id or peer id')
      .option('--no-probe', 'send no pings')
      .action(async (target: string, options: TraceOptions, command: Command) => {
        await withClient(context, command, async (client, output) => {
          const [{ peers }, vlans] = await Promise.all([client.request('trunk.peers', {}), showAll(client)])
          const members = findMembers(target, vlans)
          const peer = findPeer(target, members, peers)
          if (members.length === 0 && peer === null) throw unknown(target)
          const ways = await Promise.all(members.map((member) => follow(member, peers, options)))
          output.result({ target, ways, peer }, (style) =>
            ways.length > 0
              ? ways.flatMap((way, index) => [
                  ...(index === 0 ? [] : ['']),
                  ...describeWay(target, way, style),
                ])
              : [printable(`${target} is in no VLAN of this node`), ...describePeer(peer!, style)],
          )
        })
      }),
    [
      ['wakunet trace 10.42.0.8', 'who has the address, and how frames get there'],
      ['wakunet trace 02:00:00:00:00:02', 'the same for a MAC address, also of a host behind a member'],
      ['wakunet trace desk --json', 'one JSON object: target, ways, peer'],
    ],
  )

const showAll = async (client: RequestBus): Promise<readonly TracedVlan[]> => {
  const { ports } = await client.request('switch.list', {})
  return Promise.all(ports.map(({ ref }) => client.request('switch.show', { vlan: ref })))
}

const follow = async (
  member: TracedMember,
  peers: readonly PeerInfo[],
  options: TraceOptions,
): Promise<TracedWay> => {
  const { nextHops, addresses } = member.member
  const hops = peers.filter(({ nodeId }) => nodeId !== null && nextHops.includes(nodeId))
  const address = addresses[0]
  const made = options.probe && address !== undefined ? await probe(address, member.port.interface) : null
  return { ...member, hops, probe: made }
}

const unknown = (target: string): WakunetError =>
  new WakunetError(
    'ERR_USAGE',
    printable(
      `nothing here is called '${target}': give an IP or MAC address of a VLAN that this node has joined, a host name, a node id or a peer id ('wakunet vlan show NAME' and 'wakunet peers' list them)`,
    ),
  )
