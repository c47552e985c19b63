/** Intervals without an answer to a probe after which the path is dead, at the least. */
const INTERVALS_UNANSWERED = 2
/** A path that answered late gets this many intervals more, one for each time, and keeps them for a while. */
const MAX_EXTRA_INTERVALS = 6
const EXTRA_FOR_MS = 30_000

/** What is known of a path at the time of a tick. */
export interface PathState {
  /** Time since anything came from the other end, in milliseconds. */
  readonly heardAgeMs: number
  /** True where something is under way that the other end must answer. */
  readonly outstanding: boolean
  /** What an answer may take on this path; it has at least two intervals anyhow. */
  readonly patienceMs: number
}

/** What the owner of a path has to do now. */
export type Verdict = 'well' | 'probe' | 'dead'

export interface FailureDetectorInit {
  /** A path is probed when nothing came for this long. */
  readonly intervalMs: number
  /** The owner ticks this often, when nothing holds it up. */
  readonly tickMs: number
  /** Intervals that an answer has beyond the usual, for good; 0 where this path has given no reason. */
  readonly extraIntervals?: number
}

/**
 * Says in well under a second that a path is dead, in the manner of BFD (RFC 5880 §6.8.4), with two differences: nothing is
 * sent while the other end is heard anyhow, and time counts against the path only while this process could have heard it. A
 * tick that comes late, because the process or the machine was busy, adds no more than two ticks of silence.
 *
 * It learns: a path that answers late, by loss or by load, is given more time from then on.
 */
export class FailureDetector {
  readonly #init: FailureDetectorInit
  #tickedAtMs: number | null = null
  /** When the first probe of this silence was sent; null where none is. */
  #askedAtMs: number | null = null
  #probedAtMs = 0
  #unansweredMs = 0
  #extra = 0
  #extraUntilMs = 0
  /** Answers that came later than an interval. */
  late = 0

  constructor(init: FailureDetectorInit) {
    this.#init = init
  }

  /** How long the present probes have gone without an answer that was due, in milliseconds. */
  get unansweredMs(): number {
    return this.#unansweredMs
  }

  /** Begins anew: what was not asked for meanwhile proves nothing. */
  reset(): void {
    this.#tickedAtMs = null
    this.#askedAtMs = null
    this.#unansweredMs = 0
  }

  tick(nowMs: number, state: PathState): Verdict {
    const { intervalMs, tickMs } = this.#init
    const elapsedMs = nowMs - (this.#tickedAtMs ?? nowMs)
    this.#tickedAtMs = nowMs
    if (this.#askedAtMs !== null && state.heardAgeMs < nowMs - this.#askedAtMs) this.#answered(nowMs)
    if (state.heardAgeMs < intervalMs) return 'well'
    if (this.#askedAtMs === null) {
      this.#askedAtMs = nowMs
      return this.#probe(nowMs)
    }
    if (state.outstanding) this.#unansweredMs += Math.min(elapsedMs, 2 * tickMs)
    if (this.#unansweredMs > this.#limitMs(nowMs, state.patienceMs)) return 'dead'
    return nowMs - this.#probedAtMs >= intervalMs ? this.#probe(nowMs) : 'well'
  }

  #probe(nowMs: number): Verdict {
    this.#probedAtMs = nowMs
    return 'probe'
  }

  #answered(nowMs: number): void {
    if (this.#unansweredMs > this.#init.intervalMs) {
      this.late++
      this.#extra = Math.min(MAX_EXTRA_INTERVALS, this.#extra + 1)
      this.#extraUntilMs = nowMs + EXTRA_FOR_MS
    }
    this.#askedAtMs = null
    this.#unansweredMs = 0
  }

  #limitMs(nowMs: number, patienceMs: number): number {
    const { intervalMs } = this.#init
    if (nowMs > this.#extraUntilMs) this.#extra = 0
    const intervals = INTERVALS_UNANSWERED + (this.#init.extraIntervals ?? 0) + this.#extra
    return Math.max(intervals * intervalMs, patienceMs)
  }
}
