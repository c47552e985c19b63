import { MtuSearch } from './mtu-search.ts'
import { isPackedIpv6 } from './path-message.ts'

/** Round trips that are compared: what a busy host adds to one comes and goes. */
const SAMPLES = 8
/** Challenges to one address that may wait for their answer. */
const MAX_OUTSTANDING = 8
/** A token is good for so long. */
const TOKEN_LIFE_MS = 5_000
/** Of a new round trip in the average, as TCP has it (RFC 6298 section 2). */
const RTT_WEIGHT = 1 / 8
/** A challenge counts as lost after this, and three round trips. */
const LOST_AFTER_MS = 200

export interface OutstandingChallenge {
  readonly sentAtMs: number
  readonly datagramBytes: number
  /** Of the size that records have: its loss says something of the path's MTU. */
  readonly full: boolean
  /** Counted as lost already; a late answer is still an answer. */
  lost: boolean
}

/** One address of a peer, and what is known of the way there. */
export class ProbedAddress {
  /** Packed socket address; a copy. */
  readonly packed: Uint8Array
  readonly isIpv6: boolean
  readonly mtu: MtuSearch
  /** The peer has told of it; else an authentic datagram came from it. */
  told = false
  /** When the next challenge is due, while the path is not the one in use. */
  nextAtMs: number
  /** Challenges since it last answered. */
  attempts = 0
  /** Null where it never answered, or stopped to. */
  answeredAtMs: number | null = null
  /** Smoothed: what to expect. */
  rttMs: number | null = null
  /** Answers in a row that were clearly better than those of the path in use. */
  better = 0
  readonly #samplesMs: number[] = []
  readonly #outstanding = new Map<string, OutstandingChallenge>()

  constructor(packed: Uint8Array, largestDatagram: number, nowMs: number) {
    this.packed = packed.slice()
    this.isIpv6 = isPackedIpv6(packed)
    this.mtu = new MtuSearch(largestDatagram)
    this.nextAtMs = nowMs
  }

  /** True where records may go there. */
  get usable(): boolean {
    return this.answeredAtMs !== null && this.mtu.bytes > 0
  }

  /** Least of the last round trips: what the way is worth. Infinite where there is none. */
  get leastRttMs(): number {
    return Math.min(...this.#samplesMs, Number.POSITIVE_INFINITY)
  }

  /** How many of the last answers are known, 8 at the most. */
  get samples(): number {
    return this.#samplesMs.length
  }

  get hasOutstanding(): boolean {
    return this.#outstanding.size > 0
  }

  /** True while a probe of the MTU waits for its answer. */
  get isProbingMtu(): boolean {
    for (const { full, lost, datagramBytes } of this.#outstanding.values())
      if (!full && !lost && datagramBytes > this.mtu.bytes && datagramBytes >= 1_200) return true
    return false
  }

  sent(token: string, challenge: OutstandingChallenge): void {
    for (const oldest of this.#outstanding.keys()) {
      if (this.#outstanding.size < MAX_OUTSTANDING) break
      this.#outstanding.delete(oldest)
    }
    this.#outstanding.set(token, challenge)
  }

  /** An answer with this token came. @returns the challenge; null where none waits for it */
  answered(token: string, nowMs: number): OutstandingChallenge | null {
    const challenge = this.#outstanding.get(token)
    if (challenge === undefined) return null
    this.#outstanding.delete(token)
    const ms = nowMs - challenge.sentAtMs
    this.#samplesMs.push(ms)
    if (this.#samplesMs.length > SAMPLES) this.#samplesMs.shift()
    this.rttMs = this.rttMs === null ? ms : this.rttMs + (ms - this.rttMs) * RTT_WEIGHT
    this.answeredAtMs = nowMs
    // An address that answers and takes no full datagram is of no use: it is asked more and more seldom.
    if (this.mtu.bytes > 0) this.attempts = 0
    return challenge
  }

  /** Forgets challenges that are too old. @returns those that have become losses */
  expire(nowMs: number): OutstandingChallenge[] {
    const lost: OutstandingChallenge[] = []
    const lostAfterMs = LOST_AFTER_MS + 3 * (this.rttMs ?? 0)
    for (const [token, challenge] of this.#outstanding) {
      const ageMs = nowMs - challenge.sentAtMs
      if (ageMs >= lostAfterMs && !challenge.lost) {
        challenge.lost = true
        lost.push(challenge)
      }
      if (ageMs >= TOKEN_LIFE_MS) this.#outstanding.delete(token)
    }
    return lost
  }

  /** It does not answer any more: what was known of the path is of no use. */
  forget(): void {
    this.answeredAtMs = null
    this.rttMs = null
    this.better = 0
    this.#samplesMs.length = 0
    this.mtu.reset()
    this.#outstanding.clear()
  }

  /** Challenges it soon, and then more and more seldom. */
  retry(nowMs: number): void {
    this.attempts = 0
    this.nextAtMs = nowMs
  }
}
