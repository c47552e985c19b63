import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
import { SEALING_CIPHER_BITS } from '@wakunet/addressing'
import { AEAD_NONCE_BYTES, type AeadAlgorithm } from '@wakunet/netio'

/** SubjectPublicKeyInfo and PrivateKeyInfo of an X25519 key without the key itself (RFC 8410 §4, §7). */
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex')
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex')
const DOMAIN = Buffer.from('wakunet record seal v1\0')
const KEY_BYTES: Readonly<Record<AeadAlgorithm, number>> = {
  'aes-128-gcm': 16,
  'aes-256-gcm': 32,
  'chacha20-poly1305': 32,
}

/** An X25519 key pair. The private key never leaves the process. */
export interface SealingKeyPair {
  readonly privateKey: KeyObject
  /** 32 bytes. */
  readonly publicKey: Uint8Array
}

export function generateSealingKeyPair(): SealingKeyPair {
  return pairOf(generateKeyPairSync('x25519').privateKey)
}

/** @param raw 32 bytes; vectors have fixed keys */
export function sealingKeyPairOf(raw: Uint8Array): SealingKeyPair {
  const key = Buffer.concat([PKCS8_PREFIX, raw])
  return pairOf(createPrivateKey({ key, format: 'der', type: 'pkcs8' }))
}

function pairOf(privateKey: KeyObject): SealingKeyPair {
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return { privateKey, publicKey: Uint8Array.from(der.subarray(SPKI_PREFIX.length)) }
}

/** The secret that two members share (RFC 7748 §6.1); null for a public key of low order, which nobody makes by chance. */
export function sharedSecret({ privateKey }: SealingKeyPair, publicKey: Uint8Array): Uint8Array | null {
  try {
    const key = createPublicKey({
      key: Buffer.concat([SPKI_PREFIX, publicKey]),
      format: 'der',
      type: 'spki',
    })
    return diffieHellman({ privateKey, publicKey: key })
  } catch {
    return null
  }
}

/** One end of a pair, as both ends know it. */
export interface PairEnd {
  /** 16 bytes. */
  readonly nodeId: Uint8Array
  /** 8 bytes. */
  readonly bootNonce: Uint8Array
  /** 32 bytes. */
  readonly publicKey: Uint8Array
}

export interface DirectionKey {
  readonly key: Uint8Array
  /** 12 bytes: the nonce of a record is this XOR its sequence. */
  readonly salt: Uint8Array
}

/** Key of what `ingress` seals for `egress` (RFC 5869, SHA-256). */
export function directionKey(
  secret: Uint8Array,
  vlanId: Uint8Array,
  cipher: AeadAlgorithm,
  ingress: PairEnd,
  egress: PairEnd,
): DirectionKey {
  const ends = [ingress, egress].flatMap(({ nodeId, bootNonce, publicKey }) => [nodeId, bootNonce, publicKey])
  const info = Buffer.concat([DOMAIN, Uint8Array.of(SEALING_CIPHER_BITS[cipher]), ...ends])
  const keyBytes = KEY_BYTES[cipher]
  const made = new Uint8Array(hkdfSync('sha256', secret, vlanId, info, keyBytes + AEAD_NONCE_BYTES))
  return { key: made.subarray(0, keyBytes), salt: made.subarray(keyBytes) }
}
