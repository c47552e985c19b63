import type { Connection, Stream } from '@libp2p/interface'
import type { Clock, Logger, NodeId, Timer } from '@wakunet/interface'
import {
  type Agreement,
  type CloseCode,
  type ControlMessage,
  ControlStream,
  connectionProgress,
  FailureDetector,
  HEARTBEATS_MISSED,
  HELLO_TIMEOUT_MS,
  type Hello,
  MESH_CAPABILITY,
  negotiate,
  type PathState,
  StreamPath,
  type StreamPathStats,
  type Verdict,
  type WireMembership,
} from '@wakunet/trunk'
import { RoundTrip } from './round-trip.ts'

export interface TrunkInit {
  readonly nodeId: NodeId
  readonly connection: Connection
  /** The control stream, just opened. */
  readonly stream: Stream
  /** True where this side dialled the connection. */
  readonly initiator: boolean
  readonly hello: Hello
  readonly queueBytes: number
  /** A peer that must answer is probed after this time without an answer; 0: only heartbeats tell. See `FailureDetectorInit`. */
  readonly quickHeartbeatMs: number
  /** See `FailureDetectorInit`. */
  readonly extraIntervals: number
  readonly clock: Clock
  readonly logger: Logger
  readonly events: TrunkEvents
  /** Opens the frames stream; called on the initiator's side only. */
  readonly openFrames: () => Promise<Stream>
}

/** Messages that are not about the trunk itself. */
export type PeerMessage = Extract<
  ControlMessage,
  { type: 'record-request' | 'record' | 'vlan-peers-request' | 'vlan-peers' }
>

/** What a trunk tells its owner. Never called after `onDown`. */
export interface TrunkEvents {
  /** The hellos agree. The owner answers with a close code if it does not want the trunk. */
  onHello(trunk: Trunk): { code: CloseCode; message: string } | null
  /** Frames can pass both ways. */
  onUp(trunk: Trunk): void
  onDown(trunk: Trunk, reason: TrunkEnd): void
  onMemberships(trunk: Trunk, memberships: readonly WireMembership[]): void
  /** `heldRttMs` is another one. */
  onRoundTrip(trunk: Trunk): void
  onMessage(trunk: Trunk, message: PeerMessage): void
  /** Bytes are valid, and writable, only during the call. */
  onRecord(trunk: Trunk, record: Uint8Array): void
}

export interface TrunkEnd {
  readonly code: CloseCode | 'lost'
  readonly message: string
  /** True where the peer ended it. */
  readonly remote: boolean
}

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
/** While anything comes from the peer, one heartbeat in so many is sent. */
const HEARTBEATS_SPARED = 4
/** Heartbeats whose answer can still be told apart; at 150 ms a round trip of 4.8 s. */
const HEARTBEATS_REMEMBERED = 32

type State = 'hello' | 'opening' | 'up' | 'down'

/**
 * One trunk, from the first hello to its end (`docs/protocols/trunk.md`, life cycle). It owns its two
 * libp2p streams and closes the connection when it ends.
 */
export class Trunk {
  readonly nodeId: NodeId
  readonly peerId: string
  readonly address: string
  readonly initiator: boolean
  readonly startedAtMs: number
  readonly #init: TrunkInit
  readonly #control: ControlStream
  #state: State = 'hello'
  #deadline: Timer | null
  #frames: StreamPath | null = null
  #agreement: Agreement | null = null
  #theirHello: Hello | null = null
  #membershipSequence = -1
  #upAtMs = 0
  #heartbeatSequence = 0
  readonly #heartbeatTimesMs = new Float64Array(HEARTBEATS_REMEMBERED)
  #heartbeatSentAtMs = 0
  #tickedAtMs: number
  #heardAtMs: number
  #heardBytes = 0
  /** Time in which nothing came although this process was listening. */
  #silentMs = 0
  readonly #detector: FailureDetector | null
  #quick = false
  readonly #progress = { ackAgeMs: 0, unackedSegments: 0, windowProbes: 0, leastRttMs: 0 }
  readonly #roundTrip = new RoundTrip()

