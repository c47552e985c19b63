import type { PeerInfo } from '@wakunet/bus'
import { Command } from 'commander'
import { type CommandContext, withClient } from '../command-context.ts'
import { withExamples } from '../help-examples.ts'
import { explainPath, explainPeer, explainRelay, formatLoss, pathName } from '../peer-text.ts'
import type { Style } from '../style.ts'
import { formatTable } from '../table.ts'
import { formatBytes, formatRtt } from '../units.ts'

export const peersCommand = (context: CommandContext): Command =>
  withExamples(
    new Command('peers')
      .description(
        'Show every known peer: how it is known, its trunk and what carries it, and why there is no better one.',
      )
      .action(async (_options: unknown, command: Command) => {
        await withClient(context, command, async (client, output) => {
          const { peers } = await client.request('trunk.peers', {})
          output.result({ peers }, (style) => describePeers(peers, style))
        })
      }),
    [
      [
        'wakunet peers',
        'a table, with the reason under it where a peer has no trunk, or a slower path than it could have',
      ],
      ['wakunet peers --json', 'one JSON object: peers'],
    ],
  )

const describePeers = (peers: readonly PeerInfo[], style: Style): readonly string[] => {
  if (peers.length === 0) {
    return [
      'No peer known yet. Name one with "wakunet up --bootstrap MULTIADDR"; on one LAN mDNS finds them.',
    ]
  }
  return [
    ...formatTable(
      ['PEER', 'TRUNK', 'PATH', 'RTT', 'LOSS', 'ADDRESS', 'KNOWN BY', 'VLANS', 'SENT', 'RECEIVED'],
      peers.map((peer) => [
        peer.peerId,
        peer.state === 'connected' ? style.good('connected') : style.warning(peer.state),
        pathName(peer),
        formatRtt(peer.rttMs),
        formatLoss(peer.loss),
        peer.path?.address ?? peer.address ?? '-',
        peer.sources.join(' '),
        String(peer.vlans.length),
        formatBytes(peer.bytesSent),
        formatBytes(peer.bytesReceived),
      ]),
    ),
    ...peers.filter((peer) => peer.state !== 'connected').map((peer) => style.warning(explainPeer(peer))),
    ...peers
      .flatMap((peer) => [explainRelay(peer), explainPath(peer)])
      .filter((text) => text !== null)
      .map((text) => style.warning(text)),
  ]
}
