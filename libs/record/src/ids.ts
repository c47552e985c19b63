import { ID_BYTES } from '@wakunet/interface'
import { readU16, readU32 } from './integers.ts'

/**
 * The first 48 bits of an id as an exact integer: a `Map` key for hot paths, where building a string per
 * record would cost more than the lookup. Two ids can share a key, so an entry found by key is
 * confirmed with `idEquals`.
 *
 * The caller has checked that `ID_BYTES` bytes follow `offset`.
 */
export function idKey(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset) * 0x1_0000_0000 + readU32(bytes, offset + 2)
}

/** True where the 16 bytes at `offset` are `id`. */
export function idEquals(bytes: Uint8Array, offset: number, id: Uint8Array): boolean {
  for (let i = 0; i < ID_BYTES; i++) if (bytes[offset + i] !== id[i]) return false
  return true
}

/** True where the 16 bytes at `offset` are zero: the egress of a record to the tree. */
export function isZeroId(bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < ID_BYTES; i++) if (bytes[offset + i] !== 0) return false
  return true
}
