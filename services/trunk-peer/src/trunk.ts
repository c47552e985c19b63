import type { Connection, Stream } from '@libp2p/interface'
import type { Clock, Logger, NodeId, Timer } from '@wakunet/interface'
import {
  type Agreement,
  type CloseCode,
  type ControlMessage,
  ControlStream,
  connectionLocalHost,
  DATAGRAM_CAPABILITY,
  type DatagramControl,
  HELLO_TIMEOUT_MS,
  type Hello,
  MESH_CAPABILITY,
  negotiate,
  StreamPath,
  type WireMembership,
} from '@wakunet/trunk'
import type { DatagramPort } from './datagram/datagram-port.ts'
import { PeerHealth } from './peer-health.ts'
import { isRelayed } from './reach/relayed-address.ts'
import { TrunkPath, type TrunkPathStats } from './trunk-path.ts'

/** A trunk whose stream is dead lives on datagrams for so long: until a new one takes its place. */
const HOLD_MS = 10_000

export interface TrunkInit {
  readonly nodeId: NodeId
  readonly connection: Connection
  /** The control stream, just opened. */
  readonly stream: Stream
  /** True where this side dialled the connection. */
  readonly initiator: boolean
  readonly hello: Hello
  readonly queueBytes: number
  /** See `PeerHealthInit`. */
  readonly quickHeartbeatMs: number
  /** See `PeerHealthInit`. */
  readonly extraIntervals: number
  /** Null where there is no datagram path. */
  readonly datagrams: Pick<DatagramPort, 'open' | 'close'> | null
  readonly clock: Clock
  readonly logger: Logger
  readonly events: TrunkEvents
  /** Opens the frames stream; called on the initiator's side only. */
  readonly openFrames: () => Promise<Stream>
}

/** Messages that are not about the trunk itself. */
export type PeerMessage = Extract<
  ControlMessage,
  {
    type:
      | 'record-request'
      | 'record'
      | 'vlan-peers-request'
      | 'vlan-peers'
      | 'reach-request'
      | 'reach-answer'
      | 'peers-request'
      | 'peers'
  }
>

/** What a trunk tells its owner. Never called after `onDown`. */
export interface TrunkEvents {
  /** The hellos agree. The owner answers with a close code, and what the peer is told before it, if it does not want the trunk. */
  onHello(trunk: Trunk): { code: CloseCode; message: string; before?: ControlMessage | null } | null
  /** Frames can pass both ways. */
  onUp(trunk: Trunk): void
  onDown(trunk: Trunk, reason: TrunkEnd): void
  /** Its stream is dead and its datagrams are not: a new connection is wanted. */
  onStreamLost(trunk: Trunk, reason: string): void
  onMemberships(trunk: Trunk, memberships: readonly WireMembership[]): void
  /** `heldRttMs` is another one. */
  onRoundTrip(trunk: Trunk): void
  onMessage(trunk: Trunk, message: PeerMessage): void
  /** Bytes are valid, and writable, only during the call. */
  /** @param freeBytes before the record in its buffer, which may be written to as well */
  onRecord(trunk: Trunk, record: Uint8Array, freeBytes: number): void
}

