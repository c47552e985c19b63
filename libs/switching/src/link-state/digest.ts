const PRIME = 0x0100_0193
const HIGH_BASIS = 0x811c_9dc5
const LOW_BASIS = 0x050c_5d1f

/**
 * 64 bits of an advertisement in two halves (FNV-1a, 32 bits, from two bases), written to `out`. It finds lost messages, not
 * forged ones: what an origin does to its own advertisements is its own affair.
 */
export function digestOf(bytes: Uint8Array, out: Uint32Array): void {
  let high = HIGH_BASIS
  let low = LOW_BASIS
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    high = Math.imul(high ^ byte, PRIME)
    low = Math.imul(low ^ byte ^ (high >>> 24), PRIME)
  }
  out[0] = high
  out[1] = low
}

/** Which of several equal ways the records from `a` to `b` take: a number that is the same at every node. */
export function flowOf(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): number {
  let hash = HIGH_BASIS
  for (let i = 0; i < 8; i++) {
    hash = Math.imul(hash ^ a[aOffset + i]!, PRIME)
    hash = Math.imul(hash ^ b[bOffset + i]!, PRIME)
  }
  return (hash ^ (hash >>> 15)) >>> 0
}
