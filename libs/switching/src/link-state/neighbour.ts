import { TokenBucket } from '../control/token-bucket.ts'

/** Messages that wait for a neighbour; after that they are dropped, and a digest finds what was lost. */
export const MAX_OUTBOX_MESSAGES = 4096
/** Advertisements that are sent to a neighbour because its database lacks them: at once, and a second after that. */
const SYNC_BURST = 1_024
const SYNC_PER_SECOND = 256
/** Answers to digests: at once, and a second after that. */
const ANSWER_BURST = 4
const ANSWERS_PER_SECOND = 2
/** After something was passed on, messages were dropped, or databases differed; while news comes in, the digest waits. */
export const DIGEST_RETRY_MS = 1_000
/** But not longer than this. */
const MAX_DIGEST_WAIT_MS = 5_000
/** Messages to one neighbour leave together, so often at the most. */
export const PACING_MS = 20

/** A member at the other end of a trunk. */
export class LinkNeighbour {
  /** 16 bytes. */
  readonly id: Uint8Array
  /** The id alone, as the list of peers of a record. */
  readonly peers: readonly Uint8Array[]
  readonly syncRate: TokenBucket
  readonly answerRate: TokenBucket
  cost: number
  /** What this node's last advertisement says of it, and so what others reckon with; null where they have not heard of it yet. */
  advertisedCost: number | null = null
  /** The trunk forwards in the spanning tree. */
  inTree = false
  digestDueMs: number
  digestSentMs: number
  outbox: Uint8Array[] = []
  /** When the outbox may be emptied again. */
  flushMs = 0
  /** Messages that found the outbox full. */
  dropped = 0
  readonly #waiting: LinkNeighbour[]

  /** @param waiting where it adds itself when its outbox is no longer empty */
  constructor(id: Uint8Array, cost: number, waiting: LinkNeighbour[], nowMs: number) {
    this.id = id
    this.#waiting = waiting
    this.peers = [id]
    this.cost = cost
    this.digestDueMs = nowMs
    this.digestSentMs = nowMs
    this.syncRate = new TokenBucket(SYNC_BURST, SYNC_PER_SECOND, nowMs)
    this.answerRate = new TokenBucket(ANSWER_BURST, ANSWERS_PER_SECOND, nowMs)
  }

  /** Databases differ for a moment: a digest would tell nothing yet. */
  putOffDigest(nowMs: number): void {
    this.digestDueMs = Math.min(nowMs + DIGEST_RETRY_MS, this.digestSentMs + MAX_DIGEST_WAIT_MS)
  }

  /** Puts a message into the outbox. */
  post(message: Uint8Array): void {
    if (this.outbox.length >= MAX_OUTBOX_MESSAGES) {
      this.dropped++
      return
    }
    if (this.outbox.length === 0) this.#waiting.push(this)
    this.outbox.push(message)
  }
}
