import type { Bridge } from './bridge.ts'
import type { LinkStateDatabase } from './link-state/database.ts'
import type { Origin } from './link-state/origin.ts'
import type { MemberInit } from './members.ts'

interface Known {
  readonly bootNonceHigh: number
  readonly bootNonceLow: number
  readonly init: MemberInit
}

/** Makes every origin of the link state a member of the bridge, as soon as somebody needs to know. */
export class FabricMembers {
  readonly #nodeId: Uint8Array
  readonly #macOf: (nodeId: Uint8Array) => number | null
  #known = new Map<Origin, Known>()
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
    const next = new Map<Origin, Known>()
    for (const origin of database.slots)
      if (origin !== null && origin !== self) next.set(origin, this.#memberOf(origin))
    this.#known = next
    bridge.setMembers(
      [...next.values()].map(({ init }) => init),
      nowMs,
    )
    return true
  }

  #memberOf(origin: Origin): Known {
    const { bootNonceHigh, bootNonceLow, id, bootNonce } = origin
    const known = this.#known.get(origin)
    if (known?.bootNonceHigh === bootNonceHigh && known.bootNonceLow === bootNonceLow) return known
    const init = { nodeId: hexOf(id), id, bootNonce, mac: this.#macOf(id) }
    return { bootNonceHigh, bootNonceLow, init }
  }
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

function hexOf(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += HEX[byte]
  return hex
}
