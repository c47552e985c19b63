/** Whether ASCII text stands at `offset`. */
export function hasText(bytes: Uint8Array, offset: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[offset + i] !== text.charCodeAt(i)) return false
  return true
}

/** Four bytes as ASCII, others as `?`: the name of a chunk, for people. */
export function fourCharacters(bytes: Uint8Array, offset: number): string {
  let text = ''
  for (let i = 0; i < 4; i++) {
    const code = bytes[offset + i] ?? 0
    text += code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '?'
  }
  return text
}

/** The caller has checked that four bytes are there. */
export function uint32(bytes: Uint8Array, offset: number): number {
  return (
    bytes[offset]! * 0x1000000 + ((bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!)
  )
}

export function uint32le(bytes: Uint8Array, offset: number): number {
  return (
    bytes[offset + 3]! * 0x1000000 + ((bytes[offset + 2]! << 16) | (bytes[offset + 1]! << 8) | bytes[offset]!)
  )
}

export function uint24le(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16)
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1
  return value
})

/** CRC-32 of PNG (W3C PNG, annex D). */
export function crc32(bytes: Uint8Array, start: number, end: number): number {
  let value = 0xffffffff
  for (let i = start; i < end; i++) value = CRC_TABLE[(value ^ bytes[i]!) & 0xff]! ^ (value >>> 8)
  return (value ^ 0xffffffff) >>> 0
}
