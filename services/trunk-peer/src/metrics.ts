import type { MetricsRegistry } from '@wakunet/service-kit'
import type { TrunkPeer } from './trunk-peer.ts'

/** Every metric of trunk-peer; libp2p's own are named `libp2p_*` beside them. */
export function exposeTrunkPeerMetrics(metrics: MetricsRegistry, service: TrunkPeer): void {
  const trunks = () => service.running.trunks
  metrics.countersFrom(
    'wakunet_trunk_peer',
    {
      trunksOpened: 'Trunks that came up.',
      trunksRefused: 'Trunks that one side ended on purpose.',
      trunksLost: 'Trunks that ended by a lost connection or a silent peer.',
      protocolViolations: 'Peers that broke the trunk protocol.',
      recordsSent: 'Records handed to a stream.',
      recordsReceived: 'Records read from a stream.',
      recordsDropped: "Oldest records thrown out of a trunk's full queue.",
      bytesSent: 'Bytes of records handed to a stream.',
      bytesReceived: 'Bytes read from frame streams.',
    },
    () => trunks().stats,
  )
  metrics.countersFrom(
    'wakunet_trunk_peer_relay',
    {
      recordsFromLane: 'Records that a switch wanted sent, counted once a peer.',
      recordsFromTrunk: 'Records handed to a switch.',
      laneMalformed: 'Lane messages that are no envelope with a record.',
      noTrunk: 'Records for peers without a trunk.',
      recordTooShort: 'Records from a trunk shorter than their header.',
      vlanNotJoined: 'Records from a trunk for a VLAN that no switch here has joined.',
      notMember: 'Records from a peer that has not announced their VLAN.',
      laneMissing: 'Records whose switch was not attached.',
    },
    () => service.relay.stats,
  )
  metrics.countersFrom(
    'wakunet_trunk_peer_directory',
    {
      recordsRefused: 'VLAN records from peers that did not verify.',
      recordsRenewed: 'VLAN records that took the place of older ones.',
      subnetsRefused: 'Newer records of joined VLANs that were refused because their subnet is another.',
      unaskedDropped: 'VLAN records that came unasked and over the budget of their peer.',
    },
    () => {
      const { recordsRefused, recordsRenewed, subnetsRefused } = service.directory
      const { unaskedDropped } = service.recordNews
      return { recordsRefused, recordsRenewed, subnetsRefused, unaskedDropped }
    },
  )
  metrics.gaugesFrom(
    'wakunet_trunk_peer',
    {
      upTrunks: 'Trunks over which frames can pass.',
      knownPeers: 'Peers in the book.',
      queuedBytes: 'Bytes that wait for a stream, over all trunks.',
    },
    () => {
      const up = [...trunks().up()]
      return {
        upTrunks: up.length,
        knownPeers: service.book.size,
        queuedBytes: up.reduce((sum, trunk) => sum + (trunk.stats?.queuedBytes ?? 0), 0),
      }
    },
  )
}
