import {
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
import { WakunetError } from '@wakunet/interface'
import { AEAD_NONCE_BYTES, type AeadAlgorithm } from '@wakunet/netio'
import type { DatagramAnswer, DatagramOffer } from '../control-message.ts'
import { type ControlMessage, encodeControlMessage, type Hello } from '../control-message.ts'

const TRANSCRIPT_LABEL = 'wakunet datagram transcript v1'
const KEY_LABEL = 'wakunet datagram v1 '

/** DER around the 32 bytes of a raw X25519 key (RFC 8410 sections 4 and 7). */
const PUBLIC_DER = Buffer.from('302a300506032b656e032100', 'hex')
const PRIVATE_DER = Buffer.from('302e020100300506032b656e04220420', 'hex')

/** One side's part of an agreement on keys; used once. */
export interface KeyShare {
  readonly publicKey: Uint8Array
  readonly privateKey: KeyObject
}

/** Who made the trunk, and what both said at its beginning: the same on both sides. */
export interface TrunkIdentity {
  /** Node ids, 16 bytes each. */
  readonly initiatorId: Uint8Array
  readonly responderId: Uint8Array
  readonly initiatorHello: Hello
  readonly responderHello: Hello
}

/** Key and salt of one direction. */
export interface DirectionKeys {
  readonly key: Uint8Array
  readonly salt: Uint8Array
}

/** Keys of one generation (`docs/protocols/trunk.md`, negotiation). */
export interface GenerationKeys {
  /** For what the initiator sends. */
  readonly initiator: DirectionKeys
  readonly responder: DirectionKeys
}

export function newKeyShare(): KeyShare {
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  return { publicKey: rawPublicKey(publicKey), privateKey }
}

/** A share with a given private key of 32 bytes. For test vectors. */
export function keyShareOf(privateKey: Uint8Array): KeyShare {
  const key = createPrivateKey({
    key: Buffer.concat([PRIVATE_DER, privateKey]),
    format: 'der',
    type: 'pkcs8',
  })
  return { publicKey: rawPublicKey(createPublicKey(key)), privateKey: key }
}

/**
 * Both sides come to the same keys, and nobody else does: X25519 (RFC 7748), HKDF with SHA-256 (RFC 5869), bound to
 * who made the trunk and to every word of the negotiation.
 * @throws WakunetError `ERR_DECODE` for a public key of low order
 */
export function deriveKeys(
  own: KeyShare,
  theirPublicKey: Uint8Array,
  identity: TrunkIdentity,
  offer: DatagramOffer,
  answer: DatagramAnswer,
  cipher: AeadAlgorithm,
): GenerationKeys {
  const secret = sharedSecret(own, theirPublicKey)
  const transcript = transcriptOf(identity, offer, answer)
  const keyBytes = cipher === 'aes-128-gcm' ? 16 : 32
  const direction = (name: string): DirectionKeys => {
    const length = keyBytes + AEAD_NONCE_BYTES
    const okm = new Uint8Array(hkdfSync('sha256', secret, transcript, KEY_LABEL + name, length))
    return { key: okm.subarray(0, keyBytes), salt: okm.subarray(keyBytes) }
  }
  const keys = { initiator: direction('initiator'), responder: direction('responder') }
  secret.fill(0)
  return keys
}

/** Fails for a low order public key: OpenSSL refuses a shared secret of zeros (RFC 7748 section 6.1). */
function sharedSecret(own: KeyShare, theirPublicKey: Uint8Array): Buffer {
  try {
    const publicKey = createPublicKey({
      key: Buffer.concat([PUBLIC_DER, theirPublicKey]),
      format: 'der',
      type: 'spki',
    })
    return diffieHellman({ privateKey: own.privateKey, publicKey })
  } catch (cause) {
    throw new WakunetError('ERR_DECODE', 'the public key of the datagram path is not usable', { cause })
  }
}

function transcriptOf(identity: TrunkIdentity, offer: DatagramOffer, answer: DatagramAnswer): Uint8Array {
  const hash = createHash('sha256').update(TRANSCRIPT_LABEL)
  hash.update(identity.initiatorId).update(identity.responderId)
  const messages: ControlMessage[] = [identity.initiatorHello, identity.responderHello, offer, answer]
  for (const message of messages) {
    const encoded = encodeControlMessage(message)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(encoded.length)
    hash.update(length).update(encoded)
  }
  return hash.digest()
}

function rawPublicKey(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }).subarray(PUBLIC_DER.length))
}
