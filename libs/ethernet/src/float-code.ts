/**
 * The codes in which IGMPv3 and MLDv2 write times: small values as they are, larger ones as a number with a hidden
 * leading one and an exponent (RFC 3376 §4.1.1 and §4.1.7, RFC 3810 §5.1.3 and §5.1.9).
 *
 * ```text
 *   8 bits:   1 e e e m m m m     (m | 0x10)   << (e + 3)
 *   16 bits:  1 e e e m × 12      (m | 0x1000) << (e + 3)
 * ```
 */
export interface FloatCode {
  /** Bits of the mantissa without the hidden one. */
  readonly mantissaBits: number
}

export const FLOAT_CODE_8: FloatCode = { mantissaBits: 4 }
export const FLOAT_CODE_16: FloatCode = { mantissaBits: 12 }

export function decodeFloatCode(code: number, { mantissaBits }: FloatCode): number {
  const limit = 1 << (mantissaBits + 3)
  if (code < limit) return code
  const hidden = 1 << mantissaBits
  return ((code & (hidden - 1)) | hidden) << (((code >>> mantissaBits) & 7) + 3)
}

/** The code of the largest value that is not over `value`; what is too large becomes the largest code. */
export function encodeFloatCode(value: number, { mantissaBits }: FloatCode): number {
  const limit = 1 << (mantissaBits + 3)
  if (value < limit) return Math.max(0, Math.trunc(value))
  const hidden = 1 << mantissaBits
  for (let exponent = 0; exponent < 8; exponent++) {
    const mantissa = Math.floor(value / 2 ** (exponent + 3))
    if (mantissa < 2 * hidden) return limit | (exponent << mantissaBits) | (mantissa - hidden)
  }
  return limit | (7 << mantissaBits) | (hidden - 1)
}