  constructor(init: TrunkInit) {
    this.#init = init
    const { quickHeartbeatMs: intervalMs, extraIntervals } = init
    this.#detector =
      intervalMs === 0 ? null : new FailureDetector({ intervalMs, tickMs: TICK_MS, extraIntervals })
    this.nodeId = init.nodeId
    this.peerId = init.connection.remotePeer.toString()
    this.address = init.connection.remoteAddr.toString()
    this.initiator = init.initiator
    this.startedAtMs = init.clock.wallMs()
    this.#heardAtMs = init.clock.monotonicMs()
    this.#tickedAtMs = this.#heardAtMs
    this.#deadline = init.clock.setTimeout(
      () =>
        this.close(
          'timeout',
          `no ${this.#state === 'hello' ? 'hello' : 'frames stream'} within ${HELLO_TIMEOUT_MS} ms`,
        ),
      HELLO_TIMEOUT_MS,
    )
    this.#control = new ControlStream({
      stream: init.stream,
      clock: init.clock,
      onMessage: (message) => this.#receive(message),
      onViolation: (code, error) => this.close(code, error.message),
      onClose: (error) =>
        this.#end({ code: 'lost', message: error?.message ?? 'connection lost', remote: true }),
    })
    this.#control.send(init.hello)
  }

  /** Monotonic time at which it came up; 0 before. */
  get upAtMs(): number {
    return this.#upAtMs
  }

  /** True where both sides have the capability. */
  has(capability: string): boolean {
    return this.#agreement?.capabilities.has(capability) ?? false
  }

  get up(): boolean {
    return this.#state === 'up'
  }

  /** What the peer said of itself; null before its hello. */
  get theirHello(): Hello | null {
    return this.#theirHello
  }

  /** Least round trip of the last seconds in milliseconds; null before the first answer. */
  get rttMs(): number | null {
    return this.#roundTrip.rttMs
  }

  /** The same, held still within a class of path costs. */
  get heldRttMs(): number | null {
    return this.#roundTrip.heldMs
  }

  get stats(): StreamPathStats | null {
    return this.#frames?.stats ?? null
  }

  /** True where this trunk runs over `connection`, so that a frames stream on it belongs here. */
  runsOver(connection: Connection): boolean {
    return this.#init.connection.id === connection.id
  }

  /** Attaches the frames stream: opened here by the initiator, accepted by the owner on the other side. */
  attachFrames(stream: Stream): void {
    if (this.#state !== 'opening' || this.#agreement === null) {
      stream.abort(new Error('no trunk is waiting for a frames stream'))
      return
    }
    this.#frames = new StreamPath({
      stream,
      maxRecordBytes: this.#agreement.maxRecordBytes,
      queueBytes: this.#init.queueBytes,
      onRecord: (record) => this.#init.events.onRecord(this, record),
      onMalformed: (error) =>
        this.close('malformed', error instanceof Error ? error.message : 'malformed record'),
    })
    stream.addEventListener('close', () =>
      this.#end({ code: 'lost', message: 'frames stream closed', remote: true }),
    )
    this.#deadline?.cancel()
    this.#deadline = null
    this.#state = 'up'
    this.#upAtMs = this.#init.clock.monotonicMs()
    this.#init.events.onUp(this)
  }

  /** Sends a record, or queues it; dropped silently where the trunk is not up (its owner counts). */
  sendRecord(record: Uint8Array): boolean {
    if (this.#state !== 'up') return false
    this.#frames?.send(record)
    return true
  }

  sendControl(message: ControlMessage): boolean {
    return this.#state === 'up' && this.#control.send(message)
  }

  /** How long nothing came although this process was listening, in milliseconds. */
  get silentMs(): number {
    return this.#silentMs
  }

  /** True where the peer has missed a heartbeat: a new trunk to it may be the better one. */
  get silent(): boolean {
    return this.#silentMs > 1.5 * (this.#agreement?.heartbeatMs ?? Number.POSITIVE_INFINITY)
  }

  /** True where the peer is probed as soon as it is quiet. */
  get quick(): boolean {
    return this.#quick
  }

  set quick(quick: boolean) {
    this.#quick = quick && this.#detector !== null
  }

  /** Answers that came so late that the quick detection became more patient. */
  get lateAnswers(): number {
    return this.#detector?.late ?? 0
  }

  /** Sends a heartbeat when one is due, and ends the trunk when the peer is silent. Called every `TICK_MS` by the owner. */
  tick(): void {
    if (this.#state !== 'up' || this.#agreement === null) return
    const now = this.#init.clock.monotonicMs()
    this.#listen(now)
    const { heartbeatMs } = this.#agreement
    if (this.#silentMs > heartbeatMs * HEARTBEATS_MISSED) {
      this.#lose(`nothing heard for ${Math.round(this.#silentMs)} ms`)
      return
    }
    const verdict = this.#detect(now)
    if (verdict === 'dead') this.#lose(`no answer, last heard ${Math.round(this.#progress.ackAgeMs)} ms ago`)
    else if (verdict === 'probe' || this.#heartbeatIsDue(now, heartbeatMs)) this.#heartbeat(now)
  }

  /**
   * Where nobody needs the trunk it is not probed; but what is sent over it, a heartbeat or the first frame after hours, must be
   * acknowledged, and where that does not come, probes follow.
   */
  #detect(now: number): Verdict {
    const detector = this.#detector
    if (detector === null) return 'well'
    const verdict = detector.tick(now, this.#path(now))
    return verdict === 'probe' && !this.#quick && detector.unansweredMs <= MAX_QUIET_MS ? 'well' : verdict
  }

  /** While the peer asks there is no need to: only now and then, because each side measures its own round trips. */
  #heartbeatIsDue(now: number, heartbeatMs: number): boolean {
    const spared = this.rttMs !== null && this.#silentMs < heartbeatMs
    return now - this.#heartbeatSentAtMs >= heartbeatMs * (spared ? HEARTBEATS_SPARED : 1)
  }

  /** Counts silence, but only what this process could have heard: a tick that comes late counts for two at the most. */
  #listen(now: number): void {
    const elapsedMs = now - this.#tickedAtMs
    this.#tickedAtMs = now
    const received = this.#frames?.stats.bytesReceived ?? 0
    if (received === this.#heardBytes) {
      this.#silentMs += Math.min(elapsedMs, 2 * TICK_MS)
      return
    }
    this.#heardBytes = received
    this.#heard(now)
  }

  #heard(now: number): void {
    this.#heardAtMs = now
    this.#silentMs = 0
  }

  /** The kernel knows best; a relayed connection has none at its end, and only what came over it counts. */
  #path(now: number): PathState {
    const progress = this.#progress
    if (connectionProgress(this.#init.connection, progress)) {
      return {
        heardAgeMs: progress.ackAgeMs,
        outstanding: progress.unackedSegments > 0 || progress.windowProbes >= WINDOW_PROBES_UNANSWERED,
        patienceMs: MAX_ACK_DELAY_MS + 3 * progress.leastRttMs,
      }
    }
    progress.ackAgeMs = now - this.#heardAtMs
    return {
      heardAgeMs: progress.ackAgeMs,
      // What was sent over a relay is not known to have arrived: only probes tell.
      outstanding: this.#quick,
      patienceMs: RELAYED_PATIENCE_MS + 4 * (this.rttMs ?? 300),
    }
  }

  #heartbeat(now: number): void {
    this.#heartbeatSentAtMs = now
    this.#heartbeatTimesMs[++this.#heartbeatSequence % HEARTBEATS_REMEMBERED] = now
    this.#control.send({ type: 'heartbeat', sequence: this.#heartbeatSequence })
  }

  #lose(message: string): void {
    this.#control.send({ type: 'close', code: 'timeout', message })
    this.#end({ code: 'timeout', message, remote: false }, true)
  }

  /** Ends a trunk that is of no use; the peer is not to dial it again by itself. */
  dismiss(message: string): void {
    this.close(this.has(MESH_CAPABILITY) ? 'idle' : 'stopping', message)
  }

  /** Ends the trunk from this side and tells the peer why. Idempotent. */
  close(code: CloseCode, message: string): void {
    if (this.#state === 'down') return
    this.#control.send({
      type: this.#state === 'hello' ? 'refuse' : 'close',
      code,
      message: message.slice(0, 256),
    })
    this.#end({ code, message, remote: false })
  }

  #receive(message: ControlMessage): void {
    if (this.#state === 'down') return
    this.#heard(this.#init.clock.monotonicMs())
    if (message.type === 'refuse' || message.type === 'close') {
      this.#end({ code: message.code, message: message.message, remote: true })
    } else if (this.#state === 'hello' || message.type === 'hello') {
      this.#receiveHello(message)
    } else {
      this.#receiveEstablished(message)
    }
  }

  #receiveHello(message: ControlMessage): void {
    if (message.type !== 'hello' || this.#state !== 'hello') {
      this.close('malformed', `unexpected '${message.type}' in state '${this.#state}'`)
      return
    }
    this.#theirHello = message
    const outcome = negotiate(this.#init.hello, message)
    if ('refused' in outcome) {
      this.close(outcome.refused, outcome.message)
      return
    }
    this.#agreement = outcome.agreed
    const unwanted = this.#init.events.onHello(this)
    if (unwanted !== null) {
      this.close(unwanted.code, unwanted.message)
      return
    }
    this.#state = 'opening'
    if (this.initiator) this.#openFrames()
  }

  #openFrames(): void {
    this.#init.openFrames().then(
      (stream) => this.attachFrames(stream),
      (error: unknown) =>
        this.#end({
          code: 'lost',
          message: `frames stream: ${error instanceof Error ? error.message : 'failed'}`,
          remote: false,
        }),
    )
  }

  #receiveEstablished(message: Exclude<ControlMessage, { type: 'hello' | 'refuse' | 'close' }>): void {
    switch (message.type) {
      case 'heartbeat':
        this.#control.send({ type: 'heartbeat-ack', sequence: message.sequence })
        return
      case 'heartbeat-ack':
        this.#heartbeatAnswered(message.sequence)
        return
      case 'memberships':
        if (message.sequence <= this.#membershipSequence) return
        this.#membershipSequence = message.sequence
        this.#init.events.onMemberships(this, message.memberships)
        return
      default:
        this.#init.events.onMessage(this, message)
    }
  }

  #heartbeatAnswered(sequence: number): void {
    const age = this.#heartbeatSequence - sequence
    if (sequence < 1 || age < 0 || age >= HEARTBEATS_REMEMBERED) return
    const now = this.#init.clock.monotonicMs()
    const sentAtMs = this.#heartbeatTimesMs[sequence % HEARTBEATS_REMEMBERED]!
    if (this.#roundTrip.measured(now - sentAtMs, now)) this.#init.events.onRoundTrip(this)
  }

  /** @param dead nobody is there to close the connection with: it is dropped, so that the next dial does not find it */
  #end(reason: TrunkEnd, dead = false): void {
    if (this.#state === 'down') return
    this.#state = 'down'
    this.#deadline?.cancel()
    this.#frames?.close()
    this.#init.events.onDown(this, reason)
    if (dead) this.#init.connection.abort(new Error(reason.message))
    else closeConnection(this.#init.connection, this.#init.logger)
  }
}

/** Lets what was written last (a refusal's reason) leave, then closes; aborts what does not close in time. */
function closeConnection(connection: Connection, logger: Logger): void {
  connection.close({ signal: AbortSignal.timeout(1_000) }).catch((error: unknown) => {
    logger.debug('connection did not close in time', {
      error: error instanceof Error ? error.message : 'unknown',
    })
    connection.abort(error instanceof Error ? error : new Error('close timed out'))
  })
}
