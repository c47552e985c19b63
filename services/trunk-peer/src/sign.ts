import type { Ed25519PublicKey } from '@libp2p/interface'
import type { ReplyOf, RequestOf } from '@wakunet/bus'
import { vlanIdToBytes } from '@wakunet/identity'
import type { VlanId } from '@wakunet/interface'
import type { NodeKey } from './node-key.ts'

/**
 * What a signature is for, as the text before its message. The node's key also signs for libp2p; its domains begin in other ways
 * ("noise-libp2p-static-key:", a length prefix), so that none can be taken for another.
 */
const DOMAINS: Readonly<Record<RequestOf<'trunk.sign'>['purpose'], string>> = {
  'vlan-member': 'wakunet vlan member v1',
}

/** Signs domain text, a zero byte, the VLAN id and the payload (`docs/protocols/vlan-control.md`). */
export async function signWithNodeKey(
  { privateKey }: NodeKey,
  { purpose, vlanId, payload }: RequestOf<'trunk.sign'>,
): Promise<ReplyOf<'trunk.sign'>> {
  const message = Buffer.concat([
    Buffer.from(`${DOMAINS[purpose]}\0`),
    vlanIdToBytes(vlanId as VlanId),
    Buffer.from(payload, 'base64'),
  ])
  const signature = await privateKey.sign(message)
  const { raw } = privateKey.publicKey as Ed25519PublicKey
  return {
    publicKey: Buffer.from(raw).toString('base64'),
    signature: Buffer.from(signature).toString('base64'),
  }
}
