import type { PeerInfo, ReachInfo, TrunkPathInfo } from '@wakunet/bus'
import { printable } from './printable.ts'
import { formatDuration } from './units.ts'

const STATE_TEXT: Readonly<Record<PeerInfo['state'], string>> = {
  connected: 'has a trunk',
  connecting: 'is being connected to',
  backoff: 'cannot be reached',
  refused: 'was refused',
}

/** Why a peer has no trunk and what happens next, in one sentence. */
export const explainPeer = (peer: PeerInfo): string => {
  const where = peer.address === null ? '' : ` at ${peer.address}`
  const why = peer.lastError === null ? '' : `: ${peer.lastError}`
  const next =
    peer.retryInMs === null
      ? 'no further attempt is planned'
      : `next attempt in ${formatDuration(peer.retryInMs)}`
  return printable(
    `${peer.peerId} ${STATE_TEXT[peer.state]}${where}${why}${peer.state === 'connected' ? '' : `; ${next}`}`,
  )
}

const TROUBLE_TEXT: Readonly<Record<NonNullable<TrunkPathInfo['trouble']>, string>> = {
  off: 'the datagram path is switched off here (trunk.datagram.enabled), or no UDP port could be opened',
  'peer-off': 'the peer has no datagram path: it is switched off there, or an older version',
  negotiating: 'the datagram path is being negotiated',
  cipher: 'the two nodes have no cipher in common (trunk.datagram.cipher)',
  'no-address': 'the peer tells no address that this node may send datagrams to',
  'no-answer':
    'no address of the peer answers to datagrams: a firewall drops UDP, or both are behind NATs that cannot be crossed',
  lost: 'the datagram path does not answer any more; it is tried again every 30 s at least',
  keys: 'the peer did not renew the keys of the datagram path in time',
}

/** What carries the records of a peer, in a word or two; `relay` where its stream is not direct. */
export const pathName = (peer: PeerInfo): string => {
  if (peer.path === null) return '-'
  if (peer.path.carrier === 'datagram') return 'datagram'
  return peer.address?.includes('/p2p-circuit') === true ? 'stream, relayed' : 'stream'
}

/** Why a peer's records do not go by datagram, in one sentence; null where they do. */
export const explainPath = (peer: PeerInfo): string | null => {
  const trouble = peer.path?.trouble ?? null
  return trouble === null ? null : printable(`${peer.peerId} is reached by stream: ${TROUBLE_TEXT[trouble]}`)
}

/** Why a peer's connection goes over a relay, in one sentence; null where it does not. */
export const explainRelay = (peer: PeerInfo): string | null => {
  if (peer.relay === null) return null
  const frames =
    peer.path?.carrier === 'datagram' ? ', which carries control alone: frames go directly, by datagram' : ''
  const why =
    peer.obstacle === null ? 'a direct connection is tried soon' : `no direct connection: ${peer.obstacle}`
  return printable(`${peer.peerId} is connected over the relay ${peer.relay}${frames}; ${why}`)
}

/** `0.03` as `3 %`; a dash where nothing is known. */
export const formatLoss = (loss: number | null): string =>
  loss === null ? '-' : `${Math.round(loss * 100)} %`

const NAT_TEXT: Readonly<Record<ReachInfo['nat'], string>> = {
  none: 'no NAT',
  'endpoint-independent': 'a NAT that gives all peers the same port: holes can be punched',
  symmetric: 'a symmetric NAT: each peer sees another port',
  unknown: 'NAT not known: fewer than two public peers have seen datagrams',
}

const VERDICT_TEXT: Readonly<Record<ReachInfo['verdict'], string>> = {
  public: 'peers can dial it',
  private: 'peers cannot dial it',
  unknown: 'not known yet whether peers can dial it',
}

/** How others reach this node, one fact a line. */
export const describeReach = ({
  verdict,
  nat,
  observed,
  confirmed,
  relays,
}: ReachInfo): readonly string[] => [
  `${VERDICT_TEXT[verdict]}; ${NAT_TEXT[nat]}`,
  ...(observed.length === 0 ? [] : [`seen as ${observed.join(', ')}`]),
  ...confirmed.map((address) => `dialled by peers at ${address}`),
  ...relays.map((relay) => `reached over the relay ${relay}`),
]
