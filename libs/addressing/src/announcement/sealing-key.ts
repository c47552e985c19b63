/** X25519. */
export const SEALING_KEY_BYTES = 32

/**
 * Ciphers of `docs/protocols/sealing.md` as bits, in the order in which they are preferred, and a bit for hosts without AES in
 * hardware, which would rather have the last one.
 */
export const SEALING_CIPHER_BITS = { 'aes-128-gcm': 1, 'aes-256-gcm': 2, 'chacha20-poly1305': 4 } as const
export const SEALING_PREFERS_CHACHA20 = 8
const KNOWN_BITS = 15
const CIPHER_BITS = 7

/** With what records are sealed for a member, and by it. */
export interface SealingKey {
  /** Of the member's switch in this VLAN, 8 bytes; random at every start. */
  readonly bootNonce: Uint8Array
  /** X25519, 32 bytes, made at every start. */
  readonly publicKey: Uint8Array
  /** See `SEALING_CIPHER_BITS`; 0, with a key of zeros, for a member that seals nothing. */
  readonly ciphers: number
}

/** A key as it is announced; null for what nobody may say. */
export function readSealingKey(
  ciphers: number,
  bootNonce: Uint8Array,
  publicKey: Uint8Array,
): SealingKey | null {
  if ((ciphers & ~KNOWN_BITS) !== 0) return null
  const hasKey = publicKey.some((byte) => byte !== 0)
  if (hasKey !== ((ciphers & CIPHER_BITS) !== 0) || (!hasKey && ciphers !== 0)) return null
  return { bootNonce, publicKey, ciphers }
}

/** Of a member that seals nothing. @param bootNonce 8 bytes */
export function noSealing(bootNonce: Uint8Array): SealingKey {
  return { bootNonce, publicKey: new Uint8Array(SEALING_KEY_BYTES), ciphers: 0 }
}
