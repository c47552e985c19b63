import type { PeerInfo, TrunkPathInfo } from '@wakunet/bus'
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
