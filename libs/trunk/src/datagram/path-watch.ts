import { FailureDetector } from '../failure-detector.ts'

/** The owner ticks this often. */
export const PATH_TICK_MS = 50
/** The path in use is challenged after this time without proof that it works, and given up five such times later. */
const PROBE_INTERVAL_MS = 150
const EXTRA_INTERVALS = 3
const PATIENCE_MS = 100
/** A path over which nothing was sent for this long is merely kept alive. */
const IDLE_AFTER_MS = 2_000
/** Less than what any NAT forgets a UDP mapping after (RFC 4787 REQ-5: 2 minutes; many have 30 s). */
const KEEP_ALIVE_MS = 15_000
const KEEP_ALIVE_JITTER = 0.2
const FULL_SIZE_EVERY_MS = 300

/** What is known of the path in use at the time of a tick. */
export interface WatchedPath {
  /** A challenge waits for its answer. */
  readonly outstanding: boolean
  readonly rttMs: number
  /** Records have larger datagrams than what any path takes: whether those get through is to be known. */
  readonly large: boolean
}

/** What to do with the path in use: challenge it, with a small datagram or one of full size, or give it up. */
export type WatchVerdict = 'well' | 'challenge' | 'challenge-full' | 'dead'

/** Watches the path in use: closely while records go over it, now and then while it idles. */
export class PathWatch {
  readonly #random: () => number
  readonly #detector = new FailureDetector({
    intervalMs: PROBE_INTERVAL_MS,
    tickMs: PATH_TICK_MS,
    extraIntervals: EXTRA_INTERVALS,
  })
  #confirmedAtMs = 0
  #records = 0
  #usedAtMs = Number.NEGATIVE_INFINITY
  #largeRecords = 0
  #largeAtMs = Number.NEGATIVE_INFINITY
  #keepAliveAtMs = 0
  #fullAtMs = 0
  /** A keep-alive, or a question because of a suspicion, waits for its answer. */
  #asking = false

  /** @param random in [0, 1) */
  constructor(random: () => number) {
    this.#random = random
  }

  /** When the path last proved that it works. */
  get confirmedAtMs(): number {
    return this.#confirmedAtMs
  }

  /** Another path is in use from now on; it has just answered. */
  begin(nowMs: number): void {
    this.#detector.reset()
    this.confirmed(nowMs)
  }

  /** So many records were sent up to now, and so many of them were large. */
  used(nowMs: number, records: number, largeRecords: number): void {
    if (records !== this.#records) this.#usedAtMs = nowMs
    if (largeRecords !== this.#largeRecords) this.#largeAtMs = nowMs
    this.#records = records
    this.#largeRecords = largeRecords
  }

  /** It is watched closely until it proves that it works, whether or not records go over it. */
  doubt(): void {
    this.#asking = true
  }

  confirmed(nowMs: number): void {
    this.#confirmedAtMs = nowMs
    this.#asking = false
    this.#keepAliveAtMs = nowMs + this.keepAliveMs()
  }

  /** Time until the next challenge of an idle path. */
  keepAliveMs(): number {
    return KEEP_ALIVE_MS * (1 + KEEP_ALIVE_JITTER * (2 * this.#random() - 1))
  }

  tick(nowMs: number, path: WatchedPath): WatchVerdict {
    if (nowMs - this.#usedAtMs >= IDLE_AFTER_MS && !this.#asking) return this.#keepAlive(nowMs)
    const verdict = this.#detector.tick(nowMs, {
      heardAgeMs: nowMs - this.#confirmedAtMs,
      outstanding: path.outstanding,
      patienceMs: PATIENCE_MS + 3 * path.rttMs,
    })
    if (verdict === 'dead') return 'dead'
    if (path.large && !this.#asking && this.#isFullDue(nowMs)) {
      this.#fullAtMs = nowMs
      return 'challenge-full'
    }
    return verdict === 'probe' ? 'challenge' : 'well'
  }

  /** True where a lost datagram of full size is the size's fault: the path answers otherwise. */
  answersLately(nowMs: number): boolean {
    return nowMs - this.#confirmedAtMs < 2 * FULL_SIZE_EVERY_MS
  }

  /** Datagrams of full size are proved to get through only while they are needed: they are most of what a challenge costs. */
  #isFullDue(nowMs: number): boolean {
    return nowMs - this.#fullAtMs >= FULL_SIZE_EVERY_MS && nowMs - this.#largeAtMs < IDLE_AFTER_MS
  }

  #keepAlive(nowMs: number): WatchVerdict {
    this.#detector.reset()
    if (nowMs < this.#keepAliveAtMs) return 'well'
    this.#asking = true
    return 'challenge'
  }
}