export interface TrunkEnd {
  readonly code: CloseCode | 'lost'
  readonly message: string
  /** True where the peer ended it. */
  readonly remote: boolean
}

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
  readonly #path: TrunkPath
  #agreement: Agreement | null = null
  #theirHello: Hello | null = null
  #membershipSequence = -1
  #upAtMs = 0
  /** Null before the hellos agree. */
  #health: PeerHealth | null = null
  /** Set while the trunk lives on datagrams alone. */
  #held: { reason: string; untilMs: number } | null = null

  constructor(init: TrunkInit) {
    this.#init = init
    this.nodeId = init.nodeId
    this.peerId = init.connection.remotePeer.toString()
    this.address = init.connection.remoteAddr.toString()
    this.initiator = init.initiator
    this.startedAtMs = init.clock.wallMs()
    this.#path = new TrunkPath({
      clock: init.clock,
      closeDatagram: (path) => init.datagrams?.close(path),
    })
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
      onClose: (error) => this.#closed(error?.message ?? 'connection lost'),
    })
    this.#control.send(init.hello)
  }

  /** Monotonic time at which it came up; 0 before. */
  get upAtMs(): number {
    return this.#upAtMs
  }

  /** True where the connection goes over a relay. */
  get relayed(): boolean {
    return isRelayed(this.address)
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
    return this.#health?.roundTrip.rttMs ?? null
  }

  /** The same, held still within a class of path costs. */
  get heldRttMs(): number | null {
    return this.#health?.roundTrip.heldMs ?? null
  }

  get stats(): TrunkPathStats | null {
    return this.#path.stats
  }

  /** Which ways its records have. */
  get path(): TrunkPath {
    return this.#path
  }

  /** True while it lives on datagrams alone. */
  get streamLost(): boolean {
    return this.#held !== null
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
    const frames = new StreamPath({
      stream,
      maxRecordBytes: this.#agreement.maxRecordBytes,
      queueBytes: this.#init.queueBytes,
      onRecord: (record) => this.#init.events.onRecord(this, record, 0),
      onMalformed: (error) =>
        this.close('malformed', error instanceof Error ? error.message : 'malformed record'),
    })
    this.#path.attachStream(frames)
    stream.addEventListener('close', () => this.#closed('frames stream closed'))
    this.#deadline?.cancel()
    this.#deadline = null
    this.#state = 'up'
    this.#upAtMs = this.#init.clock.monotonicMs()
    this.#init.events.onUp(this)
  }

  /** Sends a record, or queues it; dropped silently where the trunk is not up (its owner counts). */
  sendRecord(record: Uint8Array): boolean {
    if (this.#state !== 'up') return false
    this.#path.send(record)
    return true
  }

  sendControl(message: ControlMessage): boolean {
    return this.#state === 'up' && this.#control.send(message)
  }

  /** Whether the peer is there; null before the hellos agree. */
  get health(): PeerHealth | null {
    return this.#health
  }

  /** Sends a heartbeat when one is due, and ends the trunk when the peer is gone. Called every `TICK_MS` by the owner. */
  tick(): void {
    if (this.#state !== 'up') return
    const path = this.#path
    const now = this.#init.clock.monotonicMs()
    path.tick()
    if (this.#held !== null) {
      this.#tickHeld(this.#held, now)
      return
    }
    const health = this.#health!
    health.relaxed = path.isSure
    const loss = health.tick(now, path.streamBytes, path.datagrams)
    if (loss !== null) this.#giveUp(loss, now)
  }

  /** The host that its connection comes from on this side; null over a relay, where the one to the relay counts. */
  get localHost(): string | null {
    return connectionLocalHost(this.#init.connection)
  }

  /** The address that its connection comes from is gone, or the network has changed: it is given up, or looked at. */
  networkChanged(gone: ReadonlySet<string>): void {
    if (this.#state !== 'up' || this.#held !== null) return
    const now = this.#init.clock.monotonicMs()
    const host = this.localHost
    if (host === null || !gone.has(host)) this.#health?.suspect(now)
    else this.#giveUp(`this host has no longer the address ${host}`, now)
  }

  #giveUp(reason: string, now: number): void {
    if (this.#path.isAlive) this.#hold(reason, now)
    else this.#lose(reason)
  }

  /** The stream is dead and datagrams get through: they do until a new trunk takes the place of this one. */
  #hold(reason: string, now: number): void {
    this.#held = { reason, untilMs: now + HOLD_MS }
    this.#init.connection.abort(new Error(reason))
    this.#init.events.onStreamLost(this, reason)
  }

  #tickHeld({ reason, untilMs }: { reason: string; untilMs: number }, now: number): void {
    if (now < untilMs && this.#path.usesDatagrams) return
    this.#end({ code: 'timeout', message: reason, remote: false }, true)
  }

  #closed(message: string): void {
    if (this.#held === null) this.#end({ code: 'lost', message, remote: true })
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
    this.#health?.heard(this.#init.clock.monotonicMs())
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
    const { connection, clock, quickHeartbeatMs, extraIntervals } = this.#init
    this.#health = new PeerHealth({
      connection,
      heartbeatMs: outcome.agreed.heartbeatMs,
      quickHeartbeatMs,
      extraIntervals,
      nowMs: clock.monotonicMs(),
      sendHeartbeat: (sequence) => this.#control.send({ type: 'heartbeat', sequence }),
    })
    const unwanted = this.#init.events.onHello(this)
    if (unwanted !== null) {
      if (unwanted.before != null) this.#control.send(unwanted.before)
      this.close(unwanted.code, unwanted.message)
      return
    }
    this.#state = 'opening'
    if (this.initiator) this.#openFrames()
    if (this.has(DATAGRAM_CAPABILITY)) this.#openDatagrams(message)
  }

  #openDatagrams(theirHello: Hello): void {
    const { datagrams, nodeId, connection, initiator, hello, events } = this.#init
    const datagram = datagrams?.open({
      peer: nodeId,
      connection,
      initiator,
      ourHello: hello,
      theirHello,
      maxRecordBytes: this.#agreement!.maxRecordBytes,
      send: (message) => this.#control.send(message),
      onRecord: (record, freeBytes) => events.onRecord(this, record, freeBytes),
      onUsable: (usable) => this.#init.logger.info('datagram path', { peer: this.peerId, usable }),
      onRoundTrip: (ms) => {
        if (this.#health?.roundTrip.measured(ms, this.#init.clock.monotonicMs()) === true)
          events.onRoundTrip(this)
      },
    })
    this.#path.attachDatagram(datagram ?? null)
  }

  #receiveDatagramControl(message: DatagramControl): void {
    const { datagram } = this.#path
    try {
      if (datagram === null) throw new Error(`'${message.type}' without the capability`)
      datagram.receive(message)
    } catch (error) {
      this.close('malformed', error instanceof Error ? error.message : 'malformed')
    }
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
        if (this.#health?.answered(message.sequence, this.#init.clock.monotonicMs()) === true)
          this.#init.events.onRoundTrip(this)
        return
      case 'memberships':
        if (message.sequence <= this.#membershipSequence) return
        this.#membershipSequence = message.sequence
        this.#init.events.onMemberships(this, message.memberships)
        return
      case 'datagram-offer':
      case 'datagram-answer':
      case 'datagram-confirm':
      case 'datagram-refuse':
      case 'datagram-candidates':
        this.#receiveDatagramControl(message)
        return
      default:
        this.#init.events.onMessage(this, message)
    }
  }

  /** @param dead nobody is there to close the connection with: it is dropped, so that the next dial does not find it */
  #end(reason: TrunkEnd, dead = false): void {
    if (this.#state === 'down') return
    this.#state = 'down'
    this.#deadline?.cancel()
    this.#path.close()
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
