import { TokenBucket } from '../control/token-bucket.ts'

/** Messages that wait for a neighbour; after that they are dropped, and a digest finds what was lost. */
export const MAX_OUTBOX_MESSAGES = 4096
/** Advertisements that are sent to a neighbour because its database lacks them: at once, and a second after that. */
const SYNC_BURST = 1_024
const SYNC_PER_SECOND = 256
/** Answers to digests: at once, and a second after that. */
const ANSWER_BURST = 4
const ANSWERS_PER_SECOND = 2
/** After messages were dropped, or databases differed. */
export const DIGEST_RETRY_MS = 1_000

/** A member at the other end of a trunk. */
export class LinkNeighbour {
  /** 16 bytes. */
  readonly id: Uint8Array
  readonly syncRate: TokenBucket
  readonly answerRate: TokenBucket
  cost: number
  /** The trunk forwards in the spanning tree. */
  inTree = false
  digestDueMs: number
  outbox: Uint8Array[] = []
  /** Messages that found the outbox full. */
  dropped = 0

  constructor(id: Uint8Array, cost: number, nowMs: number) {
    this.id = id
    this.cost = cost
    this.digestDueMs = nowMs
    this.syncRate = new TokenBucket(SYNC_BURST, SYNC_PER_SECOND, nowMs)
    this.answerRate = new TokenBucket(ANSWER_BURST, ANSWERS_PER_SECOND, nowMs)
  }

  /** Puts a message into the outbox. */
  post(message: Uint8Array): void {
    if (this.outbox.length < MAX_OUTBOX_MESSAGES) this.outbox.push(message)
    else this.dropped++
  }
}
