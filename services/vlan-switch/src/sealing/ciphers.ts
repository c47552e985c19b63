import { readFileSync } from 'node:fs'
import { SEALING_CIPHER_BITS, SEALING_PREFERS_CHACHA20 } from '@wakunet/addressing'
import { AEAD_ALGORITHMS, type AeadAlgorithm } from '@wakunet/netio'

export const SEALING_CIPHERS = ['auto', ...AEAD_ALGORITHMS] as const
export type SealingCipher = (typeof SEALING_CIPHERS)[number]

const FEATURE_LINE = /^(?:flags|Features)\s*:.*\baes\b/m

/** What a member announces: the ciphers that it takes, and whether it has no AES in hardware. */
export function announcedCiphers(cipher: SealingCipher, hasAes: () => boolean = hasAesHardware): number {
  if (cipher !== 'auto') return SEALING_CIPHER_BITS[cipher]
  const all = AEAD_ALGORITHMS.reduce((bits, one) => bits | SEALING_CIPHER_BITS[one], 0)
  return hasAes() ? all : all | SEALING_PREFERS_CHACHA20
}

/** With which cipher two members seal for each other, the same for both; null where they have none in common. */
export function agreedCipher(ours: number, theirs: number): AeadAlgorithm | null {
  const common = ours & theirs
  const slow = (ours | theirs) & SEALING_PREFERS_CHACHA20
  if (slow !== 0 && (common & SEALING_CIPHER_BITS['chacha20-poly1305']) !== 0) return 'chacha20-poly1305'
  return AEAD_ALGORITHMS.find((one) => (common & SEALING_CIPHER_BITS[one]) !== 0) ?? null
}

/** Whether the processor has instructions for AES; where Linux does not tell, those of the last ten years do. */
function hasAesHardware(): boolean {
  try {
    return FEATURE_LINE.test(readFileSync('/proc/cpuinfo', 'latin1'))
  } catch {
    return process.arch === 'x64' || process.arch === 'arm64'
  }
}
