import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { MAX_PEER_RECORD_BYTES } from '@wakunet/trunk'

/** What a peer has signed of itself: libp2p's peer record in its envelope. */
export interface SignedAddresses {
  readonly peerId: string
  readonly addresses: readonly string[]
  readonly sequence: number
  readonly bytes: Uint8Array
}

/** Opens an envelope from anywhere. @returns null where it does not hold: too large, no envelope, not signed by the peer that it is about */
export async function openSignedAddresses(bytes: Uint8Array): Promise<SignedAddresses | null> {
  if (bytes.length > MAX_PEER_RECORD_BYTES) return null
  try {
    const envelope = await RecordEnvelope.openAndCertify(bytes, PeerRecord.DOMAIN)
    const { peerId, multiaddrs, seqNumber } = PeerRecord.createFromProtobuf(envelope.payload)
    // Nodes have Ed25519 keys, which are in their ids.
    if (peerId.type !== 'Ed25519' || !envelope.publicKey.equals(peerId.publicKey)) return null
    if (seqNumber > BigInt(Number.MAX_SAFE_INTEGER)) return null
    return {
      peerId: peerId.toString(),
      addresses: multiaddrs.map(String),
      sequence: Number(seqNumber),
      bytes,
    }
  } catch {
    return null
  }
}
