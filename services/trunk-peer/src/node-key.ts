import { generateKeyPair, privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { Ed25519PublicKey, PeerId, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { nodeIdFromPublicKey } from '@wakunet/identity'
import { type Clock, type NodeId, WakunetError } from '@wakunet/interface'
import { readStateFile, type StateFormat, writeStateFile } from '@wakunet/service-kit'
import { z } from 'zod'

const KEY_STATE: StateFormat<{ ed25519: string }> = {
  name: 'trunk-peer.node-key',
  version: 1,
  schema: z.strictObject({ ed25519: z.string().regex(/^[0-9a-f]{128}$/) }),
}

export interface NodeKey {
  readonly privateKey: PrivateKey
  readonly peerId: PeerId
  readonly nodeId: NodeId
}

/**
 * The key that this node is. Made at the first start and kept.
 * @param path state file; null keeps the key in memory only
 * @throws WakunetError `ERR_STATE_DAMAGED` where the file does not verify: a new identity is never made in silence
 */
export async function loadNodeKey(path: string | null, clock: Clock): Promise<NodeKey> {
  const stored = path === null ? null : await readStateFile(path, KEY_STATE, { clock })
  if (stored !== null) return nodeKey(privateKeyFromRaw(Buffer.from(stored.ed25519, 'hex')))
  const privateKey = await generateKeyPair('Ed25519')
  if (path !== null) {
    await writeStateFile(path, KEY_STATE, { ed25519: Buffer.from(privateKey.raw).toString('hex') })
  }
  return nodeKey(privateKey)
}

function nodeKey(privateKey: PrivateKey): NodeKey {
  const peerId = peerIdFromPrivateKey(privateKey)
  return { privateKey, peerId, nodeId: nodeIdOfPeer(peerId) }
}

/** The node id of a libp2p peer. @throws WakunetError `ERR_TRUNK_HANDSHAKE` where its key is not Ed25519 */
export function nodeIdOfPeer(peerId: PeerId): NodeId {
  if (peerId.type !== 'Ed25519') {
    throw new WakunetError(
      'ERR_TRUNK_HANDSHAKE',
      `peer ${peerId} has a ${peerId.type} key; Wakunet nodes have Ed25519 keys`,
    )
  }
  return nodeIdFromPublicKey((peerId.publicKey as Ed25519PublicKey).raw)
}
