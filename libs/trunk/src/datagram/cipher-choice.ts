import {
  AEAD_ALGORITHMS,
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  type AeadAlgorithm,
  AeadContext,
} from '@wakunet/netio'

/** What `trunk.datagram.cipher` can be. */
export const CIPHER_SETTINGS = ['auto', ...AEAD_ALGORITHMS] as const
export type CipherSetting = (typeof CIPHER_SETTINGS)[number]

const CHACHA = 'chacha20-poly1305'
/** Best first, with AES in hardware: AES-128 matches the strength of X25519 and is the fastest. */
const AES_FIRST: readonly AeadAlgorithm[] = ['aes-128-gcm', 'aes-256-gcm', CHACHA]
const CHACHA_FIRST: readonly AeadAlgorithm[] = [CHACHA, 'aes-256-gcm', 'aes-128-gcm']

/** AES in hardware is twice as fast as ChaCha20 in software; without it, five times slower. Between the two nothing is certain. */
const AES_MAY_TAKE = 1.5
const MEASURED_BYTES = 1_400
const MEASURED_MESSAGES = 64
const MEASURED_ROUNDS = 5

/** The ciphers that this node offers and takes, best first. */
export function cipherList(setting: CipherSetting, aesInHardware: () => boolean): readonly AeadAlgorithm[] {
  if (setting !== 'auto') return [setting]
  return aesInHardware() ? AES_FIRST : CHACHA_FIRST
}

/**
 * The cipher of both (`docs/protocols/trunk.md`, negotiation). ChaCha20 where one of the two hosts has no AES in hardware: it would
 * be the slow one of the pair.
 * @param offered the initiator's list, with names that may be unknown here
 * @returns null where nothing is in common
 */
export function chooseCipher(
  offered: readonly string[],
  allowed: readonly AeadAlgorithm[],
): AeadAlgorithm | null {
  const common = offered.filter((name): name is AeadAlgorithm =>
    (allowed as readonly string[]).includes(name),
  )
  const chachaFirst = offered[0] === CHACHA || allowed[0] === CHACHA
  if (chachaFirst && common.includes(CHACHA)) return CHACHA
  return common[0] ?? null
}

let known: boolean | null = null

/** Whether this processor has instructions for AES: found out once, by trying (2 ms). */
export function hasAesInHardware(): boolean {
  known ??= sealingMs('aes-128-gcm', 16) < AES_MAY_TAKE * sealingMs(CHACHA, 32)
  return known
}

/** Least time of several rounds: what else runs on the machine only adds. */
function sealingMs(algorithm: AeadAlgorithm, keyBytes: number): number {
  const context = new AeadContext(algorithm, new Uint8Array(keyBytes))
  const nonce = new Uint8Array(AEAD_NONCE_BYTES)
  const message = new Uint8Array(MEASURED_BYTES + AEAD_TAG_BYTES)
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < MEASURED_ROUNDS; round++) {
    const start = performance.now()
    for (let i = 0; i < MEASURED_MESSAGES; i++)
      context.sealOne(nonce, null, message, 0, MEASURED_BYTES, message, 0)
    least = Math.min(least, performance.now() - start)
  }
  context.close()
  return least
}
