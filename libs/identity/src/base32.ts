/** Base32 of RFC 4648 §6 in lower case and without padding. */

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

export function encodeBase32(bytes: Uint8Array): string {
  let text = ''
  let buffer = 0
  let bits = 0
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(buffer >>> (bits - 5)) & 31]
  }
  return bits > 0 ? text + ALPHABET[(buffer << (5 - bits)) & 31] : text
}

/** @returns null for a character outside the alphabet, or where the unused last bits are not zero */
export function decodeBase32(text: string): Uint8Array | null {
  const bytes = new Uint8Array((text.length * 5) >>> 3)
  let buffer = 0
  let bits = 0
  let position = 0
  for (const character of text) {
    const value = ALPHABET.indexOf(character)
    if (value < 0) return null
    buffer = ((buffer << 5) | value) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[position++] = buffer >>> bits
    }
  }
  // Otherwise several texts would name the same bytes.
  return bits < 5 && (buffer & ((1 << bits) - 1)) === 0 ? bytes : null
}

/** The first character that is not of the alphabet, and its place from 0; null where all are. */
export function findForeignCharacter(text: string): { character: string; index: number } | null {
  for (let index = 0; index < text.length; index++) {
    const character = text[index]!
    if (!ALPHABET.includes(character)) return { character, index }
  }
  return null
}
