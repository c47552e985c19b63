/** After a datagram from elsewhere the path in use must answer within this, and two round trips. */
const ANSWER_WITHIN_MS = 300
/** It is asked this often meanwhile. */
const ASK_EVERY_MS = 100
/** What was seen longer ago than this says nothing. */
const FORGOTTEN_AFTER_MS = 5_000

/**
 * The peer was seen at another address than the one in use: it has moved, or somebody carries its datagrams elsewhere. The address in use is
 * asked; as long as it answers nothing changes.
 */
export class Suspicion {
  #sinceMs = Number.NEGATIVE_INFINITY
  #askedAtMs = 0

  /** When the peer was seen elsewhere. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  /** The peer was seen elsewhere. @returns false where that is being looked into */
  raise(nowMs: number): boolean {
    if (nowMs - this.#sinceMs < ANSWER_WITHIN_MS) return false
    this.#sinceMs = nowMs
    return true
  }

  clear(): void {
    this.#sinceMs = Number.NEGATIVE_INFINITY
  }

  /** The path in use answered a challenge. */
  answered(challengeSentAtMs: number): void {
    if (challengeSentAtMs >= this.#sinceMs) this.clear()
  }

  /** What to do now: ask the path in use, wait, or leave it for one that has answered since. */
  tick(nowMs: number, rttMs: number): 'ask' | 'wait' | 'leave' {
    const ageMs = nowMs - this.#sinceMs
    if (ageMs >= FORGOTTEN_AFTER_MS) return 'wait'
    if (ageMs >= ANSWER_WITHIN_MS + 2 * rttMs) return 'leave'
    if (nowMs - this.#askedAtMs < ASK_EVERY_MS) return 'wait'
    this.#askedAtMs = nowMs
    return 'ask'
  }
}
