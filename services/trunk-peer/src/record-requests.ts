import type { Clock, Timer, VlanId } from '@wakunet/interface'
import { notFound } from './directory-errors.ts'
import type { StoredVlan } from './stored-vlan.ts'

/** Asks peers again while somebody waits: they may just have connected. */
const ASK_AGAIN_MS = 1_000

export interface RecordRequestsInit {
  readonly clock: Clock
  /** Asks every peer that has a trunk for a record. */
  readonly askPeers: (vlan: VlanId) => void
  /** Looks for a record where peers have none; null where it is nowhere. */
  readonly lookUp: (vlan: VlanId) => Promise<Uint8Array | null>
  /** A record that holds, or null and counted. */
  readonly verified: (vlan: VlanId, encoded: Uint8Array) => StoredVlan | null
}

/** Records that somebody waits for. Peers are asked at once and every second, the hash table when the first second is over. */
export class RecordRequests {
  readonly #init: RecordRequestsInit
  readonly #waiting = new Map<VlanId, Set<(vlan: StoredVlan) => void>>()

  constructor(init: RecordRequestsInit) {
    this.#init = init
  }

  /** An answer. @returns false where nobody waits for this VLAN */
  receive(id: VlanId, encoded: Uint8Array | null): boolean {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return false
    const vlan = encoded === null ? null : this.#init.verified(id, encoded)
    if (vlan !== null) for (const settle of waiting) settle(vlan)
    return true
  }

  /** @throws WakunetError `ERR_VLAN_NOT_FOUND` when the time is over */
  ask(id: VlanId, timeoutMs: number): Promise<StoredVlan> {
    const { clock, askPeers } = this.#init
    const waiting = this.#waiting.get(id) ?? new Set()
    this.#waiting.set(id, waiting)
    const timers: Timer[] = []
    return new Promise<StoredVlan>((resolve, reject) => {
      const done = (): void => {
        for (const timer of timers) timer.cancel()
        waiting.delete(settle)
        if (waiting.size === 0) this.#waiting.delete(id)
      }
      const settle = (vlan: StoredVlan): void => {
        done()
        resolve(vlan)
      }
      waiting.add(settle)
      timers.push(
        clock.setInterval(() => askPeers(id), ASK_AGAIN_MS),
        clock.setTimeout(() => this.#lookUp(id), ASK_AGAIN_MS),
        clock.setTimeout(() => {
          done()
          reject(notFound(id))
        }, timeoutMs),
      )
      askPeers(id)
    })
  }

  #lookUp(id: VlanId): void {
    // Nothing is found where it fails: the time of the request ends it.
    this.#init.lookUp(id).then(
      (encoded) => encoded !== null && this.receive(id, encoded),
      () => {},
    )
  }
}
