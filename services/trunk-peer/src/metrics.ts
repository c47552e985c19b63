import { SHORTCUT_REFUSALS } from '@wakunet/bus'
import type { MetricsRegistry } from '@wakunet/service-kit'
import type { TrunkPeer } from './trunk-peer.ts'
import { exposeVlanDirectoryMetrics } from './vlan-directory/metrics.ts'

/** Every metric of trunk-peer; libp2p's own are named `libp2p_*` beside them. */
export function exposeTrunkPeerMetrics(metrics: MetricsRegistry, service: TrunkPeer): void {
  const trunks = () => service.running.trunks
  metrics.countersFrom(
    'wakunet_trunk_peer',
    {
      trunksOpened: 'Trunks that came up.',
      trunksRefused: 'Trunks that one side ended on purpose.',
      trunksPruned: 'Trunks ended because their place was needed.',
      trunksLost: 'Trunks that ended by a lost connection or a silent peer.',
      protocolViolations: 'Peers that broke the trunk protocol.',
      recordsSent: 'Records handed to a stream or sent by datagram.',
      recordsReceived: 'Records read from a stream or put together from datagrams.',
      recordsDropped:
        "Oldest records thrown out of a trunk's full queue, and records that no datagram could carry.",
      bytesSent: 'Bytes of records handed to a stream or sent by datagram.',
      bytesReceived: 'Bytes read from frame streams, and of datagrams.',
      datagramRecordsSent: 'Of the records sent: those by datagram.',
      datagramRecordsReceived: 'Of the records received: those by datagram.',
      lateAnswers:
        'Answers to quick heartbeats that came after their time; each makes its trunk more patient for 30 s.',
    },
    () => trunks().stats,
  )
  metrics.countersFrom(
    'wakunet_trunk_peer_datagram',
    {
      pathsFound: 'Times that an address of a peer answered where none did before.',
      pathsLost: 'Times that a path did not answer any more; records went by stream at once.',
      pathsMoved: 'Times that records moved to another address of the peer.',
      blackHoles: 'Times that full datagrams got lost on a path that answers: smaller ones are sent since.',
      challengesSent: 'Path messages that ask for an answer.',
      challengesAnswered: 'Challenges of peers answered.',
      challengesIgnored: 'Challenges over the rate of their peer.',
      responsesReceived: 'Answers to challenges.',
      responsesUnknown: 'Answers to no challenge, or too late.',
      messagesMalformed: 'Authentic path messages without sense.',
      addressesForgotten: 'Addresses of peers forgotten for want of room.',
      datagramsSent: 'Datagrams sealed.',
      datagramsReceived: 'Datagrams that were authentic and new.',
      datagramsDropped: 'Datagrams that a full socket has cost.',
      replayed: 'Datagrams that came before, or are too old to know.',
      notAuthentic: 'Datagrams of a known index that were not authentic.',
      malformed: 'Authentic datagrams without sense.',
      unknownIndex: 'Datagrams of an index that nobody has here.',
      tooShort: 'Datagrams shorter than any of this protocol.',
    },
    () => service.running.datagrams.totals,
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
      requestsDropped: 'Questions for VLAN records over the rate of their peer.',
    },
    () => {
      const { recordsRefused, recordsRenewed, subnetsRefused } = service.directory
      const { unaskedDropped, requestsDropped } = service.recordNews
      return { recordsRefused, recordsRenewed, subnetsRefused, unaskedDropped, requestsDropped }
    },
  )
  exposeVlanDirectoryMetrics(metrics, service)
  metrics.countersFrom(
    'wakunet_trunk_peer_shortcuts',
    {
      asked: 'Direct trunks to members that were asked for.',
      dialled: 'Members dialled.',
      opened: 'Members that answered.',
      failed: 'Members that did not answer, or did not want a trunk.',
      wrongNode: 'Members at whose addresses another node answered.',
      gaveWay: 'Trunks closed to make room for a shortcut.',
      closedIdle: 'Shortcuts closed because nothing went over them.',
    },
    () => service.running.mesh.shortcuts.stats,
  )
  metrics.countersBy(
    'wakunet_trunk_peer_shortcuts_refused_total',
    'Direct trunks that were asked for and not dialled, by reason.',
    'reason',
    SHORTCUT_REFUSALS,
    () => service.running.mesh.shortcuts.refusals,
  )
  metrics.countersFrom(
    'wakunet_trunk_peer_reach',
    {
      answered: 'Requests of peers to be dialled that were answered.',
      dialled: 'Addresses dialled for them.',
      reached: 'Addresses at which the peer was there.',
      ignored: 'Requests over their rate, over a relay, or while others were under way.',
      upgradesTried: 'Direct dials to peers whose trunk goes over a relay.',
      upgraded: 'Such dials that were answered.',
      reservationsMade: 'Reservations at relays, so that this node can be reached.',
      reservationsRefused: 'Peers that did not grant one.',
    },
    () => {
      const { server, upgrades, relays } = service.running.reach
      const { tried, upgraded } = upgrades.stats
      const { reserved, refused } = relays.stats
      const counters = {
        upgradesTried: tried,
        upgraded,
        reservationsMade: reserved,
        reservationsRefused: refused,
      }
      return { ...server.stats, ...counters }
    },
  )
  metrics.countersFrom(
    'wakunet_trunk_peer_vlan_peers',
    {
      asked: 'Questions to peers who else is in a VLAN.',
      answered: 'Such questions of peers answered.',
      found: 'Members heard of that the switch has no way to.',
      requestsIgnored: 'Questions over their rate, or of peers that are no members.',
      answersIgnored: 'Answers to nothing that was asked.',
    },
    () => service.running.mesh.vlanPeers.stats,
  )
  metrics.countersFrom(
    'wakunet_trunk_peer_dht',
    {
      queries: 'Queries of the distributed hash table begun.',
      timedOut: 'Such queries that ran out of time.',
      recordsRefused: 'VLAN records from the table, or for it, that did not hold.',
    },
    () => service.running.discovery.kad?.stats ?? { queries: 0, timedOut: 0, recordsRefused: 0 },
  )
  const discovery = () => service.running.discovery
  metrics.countersFrom(
    'wakunet_trunk_peer_exchange',
    {
      asked: 'Questions to peers whom they know.',
      answered: 'Such questions of peers answered.',
      learned: 'Peers told of by others whose signatures held.',
      forged: 'Peers told of by others whose signatures did not hold.',
      ignored: 'Questions and answers over their rate, and answers to nothing that was asked.',
    },
    () => discovery().running.exchange.stats,
  )
  metrics.countersFrom(
    'wakunet_trunk_peer_heartbeats',
    {
      checked: 'Known peers without a trunk that were asked whether they are there still.',
      answered: 'Such peers that answered.',
    },
    () => discovery().running.heartbeats.stats,
  )
  metrics.countersFrom(
    'wakunet_trunk_peer_members',
    {
      found: 'Members of a VLAN found in the distributed hash table.',
      unreached: 'Members that nothing led to and that were asked for a trunk.',
    },
    () => discovery().running.vlanSeeker.stats,
  )
  metrics.countersFrom(
    'wakunet_trunk_peer_known',
    {
      evicted: 'Known peers that made room for others.',
      turnedAway: 'Peers not remembered: their network, their address or strangers had their share.',
      saveFailures: 'Times that the file of known peers could not be written.',
      chosen: 'Known peers chosen to be dialled.',
      closedIdle: 'Connections closed because they carried no trunk.',
    },
    () => {
      const { peers, running } = discovery()
      return {
        ...peers.store.stats,
        saveFailures: peers.saveFailures,
        chosen: running.trunkSeeker.chosen,
        closedIdle: running.idle.closed,
      }
    },
  )
  metrics.countersFrom(
    'wakunet_trunk_peer_memory',
    {
      evicted: 'Entries of what libp2p remembers of others that made room.',
      refused: 'Such entries that were over a limit by themselves.',
    },
    () => service.running.discovery.memory,
  )
  metrics.countersFrom(
    'wakunet_trunk_peer_relayed',
    {
      wanted: 'Members that could not be dialled and were told of by a common peer.',
      reserved: 'Reservations at common peers asked for or still in force.',
      dialled: 'Members dialled over a common peer.',
      opened: 'Members that answered over a common peer.',
      failed: 'Reservations and dials over a common peer that failed.',
      unexpected: 'Relayed connections refused because nobody expected them.',
    },
    () => service.running.mesh.relayed.stats,
  )
  metrics.gaugesFrom(
    'wakunet_trunk_peer',
    {
      relayedLinkPeers: 'Members to which a way over a common peer is kept or looked for.',
      shortcutTrunks: 'Trunks opened because a switch asked.',
      upTrunks: 'Trunks over which frames can pass.',
      datagramTrunks: 'Those of them whose records go by datagram.',
      quickTrunks: 'Trunks that matter, on which failures are looked for quickly.',
      knownPeers: 'Peers in the book.',
      queuedBytes: 'Bytes that wait for a stream, over all trunks.',
      rememberedPeers: 'Peers remembered, with and without a trunk.',
      unprovenPeers: 'Remembered peers that never answered.',
      dhtPeers: 'Peers in the routing table of the distributed hash table.',
      memoryBytes: 'Bytes that libp2p remembers of others.',
    },
    () => {
      const up = [...trunks().up()]
      return {
        relayedLinkPeers: service.running.mesh.relayed.size,
        shortcutTrunks: service.running.mesh.shortcuts.size,
        upTrunks: up.length,
        datagramTrunks: up.filter(({ path }) => path.usesDatagrams).length,
        quickTrunks: up.filter(({ health }) => health?.quick === true).length,
        knownPeers: service.book.size,
        queuedBytes: up.reduce((sum, trunk) => sum + (trunk.stats?.queuedBytes ?? 0), 0),
        rememberedPeers: discovery().peers.store.size,
        unprovenPeers: discovery().peers.store.unproven,
        dhtPeers: service.running.discovery.dht.size,
        memoryBytes: service.running.discovery.memory.bytes,
      }
    },
  )
}
