/** What is kept for who had it: so many addresses, for so long. */
export const MAX_KEPT_ADDRESSES = 4_096
export const KEEP_ADDRESS_MS: number = 24 * 3_600_000

interface Kept {
  readonly mac: number
  readonly untilMs: number
}

/**
 * Which station had an address before its lease ended, or before its member vanished: it gets the same one again, and others
 * get another as long as there are some. What was kept first is forgotten first.
 */
export class Affinity {
  readonly #byAddress = new Map<number, Kept>()
  readonly #byMac = new Map<number, number>()

  /** @param address unsigned 32-bit integer; @param mac 48-bit integer */
  keep(address: number, mac: number, nowMs: number): void {
    this.#forget(address)
    const other = this.#byMac.get(mac)
    if (other !== undefined) this.#forget(other)
    if (this.#byAddress.size >= MAX_KEPT_ADDRESSES) {
      const [oldest] = this.#byAddress.keys()
      if (oldest !== undefined) this.#forget(oldest)
    }
    this.#byAddress.set(address, { mac, untilMs: nowMs + KEEP_ADDRESS_MS })
    this.#byMac.set(mac, address)
  }

  #forget(address: number): void {
    const kept = this.#byAddress.get(address)
    if (kept === undefined) return
    this.#byAddress.delete(address)
    this.#byMac.delete(kept.mac)
  }

  get size(): number {
    return this.#byAddress.size
  }

  /** The address that this station had last, or null. */
  ofMac(mac: number, nowMs: number): number | null {
    const address = this.#byMac.get(mac)
    return address === undefined || this.holderOf(address, nowMs) === null ? null : address
  }

  /** The station that had this address last, or null. */
  holderOf(address: number, nowMs: number): number | null {
    const kept = this.#byAddress.get(address)
    if (kept === undefined) return null
    if (nowMs < kept.untilMs) return kept.mac
    this.#forget(address)
    return null
  }
}
