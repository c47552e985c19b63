import { type Announcement, type ReadAnnouncement, readAnnouncement } from '@wakunet/addressing'
import { DOCUMENT_FIELD, type HeldDocument } from '@wakunet/gossip'
import { idKey } from '@wakunet/record'

/** Versions of one origin's announcement that are shared; older ones are read anew. */
const MAX_VERSIONS = 4

/** One announcement for all nodes of the simulation, instead of one each: what has the same bytes is read, and proven, once. */
export class SharedAnnouncements {
  readonly #versions = new Map<number, HeldDocument<Announcement>[]>()

  readonly read: ReadAnnouncement = (bytes, offset, length) => {
    const key = idKey(bytes, offset + DOCUMENT_FIELD.origin)
    const versions = this.#versions.get(key) ?? []
    for (const version of versions) if (isSame(version.bytes, bytes, offset, length)) return version
    const read = readAnnouncement(bytes, offset, length)
    if (read === null) return null
    this.#versions.set(key, versions)
    versions.unshift(read)
    if (versions.length > MAX_VERSIONS) versions.pop()
    return read
  }
}

function isSame(known: Uint8Array, bytes: Uint8Array, offset: number, length: number): boolean {
  if (known.length !== length) return false
  for (let i = 0; i < length; i++) if (known[i] !== bytes[offset + i]) return false
  return true
}
