import type { Clock } from '@wakunet/interface'
import { isSealedRecord } from '@wakunet/record'
import type { DatagramPath, StreamPath, StreamPathStats } from '@wakunet/trunk'

/** A datagram path is sure that the peer is there while it proved so within this time. */
const SURE_MS = 300
const ALIVE_MS = 600
/** After the peer has moved its stream may be dead: it is looked at for so long. */
const MOVED_FOR_MS = 3_000
/** Records go on over the stream for so long after a datagram path is there, unless nothing waits for it any more. */
const DRAIN_MS = 1_000

export interface TrunkPathInit {
  readonly clock: Clock
  /** Closes what `datagram` is. */
  readonly closeDatagram: (path: DatagramPath) => void
}

/** What a trunk carries, whichever way. */
export interface TrunkPathStats extends StreamPathStats {
  /** Of `recordsSent` and `recordsReceived`: those by datagram. */
  datagramRecordsSent: number
  datagramRecordsReceived: number
}

/** Both ways of a trunk between the same two nodes: the stream that is always there, and datagrams while they get through. */
export class TrunkPath {
  readonly #init: TrunkPathInit
  #stream: StreamPath | null = null
  #datagram: DatagramPath | null = null
  /** Since when records could go by datagram and still take the stream; null where that is not so. */
  #drainingSinceMs: number | null = null
  #viaDatagram = false
  #moves = 0
  #movedAtMs = Number.NEGATIVE_INFINITY

  constructor(init: TrunkPathInit) {
    this.#init = init
  }

  get datagram(): DatagramPath | null {
    return this.#datagram
  }

  /** True where the next record goes by datagram. */
  get usesDatagrams(): boolean {
    return this.#viaDatagram && this.#datagram?.usable === true
  }

  /** True while datagrams prove that the peer is there, and where it was. */
  get isSure(): boolean {
    const movedAgoMs = this.#init.clock.monotonicMs() - this.#movedAtMs
    return this.#isConfirmedWithin(SURE_MS) && movedAgoMs >= MOVED_FOR_MS
  }

  /** True where records get through by datagram, as far as can be known. */
  get isAlive(): boolean {
    return this.#isConfirmedWithin(ALIVE_MS)
  }

  /** Null before the stream is there. */
  get stats(): TrunkPathStats | null {
    const stream = this.#stream?.stats
    if (stream === undefined) return null
    const datagram = this.#datagram?.stats
    if (datagram === undefined) return { ...stream, datagramRecordsSent: 0, datagramRecordsReceived: 0 }
    return {
      recordsSent: stream.recordsSent + datagram.recordsSent,
      bytesSent: stream.bytesSent + datagram.bytesSent,
      recordsReceived: stream.recordsReceived + datagram.recordsReceived,
      bytesReceived: stream.bytesReceived + datagram.bytesReceived,
      recordsDropped: stream.recordsDropped + datagram.recordsDropped,
      queuedBytes: stream.queuedBytes,
      datagramRecordsSent: datagram.recordsSent,
      datagramRecordsReceived: datagram.recordsReceived,
    }
  }

  /** Bytes that have come on the stream. */
  get streamBytes(): number {
    return this.#stream?.stats.bytesReceived ?? 0
  }

  /** Authentic datagrams that have come. */
  get datagrams(): number {
    return this.#datagram?.stats.datagramsReceived ?? 0
  }

  attachStream(stream: StreamPath): void {
    this.#stream = stream
  }

  attachDatagram(datagram: DatagramPath | null): void {
    this.#datagram = datagram
  }

  /**
   * Sends one record. From the stream to datagrams they change when nothing waits for the stream, so that those of one flow keep their
   * order as far as may be; back at once, for what was sent by a dead path arrives no more. Sealed ones cannot be cut for datagrams, so all of
   * them take the stream.
   */
  send(record: Uint8Array): void {
    const datagram = this.#datagram
    if (isSealedRecord(record)) {
      this.#stream?.send(record)
      return
    }
    if (datagram?.usable === true && (this.#viaDatagram || this.#mayChange())) {
      this.#viaDatagram = true
      if (datagram.sendRecord(record)) return
    } else if (datagram?.usable !== true) {
      this.#viaDatagram = false
      this.#drainingSinceMs = null
    }
    this.#stream?.send(record)
  }

  tick(): void {
    const datagram = this.#datagram
    if (datagram === null) return
    datagram.tick()
    if (datagram.moves === this.#moves) return
    this.#moves = datagram.moves
    this.#movedAtMs = this.#init.clock.monotonicMs()
  }

  close(): void {
    this.#stream?.close()
    if (this.#datagram !== null) this.#init.closeDatagram(this.#datagram)
  }

  #isConfirmedWithin(ms: number): boolean {
    return this.usesDatagrams && this.#datagram!.unconfirmedMs < ms + 2 * (this.#datagram!.rttMs ?? 0)
  }

  #mayChange(): boolean {
    const now = this.#init.clock.monotonicMs()
    this.#drainingSinceMs ??= now
    return this.#stream?.queuedBytes === 0 || now - this.#drainingSinceMs >= DRAIN_MS
  }
}
