import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { type Clock, type Logger, type NodeId, type Timer, WakunetError } from '@wakunet/interface'
import {
  type ControlMessage,
  FRAMES_PROTOCOL,
  type Hello,
  TRUNK_PROTOCOL,
  type WireMembership,
} from '@wakunet/trunk'
import type { DatagramPort } from './datagram/datagram-port.ts'
import { nodeIdOfPeer } from './node-key.ts'
import type { KnownPeer, PeerBook } from './peer-book.ts'
import { TICK_MS } from './peer-health.ts'
import { isRelayed } from './reach/relayed-address.ts'
import { type PeerMessage, Trunk, type TrunkEnd, type TrunkEvents } from './trunk.ts'
import { TrunkTable } from './trunk-table.ts'

const OPEN_TIMEOUT_MS = 5_000
/** A peer whose trunk was ended because its place was needed is not dialled for so long. */
const PRUNED_REST_MS = 300_000
/** Connections whose trunk has not finished its hello. */
const MAX_PENDING = 64
/** A relayed trunk stays open for so long beside the direct one: what is on its way over it arrives. */
const LINGER_MS = 1_000

export interface TrunksInit {
  readonly self: NodeId
  readonly host: Libp2p
  readonly book: PeerBook
  readonly clock: Clock
  readonly logger: Logger
  readonly connectionLimit: number
  readonly queueBytes: number
  readonly quickHeartbeatMs: number
  readonly datagrams: DatagramPort
  readonly hello: () => Hello
  readonly onUp: (trunk: Trunk) => void
  readonly onDown: (trunk: Trunk, reason: TrunkEnd) => void
  readonly onMemberships: (trunk: Trunk, memberships: readonly WireMembership[]) => void
  readonly onRoundTrip: (trunk: Trunk) => void
  readonly onMessage: (trunk: Trunk, message: PeerMessage) => void
  readonly onRecord: TrunkEvents['onRecord']
  /** The trunk that makes room for a peer whose hello has come; null where none may. */
  readonly toPrune: (newcomer: Trunk | null) => Trunk | null
  /** A peer is refused because all places are taken: what it is told before. */
  readonly onFull: (trunk: Trunk) => ControlMessage | null
}

/** Monotonic counters over all trunks, and what ended trunks had counted. */
export interface TrunksStats {
  trunksOpened: number
  trunksRefused: number
  trunksLost: number
  trunksPruned: number
  protocolViolations: number
  recordsSent: number
  recordsReceived: number
  recordsDropped: number
  bytesSent: number
  bytesReceived: number
  /** Of the records: those by datagram. */
  datagramRecordsSent: number
  datagramRecordsReceived: number
  /** Answers to probes that came after their time; the trunk became more patient. */
  lateAnswers: number
}

