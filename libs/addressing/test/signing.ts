import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { nodeIdOfKey, signedBytes } from '../src/announcement/announcement-proof.ts'

const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** A node with an Ed25519 key made of a number. */
export interface SigningNode {
  readonly id: Uint8Array
  readonly publicKey: Uint8Array
  sign(vlanId: Uint8Array, payload: Uint8Array): Uint8Array
}

export function signingNode(seed: number | Uint8Array): SigningNode {
  const raw = typeof seed === 'number' ? new Uint8Array(32).fill(seed % 255).fill(seed >>> 8, 0, 2) : seed
  const key = createPrivateKey({
    key: Buffer.concat([PRIVATE_PREFIX, raw]),
    format: 'der',
    type: 'pkcs8',
  })
  const publicKey = rawPublicKey(key)
  return {
    id: nodeIdOfKey(publicKey),
    publicKey,
    sign: (vlanId, payload) => Uint8Array.from(sign(null, signedBytes(vlanId, payload), key)),
  }
}

function rawPublicKey(key: KeyObject): Uint8Array {
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return Uint8Array.from(der.subarray(PUBLIC_PREFIX.length))
}

export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({
    key: Buffer.concat([PUBLIC_PREFIX, publicKey]),
    format: 'der',
    type: 'spki',
  })
  return verify(null, message, key, signature)
}
