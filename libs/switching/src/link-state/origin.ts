import type { Advertisement } from './advertisement.ts'

/** A member as its newest advertisement shows it. The object stays the same while the member is known. */
export class Origin {
  /** Where it is in the tables of the graph. */
  readonly slot: number
  advertisement: Advertisement
  /** Since when no way leads there; `Infinity` while one does. */
  unreachableSinceMs: number
  /** The graph does not have `advertisement` yet. */
  isStale = true
  /** A trunk of the advertisement before is not in this one. */
  hasLost = false
  /** Until when its rate is used up (a leaky bucket of time). */
  busyUntilMs: number

  constructor(slot: number, advertisement: Advertisement, nowMs: number) {
    this.slot = slot
    this.advertisement = advertisement
    this.unreachableSinceMs = nowMs
    this.busyUntilMs = nowMs
  }

  /** 16 bytes. */
  get id(): Uint8Array {
    return this.advertisement.id
  }

  /** 8 bytes. */
  get bootNonce(): Uint8Array {
    return this.advertisement.bootNonce
  }

  get bootNonceHigh(): number {
    return this.advertisement.bootNonceHigh
  }

  get bootNonceLow(): number {
    return this.advertisement.bootNonceLow
  }

  get sequence(): number {
    return this.advertisement.sequence
  }
}