/** Opens, accepts, keeps and ends the trunks of this node. */
export class Trunks {
  readonly #init: TrunksInit
  readonly #table: TrunkTable
  /** Trunks between their first byte and `up`. */
  readonly #pending = new Set<Trunk>()
  /** Relayed trunks whose place a direct one has taken; bounded by the trunks. */
  readonly #lingering = new Set<Trunk>()
  /** Connections on which a control stream is being opened; bounded by the dials at a time. */
  readonly #opening = new Set<string>()
  readonly #ended: TrunksStats = {
    trunksOpened: 0,
    trunksRefused: 0,
    trunksLost: 0,
    trunksPruned: 0,
    protocolViolations: 0,
    recordsSent: 0,
    recordsReceived: 0,
    recordsDropped: 0,
    bytesSent: 0,
    bytesReceived: 0,
    datagramRecordsSent: 0,
    datagramRecordsReceived: 0,
    lateAnswers: 0,
  }
  #timer: Timer | null = null

  constructor(init: TrunksInit) {
    this.#init = init
    this.#table = new TrunkTable(init.self, init.connectionLimit)
  }

  get full(): boolean {
    return this.#table.size >= this.#init.connectionLimit
  }

  /** Trunks, those included that are still coming up. */
  get size(): number {
    return this.#table.size
  }

  /** Ends trunks until there are no more than `count`, as far as any may end. */
  prune(count: number): void {
    while (this.#table.size > count) if (!this.#end(null)) return
  }

  get(nodeId: NodeId): Trunk | undefined {
    const trunk = this.#table.get(nodeId)
    return trunk?.up === true ? trunk : undefined
  }

  /** Trunks over which frames can pass. */
  *up(): Generator<Trunk> {
    for (const trunk of this.#table.all()) if (trunk.up) yield trunk
  }

  get stats(): TrunksStats {
    const total = { ...this.#ended }
    for (const trunk of this.#table.all()) addStats(total, trunk)
    return total
  }

  /** This host has changed its network. @param gone IP addresses that it has no more */
  networkChanged(gone: readonly string[]): void {
    const hosts = new Set(gone)
    for (const trunk of [...this.#table.all()]) trunk.networkChanged(hosts)
  }

  start(): void {
    this.#timer ??= this.#init.clock.setInterval(() => {
      for (const trunk of [...this.#table.all()]) trunk.tick()
    }, TICK_MS)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
    for (const trunk of [...this.#pending, ...this.#lingering, ...this.#table.all()])
      trunk.close('stopping', 'the node is stopping')
  }

  /** A connection stands. The side that dialled it opens the trunk; the other waits for it. */
  connected(connection: Connection, peer: KnownPeer): void {
    const { book, clock } = this.#init
    const nodeId = this.#nodeIdOf(connection)
    if (nodeId === null) {
      book.failed(peer, 'its key is not Ed25519', clock.monotonicMs(), true)
      return
    }
    const existing = this.#table.get(nodeId)
    const isGood = existing?.up === true && !existing.streamLost
    if (isGood && (!existing.relayed || isRelayed(connection.remoteAddr.toString()))) {
      book.connected(peer, clock.monotonicMs())
      return
    }
    // Two ways to know one peer (a configured address, mDNS) can lead to one connection: its trunk is under way.
    if (this.isInUse(connection)) return
    if (connection.direction !== 'outbound') {
      book.failed(peer, 'waiting for the peer to open the trunk', clock.monotonicMs())
      return
    }
    this.#opening.add(connection.id)
    connection
      .newStream(TRUNK_PROTOCOL, streamOptions())
      .finally(() => this.#opening.delete(connection.id))
      .then(
        (stream) => this.#begin(nodeId, connection, stream, true),
        (error: unknown) => {
          book.failed(
            peer,
            `no trunk protocol: ${error instanceof Error ? error.message : 'failed'}`,
            clock.monotonicMs(),
          )
          connection.abort(new Error('no trunk protocol'))
        },
      )
  }

  /** A peer opened a control stream. */
  acceptControl(stream: Stream, connection: Connection): void {
    const nodeId = this.#nodeIdOf(connection)
    if (this.isInUse(connection)) {
      this.#ended.protocolViolations++
      stream.abort(new Error('this connection has a trunk already'))
      return
    }
    if (nodeId === null || this.#pending.size >= MAX_PENDING) {
      this.#ended.trunksRefused++
      connection.abort(new Error('refused'))
      return
    }
    this.#init.book.learn(connection.remotePeer.toString(), null, 'inbound', this.#init.clock.monotonicMs())
    this.#begin(nodeId, connection, stream, false)
  }

  /** A peer opened a frames stream: it belongs to the trunk on the same connection. */
  acceptFrames(stream: Stream, connection: Connection): void {
    for (const trunk of this.#pending) {
      if (!trunk.runsOver(connection) || trunk.initiator) continue
      trunk.attachFrames(stream)
      return
    }
    this.#ended.protocolViolations++
    stream.abort(new Error('no trunk on this connection'))
  }

  /** True where a trunk runs, or begins, over the connection: it can carry one. */
  isInUse(connection: Connection): boolean {
    if (this.#opening.has(connection.id)) return true
    for (const trunk of this.#pending) if (trunk.runsOver(connection)) return true
    for (const trunk of this.#lingering) if (trunk.runsOver(connection)) return true
    for (const trunk of this.#table.all()) if (trunk.runsOver(connection)) return true
    return false
  }

  #makeRoom(newcomer: Trunk): void {
    this.#end(newcomer)
  }

  #end(newcomer: Trunk | null): boolean {
    const victim = this.#init.toPrune(newcomer)
    if (victim === null) return false
    this.#ended.trunksPruned++
    victim.close('limit', 'its place is needed')
    return true
  }

  #begin(nodeId: NodeId, connection: Connection, stream: Stream, initiator: boolean): void {
    const { book, clock, logger, hello, queueBytes, quickHeartbeatMs, datagrams } = this.#init
    const trunk = new Trunk({
      nodeId,
      connection,
      stream,
      initiator,
      hello: hello(),
      queueBytes,
      quickHeartbeatMs,
      extraIntervals: book.extraIntervals(book.get(connection.remotePeer.toString()), clock.monotonicMs()),
      datagrams,
      clock,
      logger,
      events: this.#events,
      openFrames: () => connection.newStream(FRAMES_PROTOCOL, streamOptions()),
    })
    this.#pending.add(trunk)
  }

  readonly #events: TrunkEvents = {
    onHello: (trunk) => {
      const admission = this.#table.admit(trunk, () => this.#makeRoom(trunk))
      admission.replaces?.close(admission.replaceCode, 'a newer trunk takes its place')
      const { refusal } = admission
      if (refusal === null) return null
      return { ...refusal, before: refusal.code === 'limit' ? this.#init.onFull(trunk) : null }
    },
    onUp: (trunk) => {
      this.#pending.delete(trunk)
      this.#retire(this.#table.promote(trunk))
      this.#ended.trunksOpened++
      const peer = this.#init.book.get(trunk.peerId)
      if (peer !== undefined) this.#init.book.connected(peer, this.#init.clock.monotonicMs())
      this.#init.logger.info('trunk up', { peer: trunk.peerId, address: trunk.address })
      this.#init.onUp(trunk)
    },
    onDown: (trunk, reason) => this.#down(trunk, reason),
    onStreamLost: (trunk, reason) => this.#streamLost(trunk, reason),
    onMemberships: (trunk, memberships) => this.#init.onMemberships(trunk, memberships),
    onRoundTrip: (trunk) => this.#init.onRoundTrip(trunk),
    onMessage: (trunk, message) => this.#init.onMessage(trunk, message),
    onRecord: (trunk, record, freeBytes) => this.#init.onRecord(trunk, record, freeBytes),
  }

  /** A direct trunk has taken its place. */
  #retire(relayed: Trunk | null): void {
    if (relayed === null) return
    this.#lingering.add(relayed)
    this.#init.clock.setTimeout(
      () => relayed.close('duplicate', 'a direct trunk has taken its place'),
      LINGER_MS,
    )
  }

  /** Frames go on by datagram; a new connection is dialled as if the trunk had ended. */
  #streamLost(trunk: Trunk, reason: string): void {
    const { book, clock, logger } = this.#init
    logger.info('stream lost, datagrams go on', { peer: trunk.peerId, reason })
    const peer = book.get(trunk.peerId)
    if (peer === undefined) return
    book.fellSilent(peer, clock.monotonicMs())
    book.failed(peer, reason, clock.monotonicMs())
  }

  #down(trunk: Trunk, reason: TrunkEnd): void {
    const { book, clock, logger } = this.#init
    this.#pending.delete(trunk)
    this.#lingering.delete(trunk)
    const current = this.#table.remove(trunk)
    addStats(this.#ended, trunk)
    if (reason.code === 'malformed' || reason.code === 'flood') this.#ended.protocolViolations++
    if (reason.code === 'lost' || reason.code === 'timeout') this.#ended.trunksLost++
    else this.#ended.trunksRefused++
    logger.info('trunk down', {
      peer: trunk.peerId,
      code: reason.code,
      reason: reason.message,
      remote: reason.remote,
    })
    this.#init.onDown(trunk, reason)
    const peer = book.get(trunk.peerId)
    if (peer !== undefined && reason.code === 'timeout' && !reason.remote)
      book.fellSilent(peer, clock.monotonicMs())
    if (peer === undefined || this.#table.get(trunk.nodeId) !== undefined) return
    if (!current && reason.code === 'duplicate') return
    if (reason.code === 'idle' && !peer.sources.has('bootstrap')) {
      book.rest(peer, reason.message)
      return
    }
    if (reason.code === 'limit' && !reason.remote) {
      book.rest(peer, reason.message, clock.monotonicMs() + PRUNED_REST_MS)
      return
    }
    const refused =
      reason.remote && (reason.code === 'version' || reason.code === 'role' || reason.code === 'limit')
    book.failed(peer, `${reason.code}: ${reason.message}`, clock.monotonicMs(), refused)
  }

  #nodeIdOf(connection: Connection): NodeId | null {
    try {
      return nodeIdOfPeer(connection.remotePeer)
    } catch (error) {
      if (!(error instanceof WakunetError)) throw error
      this.#init.logger.warn(error.message)
      connection.abort(error)
      return null
    }
  }
}

/** Relayed connections have limits, and trunks are what they are for. */
function streamOptions() {
  return { signal: AbortSignal.timeout(OPEN_TIMEOUT_MS), runOnLimitedConnection: true }
}

function addStats(total: TrunksStats, trunk: Trunk): void {
  total.lateAnswers += trunk.health?.lateAnswers ?? 0
  const stats = trunk.stats
  if (stats === null) return
  total.recordsSent += stats.recordsSent
  total.recordsReceived += stats.recordsReceived
  total.recordsDropped += stats.recordsDropped
  total.bytesSent += stats.bytesSent
  total.bytesReceived += stats.bytesReceived
  total.datagramRecordsSent += stats.datagramRecordsSent
  total.datagramRecordsReceived += stats.datagramRecordsReceived
}
