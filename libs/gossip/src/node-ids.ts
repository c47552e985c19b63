import { ID_BYTES } from '@wakunet/interface'

export const FIRST_ID: Uint8Array = new Uint8Array(ID_BYTES)
export const LAST_ID: Uint8Array = new Uint8Array(ID_BYTES).fill(0xff)

/** Order of two ids as big-endian numbers: negative, zero or positive. */
export function compareIds(a: Uint8Array, b: Uint8Array): number {
  return compareIdsAt(a, 0, b, 0)
}

/** The same for ids within messages. */
export function compareIdsAt(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): number {
  for (let i = 0; i < ID_BYTES; i++)
    if (a[aOffset + i] !== b[bOffset + i]) return a[aOffset + i]! - b[bOffset + i]!
  return 0
}

/** An id as the key of a `Map`. */
export function keyOfId(id: Uint8Array): string {
  return String.fromCharCode(...id)
}

/** The next id, the last one for the last. */
export function successorOf(id: Uint8Array): Uint8Array {
  const next = Uint8Array.from(id)
  for (let i = next.length - 1; i >= 0; i--) {
    if (next[i] !== 0xff) {
      next[i]!++
      return next
    }
    next[i] = 0
  }
  return LAST_ID
}
