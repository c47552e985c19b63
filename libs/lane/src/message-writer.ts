import { MAX_LANE_MESSAGE_BYTES, MAX_LANE_QUEUE_BYTES } from '@wakunet/interface'
import type { UnixStream } from '@wakunet/netio'
import type { LaneCounters } from './counters.ts'
import { LENGTH_BYTES, MessageRing, readLength, writeLength } from './message-ring.ts'

/** Messages up to this size are put together and leave in one system call when the turn is over. */
const MAX_STAGED_MESSAGE_BYTES = 4 * 1024
const STAGE_BYTES = 64 * 1024
/** Most parts of a message that are written as they lie; `writev` takes 512 in all. */
const MAX_GATHERED_PARTS = 500

/**
 * Writes messages to a stream. While the socket takes them a large message goes straight from the caller's
 * parts into the kernel, and small ones are gathered. When the socket is full, whole messages wait in a ring
 * that drops its oldest; what was begun is kept apart and always finished.
 */
export class MessageWriter {
  readonly #stream: UnixStream
  readonly #counters: LaneCounters
  readonly #ring = new MessageRing(MAX_LANE_QUEUE_BYTES)
  readonly #stage = new Uint8Array(STAGE_BYTES)
  #staged = 0
  #flushScheduled = false
  readonly #length = new Uint8Array(LENGTH_BYTES)
  /** Reused list of what one system call writes. */
  readonly #gather: Uint8Array[] = []
  /** What the kernel did not take of the write that filled the socket: at most a stage and a message. */
  #rest: Uint8Array | null = null
  #restStart = 0
  #restEnd = 0
  #blocked = false

  constructor(stream: UnixStream, counters: LaneCounters) {
    this.#stream = stream
    this.#counters = counters
    stream.onWritable = () => this.#resume()
  }

  get queuedBytes(): number {
    return this.#ring.usedBytes + (this.#restEnd - this.#restStart)
  }

  /** @param bytes total of the parts */
  send(parts: readonly Uint8Array[], bytes: number): void {
    if (this.#blocked) {
      this.#counters.messagesDropped += this.#ring.push(parts, bytes)
      return
    }
    this.#counters.messagesSent++
    this.#counters.bytesSent += bytes
    if (bytes <= MAX_STAGED_MESSAGE_BYTES) this.#addToStage(parts, bytes)
    else this.#writeNow(parts, bytes)
  }

  /** Forgets what waits; whole messages count as dropped. */
  discard(): void {
    this.#counters.messagesDropped += this.#ring.count
    this.#ring.clear()
    this.#staged = 0
    this.#restStart = 0
    this.#restEnd = 0
    this.#blocked = true
  }

  #addToStage(parts: readonly Uint8Array[], bytes: number): void {
    let at = writeLength(this.#stage, this.#staged, bytes)
    for (let i = 0; i < parts.length; i++) {
      this.#stage.set(parts[i]!, at)
      at += parts[i]!.length
    }
    this.#staged = at
    // Room for one more is kept, so that nothing has to be asked before it is copied.
    if (STAGE_BYTES - at < LENGTH_BYTES + MAX_STAGED_MESSAGE_BYTES) this.#flushStage()
    else if (!this.#flushScheduled) {
      this.#flushScheduled = true
      queueMicrotask(() => {
        this.#flushScheduled = false
        this.#flushStage()
      })
    }
  }

  #flushStage(): void {
    if (this.#staged === 0) return
    this.#gather.push(this.#stage.subarray(0, this.#staged))
    this.#writeGathered(this.#staged)
  }

  #writeNow(parts: readonly Uint8Array[], bytes: number): void {
    if (this.#staged > 0) this.#gather.push(this.#stage.subarray(0, this.#staged))
    writeLength(this.#length, 0, bytes)
    this.#gather.push(this.#length)
    if (parts.length <= MAX_GATHERED_PARTS) {
      for (let i = 0; i < parts.length; i++) this.#gather.push(parts[i]!)
    } else this.#gather.push(Buffer.concat(parts, bytes))
    this.#writeGathered(this.#staged + LENGTH_BYTES + bytes)
  }

  #writeGathered(total: number): void {
    this.#staged = 0
    const taken = this.#stream.writev(this.#gather)
    if (taken < total) this.#keepRest(this.#gather, taken)
    this.#gather.length = 0
  }

  /** Copies all but the first `skip` bytes: the kernel has begun with it, so it must follow. */
  #keepRest(parts: readonly Uint8Array[], skip: number): void {
    this.#rest ??= new Uint8Array(STAGE_BYTES + LENGTH_BYTES + MAX_LANE_MESSAGE_BYTES)
    let left = skip
    let at = 0
    for (const part of parts) {
      const from = Math.min(left, part.length)
      left -= from
      this.#rest.set(from === 0 ? part : part.subarray(from), at)
      at += part.length - from
    }
    this.#restStart = 0
    this.#restEnd = at
    this.#blocked = true
  }

  /** The socket takes bytes again: first what was begun, then what waits. */
  #resume(): void {
    if (!this.#writeRest()) return
    while (this.#ring.count > 0) {
      const run = this.#ring.peekRun()!
      const taken = this.#stream.writev([run])
      this.#takeFromRing(run, taken)
      if (taken < run.length) return
    }
    this.#blocked = false
  }

  /** @returns whether nothing is left of it */
  #writeRest(): boolean {
    if (this.#rest === null || this.#restStart === this.#restEnd) return true
    this.#restStart += this.#stream.writev([this.#rest.subarray(this.#restStart, this.#restEnd)])
    return this.#restStart === this.#restEnd
  }

  /** Removes what the kernel took; a message that it took in part is finished from the rest. */
  #takeFromRing(run: Uint8Array, taken: number): void {
    let at = 0
    while (at < taken) {
      const end = at + LENGTH_BYTES + readLength(run, at)
      this.#counters.messagesSent++
      this.#counters.bytesSent += end - at - LENGTH_BYTES
      if (end > taken) this.#keepRest([run.subarray(taken, end)], 0)
      this.#ring.shift()
      at = end
    }
  }
}
