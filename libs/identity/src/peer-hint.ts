import { z } from 'zod'
import { fault } from './fault.ts'

/** A node that may be reached at these addresses: a claim of whoever wrote it. */
export interface PeerHint {
  /** libp2p peer id of an Ed25519 key. */
  readonly peerId: string
  /** Multiaddrs without the peer id. */
  readonly addresses: readonly string[]
}

export const MAX_PEER_HINTS = 8
export const MAX_PEER_HINT_ADDRESSES = 4
const MAX_ADDRESS_CHARACTERS = 128

/** An identity multihash of an Ed25519 key in base58btc (libp2p peer id specification). */
const PEER_ID = '12D3KooW[1-9A-HJ-NP-Za-km-z]{44}'
const HOST =
  '(?:ip4/\\d{1,3}(?:\\.\\d{1,3}){3}|ip6/[0-9a-f:.]{2,45}|dns[46]?/[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}))'
const PORT = '(?:tcp|udp)/\\d{1,5}'
const OVER = '(?:/quic-v1|/ws|/wss|/tls/ws)?'
/** Direct, or over a relay. */
const PEER_ADDRESS = new RegExp(`^/${HOST}/${PORT}${OVER}(?:/p2p/${PEER_ID}/p2p-circuit)?$`)

export function peerIdFault(text: string): string | null {
  return new RegExp(`^${PEER_ID}$`).test(text) ? null : 'must be a peer id, which begins with 12D3KooW'
}

/** What is wrong with an address under which a peer may be dialled, without its peer id; null for a good one. */
export function peerAddressFault(text: string): string | null {
  if (text.length > MAX_ADDRESS_CHARACTERS) return `must have at most ${MAX_ADDRESS_CHARACTERS} characters`
  return PEER_ADDRESS.test(text) ? null : 'must be a multiaddr like /ip4/192.0.2.7/tcp/4740'
}

/** A list of hints, each peer once. */
export const peerHintsSchema = z
  .array(
    z.strictObject({
      peerId: z.string().check(fault(peerIdFault)),
      addresses: z
        .array(z.string().check(fault(peerAddressFault)))
        .max(MAX_PEER_HINT_ADDRESSES)
        .readonly(),
    }),
  )
  .min(1)
  .max(MAX_PEER_HINTS)
  .refine((hints) => new Set(hints.map(({ peerId }) => peerId)).size === hints.length, {
    message: 'must name each peer once',
  })
  .readonly()
