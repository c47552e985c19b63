import type { Connection } from '@libp2p/interface'
import {
  connectionProgress,
  FailureDetector,
  HEARTBEATS_MISSED,
  type PathState,
  type Verdict,
} from '@wakunet/trunk'
import { RoundTrip } from './round-trip.ts'

/** The owner calls `tick` this often. */
export const TICK_MS = 50
/** Probes of a closed window without an answer after which that window says nothing of the peer's health. */
const WINDOW_PROBES_UNANSWERED = 3
/** Linux holds an ACK back for up to this, in the hope of data to send it with. */
const MAX_ACK_DELAY_MS = 200
/** An ACK that comes by itself mostly comes within this. */
const MAX_QUIET_MS = 2 * TICK_MS
/** Answers through two busy processes, not one kernel. */
const RELAYED_PATIENCE_MS = 600
/** Heartbeats that may be missing before the peer counts as silent. */
const SILENT_HEARTBEATS = 1.5
/** A peer that may be out of reach is looked at for so long. */
const SUSPECTED_FOR_MS = 5_000
/** While anything comes from the peer, one heartbeat in so many is sent. */
const HEARTBEATS_SPARED = 4
/** Heartbeats whose answer can still be told apart; at 150 ms a round trip of 4.8 s. */
const HEARTBEATS_REMEMBERED = 32
/** A heartbeat without an answer for this long is taken for lost. */
const ANSWERED_WITHIN_MS = 2_000

export interface PeerHealthInit {
  readonly connection: Connection
  /** What both hellos allow. */
  readonly heartbeatMs: number
  /** A peer that must answer is probed after this time without an answer; 0: only heartbeats tell. */
  readonly quickHeartbeatMs: number
  /** See `FailureDetectorInit`. */
  readonly extraIntervals: number
  readonly nowMs: number
  readonly sendHeartbeat: (sequence: number) => void
}

/** Whether a trunk's peer is there, and how far away (`docs/adr/0004-failure-detection.md`). */
export class PeerHealth {
  readonly roundTrip = new RoundTrip()
  readonly #init: PeerHealthInit
  readonly #detector: FailureDetector | null
  readonly #progress = { ackAgeMs: 0, unackedSegments: 0, windowProbes: 0, leastRttMs: 0 }
  readonly #sentTimesMs = new Float64Array(HEARTBEATS_REMEMBERED)
  readonly #answeredSequences = new Float64Array(HEARTBEATS_REMEMBERED)
  #sequence = 0
  #sentAtMs = Number.NEGATIVE_INFINITY
  #tickedAtMs: number
  #heardAtMs: number
  #heardBytes = 0
  #heardDatagrams = 0
  #silentMs = 0
  #streamSilentMs = 0
  #quick = false
  #suspectUntilMs = Number.NEGATIVE_INFINITY
  /** True while datagrams prove that the peer is there: the stream is not probed quickly. */
  relaxed = false

  constructor(init: PeerHealthInit) {
    this.#init = init
    const { quickHeartbeatMs: intervalMs, extraIntervals } = init
    this.#detector =
      intervalMs === 0 ? null : new FailureDetector({ intervalMs, tickMs: TICK_MS, extraIntervals })
    this.#heardAtMs = init.nowMs
    this.#tickedAtMs = init.nowMs
  }

  /** How long nothing came although this process was listening, in milliseconds. */
  get silentMs(): number {
    return this.#silentMs
  }

  /** True where the peer has missed a heartbeat. */
  get silent(): boolean {
    return this.#silentMs > SILENT_HEARTBEATS * this.#init.heartbeatMs
  }

  /** True where the peer is probed as soon as it is quiet. */
  get quick(): boolean {
    return this.#quick
  }

  set quick(quick: boolean) {
    this.#quick = quick && this.#detector !== null
  }

  /** The network of this host has changed: whether the peer still answers is asked at once, and waited for no longer than on a trunk in use. */
  suspect(nowMs: number): void {
    this.#suspectUntilMs = nowMs + SUSPECTED_FOR_MS
    this.#sentAtMs = Number.NEGATIVE_INFINITY
    this.#detector?.reset()
  }

  /** Answers that came so late that the quick detection became more patient. */
  get lateAnswers(): number {
    return this.#detector?.late ?? 0
  }

  /** A control message came. */
  heard(nowMs: number): void {
    this.#heardAtMs = nowMs
    this.#silentMs = 0
    this.#streamSilentMs = 0
  }

