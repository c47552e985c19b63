/** Order of two addresses as big-endian numbers; shorter ones come first. */
export function compareAddresses(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return a.length - b.length
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return 0
}

/** An address as the key of a `Map`. */
export function keyOfAddress(address: Uint8Array): string {
  let key = ''
  for (const byte of address) key += String.fromCharCode(byte)
  return key
}

/** Four bytes as an unsigned integer. */
export function toUint32(address: Uint8Array): number {
  return ((address[0]! << 24) | (address[1]! << 16) | (address[2]! << 8) | address[3]!) >>> 0
}

/** An unsigned integer as four bytes. */
export function fromUint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}
