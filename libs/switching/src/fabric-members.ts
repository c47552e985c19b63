import type { Bridge } from './bridge.ts'
import type { Advertisement } from './link-state/advertisement.ts'
import type { LinkStateDatabase } from './link-state/database.ts'
import type { Origin } from './link-state/origin.ts'
import type { MemberInit } from './members.ts'

/** Makes every origin of the link state a member of the bridge, as soon as somebody needs to know. */
export class FabricMembers {
  readonly #nodeId: Uint8Array
  readonly #macOf: (nodeId: Uint8Array) => number | null
  /** By slot of the database: who is a member there, and the advertisement that said so. */
  readonly #origins: (Origin | null)[] = []
  readonly #advertisements: (Advertisement | null)[] = []
  #revision = -1

  constructor(nodeId: Uint8Array, macOf: (nodeId: Uint8Array) => number | null) {
    this.#nodeId = nodeId
    this.#macOf = macOf
  }

  /** Whether origins have come or gone since the last `update`. */
  isStale(database: LinkStateDatabase): boolean {
    return this.#revision !== database.revision
  }

  /** @returns true where something has changed */
  update(bridge: Bridge, database: LinkStateDatabase, nowMs: number): boolean {
    if (!this.isStale(database)) return false
    this.#revision = database.revision
    const self = database.find(this.#nodeId, 0)
    const changed: MemberInit[] = []
    const gone: Uint8Array[] = []
    for (let slot = 0; slot < database.slots.length; slot++) {
      const origin = database.slots[slot] ?? null
      const before = this.#origins[slot] ?? null
      const known = this.#advertisements[slot] ?? null
      if (origin === before && (origin === null || origin.advertisement === known)) continue
      this.#origins[slot] = origin
      this.#advertisements[slot] = origin?.advertisement ?? null
      // Who was forgotten and came back meanwhile is in another slot, or another object.
      if (known !== null && origin !== before && database.find(known.id, 0) === null) gone.push(known.id)
      if (origin === null || origin === self) continue
      if (origin !== before || !isSameStart(origin.advertisement, known!)) changed.push(this.#initOf(origin))
    }
    if (changed.length + gone.length === 0) return false
    bridge.changeMembers(changed, gone, nowMs)
    return true
  }

  #initOf({ advertisement }: Origin): MemberInit {
    const { id, bootNonce, nodeId } = advertisement
    return { nodeId, id, bootNonce, mac: this.#macOf(id) }
  }
}

function isSameStart(a: Advertisement, b: Advertisement): boolean {
  return a.bootNonceHigh === b.bootNonceHigh && a.bootNonceLow === b.bootNonceLow
}
