import type { PeerInfo, PortInfo, TrunkStatus, VlanInfo } from '@wakunet/bus'
import { describeReach, explainPeer, explainRelay } from '../peer-text.ts'
import { printable } from '../printable.ts'
import { type CheckResult, fail, ok, warn } from './check.ts'

/** What a running node says of itself. */
export interface NodeAnswer {
  readonly node: TrunkStatus
  readonly peers: readonly PeerInfo[]
  readonly ports: readonly PortInfo[]
  readonly vlans: readonly VlanInfo[]
}

/** Null where no node runs, which is no fault. */
export const checkNode = (answer: NodeAnswer | null, where: string): readonly CheckResult[] => {
  if (answer === null) return [ok('running', `no node is running at ${where}; "wakunet up" starts one`)]
  const { node, peers, ports } = answer
  return [
    ok(
      'running',
      `node ${node.nodeId} runs, ${node.peersConnected} of ${node.peersKnown} known peers have a trunk`,
    ),
    checkReach(node),
    ...peers.filter((peer) => peer.state !== 'connected').map(checkPeer),
    ...peers.flatMap(checkPath),
    ...ports.filter((port) => port.state !== 'up').map(checkFailedPort),
  ]
}

const checkReach = ({ reach }: TrunkStatus): CheckResult => {
  const found = describeReach(reach).join('; ')
  if (reach.verdict !== 'private' || reach.relays.length > 0) return ok('reach', found)
  return warn(
    'reach',
    found,
    'forward the TCP port of trunk.listen on the router, or name a public node with trunk.relay: on among the bootstrap peers',
  )
}

/** A trunk that works, over a way that is not the best. */
const checkPath = (peer: PeerInfo): CheckResult[] => {
  const relay = peer.path?.carrier === 'datagram' ? null : explainRelay(peer)
  const advice =
    'both routers keep the two apart: forward the TCP port of trunk.listen on one of them, and let UDP through'
  return relay === null ? [] : [warn('path', relay, advice)]
}

const checkPeer = (peer: PeerInfo): CheckResult =>
  warn('peer', explainPeer(peer), peer.state === 'refused' ? REFUSED_ADVICE : UNREACHED_ADVICE)

const UNREACHED_ADVICE =
  'check that the node there runs (wakunet status), that its address is still right, and that no firewall closes its TCP port'
const REFUSED_ADVICE =
  'one side ended it on purpose: compare versions, roles and connection limits (wakunet status)'

const checkFailedPort = (port: PortInfo): CheckResult =>
  fail(
    'vlan',
    printable(
      `VLAN ${port.name} on ${port.interface} has failed: ${port.lastError ?? 'no reason was given'}`,
    ),
    `leave it and join it again: wakunet vlan leave ${port.ref}; wakunet vlan join ${port.ref}`,
  )
