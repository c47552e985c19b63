/** So many at once, and so many a second after that. */
export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

export interface SourceRatesInit {
  /** Of everybody together. */
  readonly total: Rate
  /** Of one sender. */
  readonly perSource: Rate
}

/** Senders share so many limits; which ones do, nobody can tell who does not know the seed. */
const SLOTS = 256
const FNV_PRIME = 0x01000193

/**
 * Limits how often the senders of frames are answered, each and all together. Senders are kept apart by their MAC address in a
 * table of fixed size, so that many invented senders cost no memory and take no more than the total.
 */
export class SourceRates {
  readonly #init: SourceRatesInit
  readonly #seed: number
  /** One more than the senders: the last one is the total. */
  readonly #tokens = new Float64Array(SLOTS + 1)
  readonly #filledMs = new Float64Array(SLOTS + 1)

  constructor(init: SourceRatesInit, hashSeed: number, nowMs: number) {
    this.#init = init
    this.#seed = hashSeed
    this.#tokens.fill(init.perSource.burst)
    this.#tokens[SLOTS] = init.total.burst
    this.#filledMs.fill(nowMs)
  }

  /** Whether the sender with this MAC address may be answered once more. Who may not takes nothing from the total. */
  take(mac: Uint8Array, nowMs: number): boolean {
    const slot = this.#slotOf(mac)
    this.#fill(slot, this.#init.perSource, nowMs)
    this.#fill(SLOTS, this.#init.total, nowMs)
    if (this.#tokens[slot]! < 1 || this.#tokens[SLOTS]! < 1) return false
    this.#tokens[slot]!--
    this.#tokens[SLOTS]!--
    return true
  }

  #fill(slot: number, { burst, perSecond }: Rate, nowMs: number): void {
    const passedMs = nowMs - this.#filledMs[slot]!
    if (passedMs <= 0) return
    this.#tokens[slot] = Math.min(burst, this.#tokens[slot]! + (passedMs * perSecond) / 1000)
    this.#filledMs[slot] = nowMs
  }

  #slotOf(mac: Uint8Array): number {
    let hash = this.#seed
    for (const byte of mac) hash = Math.imul(hash ^ byte, FNV_PRIME)
    hash ^= hash >>> 15
    return (hash ^ (hash >>> 8)) & (SLOTS - 1)
  }
}