  /** Share of the last heartbeats that got no answer although they could have, 0 to 1; null before the first could. */
  loss(nowMs: number): number | null {
    let sent = 0
    let unanswered = 0
    const oldest = Math.max(1, this.#sequence - HEARTBEATS_REMEMBERED + 1)
    for (let sequence = oldest; sequence <= this.#sequence; sequence++) {
      const slot = sequence % HEARTBEATS_REMEMBERED
      if (nowMs - this.#sentTimesMs[slot]! < ANSWERED_WITHIN_MS) continue
      sent++
      if (this.#answeredSequences[slot] !== sequence) unanswered++
    }
    return sent === 0 ? null : unanswered / sent
  }

  /** A heartbeat was answered. @returns whether the round trip to go by is another one */
  answered(sequence: number, nowMs: number): boolean {
    const age = this.#sequence - sequence
    if (sequence < 1 || age < 0 || age >= HEARTBEATS_REMEMBERED) return false
    this.#answeredSequences[sequence % HEARTBEATS_REMEMBERED] = sequence
    return this.roundTrip.measured(nowMs - this.#sentTimesMs[sequence % HEARTBEATS_REMEMBERED]!, nowMs)
  }

  /**
   * Sends a heartbeat when one is due.
   * @param streamBytes what has come on the frames stream so far
   * @param datagrams that have come so far: the peer is there, whatever its stream
   * @returns why the peer, or its stream, is given up; null where it is not
   */
  tick(nowMs: number, streamBytes: number, datagrams: number): string | null {
    this.#listen(nowMs, streamBytes, datagrams)
    const patienceMs = this.#init.heartbeatMs * HEARTBEATS_MISSED
    if (this.#silentMs > patienceMs) return `nothing heard for ${Math.round(this.#silentMs)} ms`
    if (this.#streamSilentMs > patienceMs * HEARTBEATS_SPARED)
      return `nothing heard on the stream for ${Math.round(this.#streamSilentMs)} ms`
    const verdict = this.#detect(nowMs)
    if (verdict === 'dead') return `no answer, last heard ${Math.round(this.#progress.ackAgeMs)} ms ago`
    if (verdict === 'probe' || this.#isDue(nowMs)) this.#send(nowMs)
    return null
  }

  /** Counts silence, but only what this process could have heard: a tick that comes late counts for two at the most. */
  #listen(nowMs: number, streamBytes: number, datagrams: number): void {
    const elapsedMs = Math.min(nowMs - this.#tickedAtMs, 2 * TICK_MS)
    this.#tickedAtMs = nowMs
    if (streamBytes !== this.#heardBytes) {
      this.#heardBytes = streamBytes
      this.heard(nowMs)
    } else {
      this.#silentMs += elapsedMs
      this.#streamSilentMs += elapsedMs
    }
    if (datagrams !== this.#heardDatagrams) this.#silentMs = 0
    this.#heardDatagrams = datagrams
  }

  /**
   * Where nobody needs the trunk it is not probed; but what is sent over it, a heartbeat or the first frame after hours, must be
   * acknowledged, and where that does not come, probes follow.
   */
  #detect(nowMs: number): Verdict {
    const detector = this.#detector
    if (detector === null) return 'well'
    const verdict = detector.tick(nowMs, this.#path(nowMs))
    const mayProbe = this.#asksQuickly(nowMs) || detector.unansweredMs > MAX_QUIET_MS
    return verdict === 'probe' && !mayProbe ? 'well' : verdict
  }

  /** The kernel knows best; a relayed connection has none at its end, and only what came over it counts. */
  #path(nowMs: number): PathState {
    const progress = this.#progress
    if (connectionProgress(this.#init.connection, progress)) {
      return {
        heardAgeMs: progress.ackAgeMs,
        outstanding: progress.unackedSegments > 0 || progress.windowProbes >= WINDOW_PROBES_UNANSWERED,
        patienceMs: MAX_ACK_DELAY_MS + 3 * progress.leastRttMs,
      }
    }
    progress.ackAgeMs = nowMs - this.#heardAtMs
    return {
      heardAgeMs: progress.ackAgeMs,
      // What was sent over a relay is not known to have arrived: only probes tell.
      outstanding: this.#asksQuickly(nowMs),
      patienceMs: RELAYED_PATIENCE_MS + 4 * (this.roundTrip.rttMs ?? 300),
    }
  }

  #asksQuickly(nowMs: number): boolean {
    return nowMs < this.#suspectUntilMs || (this.#quick && !this.relaxed)
  }

  /** While the peer asks there is no need to: only now and then, because each side measures its own round trips. */
  #isDue(nowMs: number): boolean {
    const { heartbeatMs } = this.#init
    const spared = this.roundTrip.rttMs !== null && this.#silentMs < heartbeatMs
    return nowMs - this.#sentAtMs >= heartbeatMs * (spared ? HEARTBEATS_SPARED : 1)
  }

  #send(nowMs: number): void {
    this.#sentAtMs = nowMs
    this.#sentTimesMs[++this.#sequence % HEARTBEATS_REMEMBERED] = nowMs
    this.#init.sendHeartbeat(this.#sequence)
  }
}
