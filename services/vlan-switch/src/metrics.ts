import type { LaneClient } from '@wakunet/interface'
import type { MetricsRegistry } from '@wakunet/service-kit'
import { PORT_DROPS } from './port-counters.ts'
import { LANE_DROPS } from './record-receiver.ts'
import type { VlanSwitch } from './vlan-switch.ts'

/** Every metric of vlan-switch. Ports are summed up: names of VLANs are no closed set. */
export function exposeVlanSwitchMetrics(
  metrics: MetricsRegistry,
  service: VlanSwitch,
  lane: LaneClient,
): void {
  exposePorts(metrics, service)
  exposeLane(metrics, lane)
  metrics.countersBy(
    'wakunet_vlan_switch_dropped_total',
    'Frames and records that a port dropped, by reason; record reasons count records.',
    'reason',
    PORT_DROPS,
    () => service.drops,
  )
  metrics.countersBy(
    'wakunet_vlan_switch_lane_refused_total',
    'Messages from the lane that reached no port, by reason.',
    'reason',
    LANE_DROPS,
    () => service.receiver.drops,
  )
}

function exposePorts(metrics: MetricsRegistry, service: VlanSwitch): void {
  metrics.countersFrom(
    'wakunet_vlan_switch',
    {
      framesIn: 'Frames from VLANs that the kernel took.',
      bytesIn: 'Bytes of those frames.',
      framesOut: 'Frames that the kernel sent into VLANs.',
      bytesOut: 'Bytes of those frames.',
      recordsIn: 'Records from members that passed all checks.',
      recordsOut: 'Records handed to the lane.',
      framesFinished: 'Frames whose checksum or segments were made in software for an interface that cannot.',
      macsLearned: 'MAC addresses learned.',
      macsMoved: 'MAC addresses that moved to another port.',
      macsAged: 'MAC addresses forgotten because of their age.',
      recordsPassedOn: 'Records of other members passed on to others.',
      recordsSealed: 'Records sealed for members that no trunk leads to.',
      recordsOpened: 'Records of such members that were opened.',
      recordsRelayed: 'Records of one member to another that were passed on.',
      bytesRelayed: 'Bytes of those records.',
      controlRecordsOut: 'Records of control messages to neighbours, handed to the lane.',
      macsContested: 'MAC addresses that were heard on another port, and whose stations were asked.',
      macsRefused: 'MAC addresses not learned because a table was full.',
      membersRefused: 'Members left out because a table was full.',
      topologyChanges: 'Topology changes of the spanning trees.',
      rootChanges: 'Changes of the root of a spanning tree.',
      tooBigAnswered: 'Senders told that a packet is too large for the port of a member.',
      framesFragmented: 'Frames sent in fragments because the port of a member takes no larger ones.',
      neighboursAnswered: 'ARP requests and neighbour solicitations answered for members.',
      bindingsLearned: 'IP addresses learned with their stations.',
      bindingsMoved: 'IP addresses that moved with their station to another member.',
      bindingConflicts: 'Claims to IP addresses of other stations.',
      groupQueriesOut: 'IGMP and MLD queries sent to interfaces.',
      groupReportsIn: 'IGMP and MLD reports heard on interfaces.',
      lanTakeovers: 'Times that this host began to pass frames between a LAN behind a bridge and a VLAN.',
      lanYields: 'Times that it ceased to, for another member on that LAN.',
      lanLapses: 'Times that it ceased to because the process was away for too long.',
      lanHellosIn: 'Hellos of other members on a LAN behind a bridge.',
      lanHellosOut: 'Hellos sent to a LAN behind a bridge.',
      addressConflicts: 'Address conflicts that this node lost.',
      addressMoves: 'Address conflicts that made this node take another address.',
      announcementsOut: 'Announcements of this node and its leases that were sent to members.',
      dhcpOffers: 'Addresses offered to hosts by DHCPv4.',
      dhcpAcks: 'DHCPv4 requests that were granted.',
      dhcpNaks: 'DHCPv4 requests that were refused.',
      dhcpDeclines: 'Addresses that a host found in use.',
      dhcpReleases: 'Addresses that a host gave back.',
      dhcpPoolExhausted: 'DHCPv4 requests without an answer because no address is left.',
      stationArpReplies: "ARP answers of the switch's own station.",
      stationNeighbourReplies: "Neighbour advertisements of the switch's own station.",
      stationEchoReplies: 'Echo replies of it.',
      stationRouterAdvertisements: 'Router advertisements of it.',
      stationDhcp6Replies: 'DHCPv6 answers of it.',
      stationDnsReplies: 'DNS answers of it.',
      tapFailures: 'Interfaces that failed or did not open.',
    },
    () => service.counters,
  )
  metrics.gaugesFrom(
    'wakunet_vlan_switch',
    {
      upPorts: 'Joined VLANs whose interface is there.',
      failedPorts: 'Joined VLANs whose interface is not.',
    },
    () => ({ upPorts: service.status.portsUp, failedPorts: service.status.portsFailed }),
  )
  metrics.gaugesFrom(
    'wakunet_vlan_switch',
    {
      knownMembers: 'Members of all joined VLANs.',
      fdbEntries: 'MAC addresses in all forwarding databases.',
      ownLeasedAddresses: 'Addresses of this host and of the hosts behind it.',
      knownLeasedAddresses: 'Addresses that members say they have, this one included.',
    },
    () => {
      const { members, fdbEntries, ownLeases, knownLeases } = service.tables
      return {
        knownMembers: members,
        fdbEntries,
        ownLeasedAddresses: ownLeases,
        knownLeasedAddresses: knownLeases,
      }
    },
  )
}

function exposeLane(metrics: MetricsRegistry, lane: LaneClient): void {
  metrics.countersFrom(
    'wakunet_vlan_switch_lane',
    {
      messagesSent: 'Messages sent to trunk-peer.',
      bytesSent: 'Bytes sent to trunk-peer.',
      messagesReceived: 'Messages from trunk-peer.',
      bytesReceived: 'Bytes from trunk-peer.',
      messagesDropped: 'Oldest messages thrown out of a full queue, and messages while not connected.',
      messagesInvalid: 'Messages refused because they were malformed or too large.',
    },
    () => lane.stats,
  )
  metrics.gaugesFrom(
    'wakunet_vlan_switch_lane',
    { queuedBytes: 'Bytes that wait to be sent.', connected: '1 while the lane is attached.' },
    () => ({ queuedBytes: lane.stats.queuedBytes, connected: lane.connected ? 1 : 0 }),
  )
}
