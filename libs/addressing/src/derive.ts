import { blake3 } from '@noble/hashes/blake3.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'

/** What a derivation is for; part of the protocol, since every member must come to the same result. */
export type Purpose = 'member mac' | 'default subnet4' | 'ula prefix' | 'address4 walk' | 'station mac'

/**
 * Bytes that are the same for everybody and look random: BLAKE3 in its key derivation mode, whose context keeps
 * the purposes apart.
 */
export function derive(purpose: Purpose, ids: readonly string[], length: number): Uint8Array {
  const context = utf8ToBytes(`wakunet addressing v1 ${purpose}`)
  return blake3(utf8ToBytes(ids.join('/')), { context, dkLen: length })
}
