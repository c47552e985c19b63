import type { PeerInfo } from '@wakunet/bus'
import { explainPath, explainPeer, explainRelay, formatLoss, pathName } from '../peer-text.ts'
import { printable } from '../printable.ts'
import type { Style } from '../style.ts'
import { formatFields } from '../table.ts'
import { formatDuration, formatRtt } from '../units.ts'
import type { TracedMember } from './find-target.ts'
import type { Probe } from './probe.ts'

/** The way to one member of one VLAN, from the name to the wire. */
export interface TracedWay extends TracedMember {
  /** The peers that its next hops are, as far as they are known. */
  readonly hops: readonly PeerInfo[]
  readonly probe: Probe | null
}

const MATCHED_TEXT: Readonly<Record<TracedMember['matched'], string>> = {
  node: 'the node id of',
  peer: 'the peer id of',
  ip: 'an IP address of',
  mac: 'the MAC address of',
  name: 'the host name of',
  station: 'the MAC address of a host behind',
}

export const describeWay = (text: string, way: TracedWay, style: Style): readonly string[] => {
  const { port, member, matched, hops } = way
  const name = member.hostname === '' ? member.nodeId : `${member.hostname} (${member.nodeId})`
  return [
    printable(`${text} is ${MATCHED_TEXT[matched]} member ${name} of VLAN ${port.name} (${port.ref})`),
    ...formatFields([
      ['interface', port.interface],
      ['MAC', member.mac],
      ['addresses', member.addresses.join(', ') || '-'],
      ['way', describeHops(way)],
      ['probe', describeProbe(way.probe)],
    ]),
    ...hops.flatMap((hop) => ['', ...describePeer(hop, style)]),
  ]
}

/** One peer: how it is known, its trunk, what carries it, and why there is nothing better. */
export const describePeer = (peer: PeerInfo, style: Style): readonly string[] => {
  const isUp = peer.state === 'connected'
  const since =
    peer.connectedSinceMs === null ? '-' : formatDuration(Math.max(0, Date.now() - peer.connectedSinceMs))
  const reasons = isUp ? [explainRelay(peer), explainPath(peer)] : [explainPeer(peer)]
  return [
    ...formatFields([
      ['peer', peer.peerId],
      ['known by', peer.sources.join(', ') || '-'],
      ['trunk', isUp ? style.good(`up for ${since}`) : style.warning(peer.state)],
      ['path', `${pathName(peer)}, ${peer.path?.address ?? peer.address ?? 'no address'}`],
      ['latency', formatRtt(peer.path?.rttMs ?? peer.rttMs)],
      ['loss', formatLoss(peer.loss)],
      ['last error', peer.lastError === null ? 'none' : printable(peer.lastError)],
    ]),
    ...reasons.filter((reason) => reason !== null).map((reason) => style.warning(reason)),
  ]
}

const describeHops = ({ member }: TracedWay): string => {
  if (member.nextHops.length === 0) return 'none: no trunk among members leads there'
  if (member.nextHops.includes(member.nodeId)) return 'its own trunk'
  const [first, ...others] = member.nextHops
  return others.length === 0
    ? `over member ${first}`
    : `over members ${[first, ...others].join(', ')}, each flow over one`
}

const describeProbe = (probe: Probe | null): string =>
  probe === null
    ? 'not made'
    : `${probe.received} of ${probe.sent} answered${probe.rttMs === null ? '' : `, ${formatRtt(probe.rttMs)}`}`
