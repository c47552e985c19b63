import { ed25519 } from '@noble/curves/ed25519.js'
import { WakunetError } from '@wakunet/interface'

/** Bytes of an Ed25519 private key: the seed of RFC 8032 §5.1.5. */
export const PRIVATE_KEY_BYTES = 32

/** Key pair of a VLAN. Whoever has the private key makes its records. */
export interface VlanKey {
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
}

/**
 * The key pair out of 32 random bytes, which are copied.
 * @throws WakunetError `ERR_INTERNAL` where there are not 32
 */
export function createVlanKey(random32: Uint8Array): VlanKey {
  const privateKey = Uint8Array.from(random32)
  return { privateKey, publicKey: publicKeyOf(privateKey) }
}

/** @throws WakunetError `ERR_INTERNAL` where the private key has not 32 bytes */
export function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  if (privateKey.length === PRIVATE_KEY_BYTES) return ed25519.getPublicKey(privateKey)
  throw new WakunetError(
    'ERR_INTERNAL',
    `the private key of a VLAN has ${PRIVATE_KEY_BYTES} bytes, not ${privateKey.length}`,
  )
}
