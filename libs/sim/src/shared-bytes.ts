import { idKey } from '@wakunet/record'
import { ADVERTISEMENT_FIELD } from '@wakunet/switching'

/** Versions of one origin's advertisement that are shared; older ones are copied. */
const MAX_VERSIONS = 4

/**
 * One copy of an advertisement for all nodes of the simulation, instead of one each: a thousand nodes keep a million
 * of them.
 */
export class SharedBytes {
  readonly #versions = new Map<number, Uint8Array[]>()

  readonly keep = (bytes: Uint8Array): Uint8Array => {
    const key = idKey(bytes, ADVERTISEMENT_FIELD.origin)
    let versions = this.#versions.get(key)
    if (versions === undefined) {
      versions = []
      this.#versions.set(key, versions)
    }
    for (const version of versions) if (isSame(version, bytes)) return version
    const copy = bytes.slice()
    versions.unshift(copy)
    if (versions.length > MAX_VERSIONS) versions.pop()
    return copy
  }
}

/** Nobody lies here: what has the same origin, sequence and boot nonce is the same. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < ADVERTISEMENT_FIELD.neighbours; i++) if (a[i] !== b[i]) return false
  return true
}
