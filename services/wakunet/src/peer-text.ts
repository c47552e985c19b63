import type { PeerInfo } from '@wakunet/bus'
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
