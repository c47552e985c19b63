import type { Stream } from '@libp2p/interface'
import { type Block, BlockPool } from './block-pool.ts'
import { LENGTH_PREFIX_BYTES } from './protocol.ts'
import { RecordQueue } from './record-queue.ts'
import { type StreamData, UnitReader, writeLength } from './unit-reader.ts'
import { widenWindow } from './yamux.ts'

export interface StreamPathInit {
  /** A libp2p stream of `FRAMES_PROTOCOL`. */
  readonly stream: Stream
  /** What both hellos allow. */
  readonly maxRecordBytes: number
  readonly queueBytes: number
  /** Called with each record; its bytes are valid, and writable, only during the call. */
  readonly onRecord: (record: Uint8Array) => void
  /** Called once when the peer's bytes make no sense; the caller closes the trunk. */
  readonly onMalformed: (error: unknown) => void
}

/** Monotonic counters of one stream path, and the fill of its queue. */
export interface StreamPathStats {
  recordsSent: number
  bytesSent: number
  recordsReceived: number
  bytesReceived: number
  recordsDropped: number
  queuedBytes: number
}

/**
 * The stream path of a trunk: records over one libp2p stream (`docs/protocols/trunk.md`). Sending never waits
 * and never throws; what the stream does not take stays in a bounded queue.
 */
export class StreamPath {
  readonly #stream: Stream
  readonly #maxRecordBytes: number
  readonly #queue: RecordQueue
  readonly #pool = new BlockPool()
  /** Handed to the stream, which may still read them. */
  readonly #lent: Block[] = []
  readonly #counters = {
    recordsSent: 0,
    bytesSent: 0,
    recordsReceived: 0,
    bytesReceived: 0,
    recordsTooLarge: 0,
  }
  #open = true

  constructor(init: StreamPathInit) {
    this.#stream = init.stream
    this.#maxRecordBytes = init.maxRecordBytes
    this.#queue = new RecordQueue(init.queueBytes)
    widenWindow(init.stream)
    const reader = new UnitReader(init.maxRecordBytes, (record) => {
      this.#counters.recordsReceived++
      init.onRecord(record)
    })
    init.stream.addEventListener('message', ({ data }) => {
      if (!this.#open) return
      this.#counters.bytesReceived += data.byteLength
      try {
        reader.push(data as StreamData)
      } catch (error) {
        this.close()
        init.onMalformed(error)
      }
    })
    init.stream.addEventListener('drain', () => this.#flush())
    init.stream.addEventListener('close', () => this.close())
  }

  get stats(): StreamPathStats {
    const { recordsTooLarge, ...counters } = this.#counters
    return {
      ...counters,
      recordsDropped: recordsTooLarge + this.#queue.dropped,
      queuedBytes: this.#queue.bytes,
    }
  }

  /** Bytes that wait for the stream. */
  get queuedBytes(): number {
    return this.#queue.bytes
  }

  /** Sends one record, or queues it; `record` may be reused as soon as the call returns. */
  send(record: Uint8Array): void {
    if (!this.#open) return
    if (record.length > this.#maxRecordBytes) {
      this.#counters.recordsTooLarge++
      return
    }
    const unit = this.#pool.allocate(LENGTH_PREFIX_BYTES + record.length)
    writeLength(unit.bytes, 0, record.length)
    unit.bytes.set(record, LENGTH_PREFIX_BYTES)
    this.#queue.push(unit)
    this.#flush()
  }

  /** Forgets what waits and takes nothing more; closing the libp2p stream is the owner's part. */
  close(): void {
    this.#open = false
    this.#queue.clear()
  }

  #flush(): void {
    while (this.#open && !this.#stream.writableNeedsDrain) {
      const unit = this.#queue.shift()
      if (unit === undefined) return
      this.#counters.recordsSent++
      this.#counters.bytesSent += unit.bytes.length
      this.#lent.push(unit)
      try {
        if (this.#stream.send(unit.bytes)) this.#releaseLent()
      } catch {
        // The stream closed under us; its close event ends the trunk.
        this.close()
      }
    }
  }

  /**
   * The stream takes more: so Yamux has no byte of ours left, and Noise, which copies as it encrypts, neither.
   * While it says no, what it has stays as it is.
   */
  #releaseLent(): void {
    for (const block of this.#lent) block.release()
    this.#lent.length = 0
  }
}
