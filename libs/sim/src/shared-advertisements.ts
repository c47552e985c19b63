import { idKey } from '@wakunet/record'
import { ADVERTISEMENT_FIELD, Advertisement } from '@wakunet/switching'

/** Versions of one origin's advertisement that are shared; older ones are made anew. */
const MAX_VERSIONS = 4

/**
 * One advertisement for all nodes of the simulation, instead of one each: a thousand nodes keep a million of them.
 */
export class SharedAdvertisements {
  readonly #versions = new Map<number, Advertisement[]>()

  readonly keep = (bytes: Uint8Array): Advertisement => {
    const key = idKey(bytes, ADVERTISEMENT_FIELD.origin)
    let versions = this.#versions.get(key)
    if (versions === undefined) {
      versions = []
      this.#versions.set(key, versions)
    }
    for (const version of versions) if (isSame(version.bytes, bytes)) return version
    const made = new Advertisement(bytes.slice())
    versions.unshift(made)
    if (versions.length > MAX_VERSIONS) versions.pop()
    return made
  }
}

/** Nobody lies here: what has the same origin, sequence and boot nonce is the same. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < ADVERTISEMENT_FIELD.neighbours; i++) if (a[i] !== b[i]) return false
  return true
}
