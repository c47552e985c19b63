import { readU32 } from '@wakunet/record'
import { ADVERTISEMENT_FIELD, readSequence } from '../control/link-state-message.ts'

/** A member as its newest advertisement shows it. The object stays the same while the member is known. */
export class Origin {
  /** 16 bytes. */
  readonly id: Uint8Array
  /** Where it is in the tables of the graph. */
  readonly slot: number
  /** The advertisement. */
  bytes: Uint8Array
  sequence: number
  bootNonceHigh: number
  bootNonceLow: number
  digestHigh = 0
  digestLow = 0
  /** Another origin with the same 48-bit key. */
  next: Origin | null = null
  /** Since when no way leads there; `Infinity` while one does. */
  unreachableSinceMs: number
  /** The graph does not have `bytes` yet. */
  isStale = true
  /** Advertisements that may still come at once, as of `rateMs`. */
  rateTokens: number
  rateMs: number

  constructor(slot: number, bytes: Uint8Array, rateTokens: number, nowMs: number) {
    this.slot = slot
    this.id = bytes.subarray(ADVERTISEMENT_FIELD.origin, ADVERTISEMENT_FIELD.neighbours)
    this.bytes = bytes
    this.sequence = readSequence(bytes, ADVERTISEMENT_FIELD.sequence)
    this.bootNonceHigh = readU32(bytes, ADVERTISEMENT_FIELD.bootNonce)
    this.bootNonceLow = readU32(bytes, ADVERTISEMENT_FIELD.bootNonce + 4)
    this.unreachableSinceMs = nowMs
    this.rateTokens = rateTokens
    this.rateMs = nowMs
  }

  /** 8 bytes. */
  get bootNonce(): Uint8Array {
    return this.bytes.subarray(ADVERTISEMENT_FIELD.bootNonce, ADVERTISEMENT_FIELD.origin)
  }
}
