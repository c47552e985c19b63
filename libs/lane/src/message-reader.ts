import { MAX_LANE_MESSAGE_BYTES } from '@wakunet/interface'
import type { UnixStream } from '@wakunet/netio'
import { LENGTH_BYTES, readLength } from './message-ring.ts'

/** At least one message of the largest size; small enough to stay in a processor's cache. */
const BUFFER_BYTES = 2 * (MAX_LANE_MESSAGE_BYTES + LENGTH_BYTES)

export interface MessageReaderHandlers {
  /** The bytes are valid and writable during the call. */
  onMessage(message: Uint8Array): void
  /** A length over the limit: the stream cannot be followed any further. Nothing comes after it. */
  onInvalid(): void
}

/** Reads messages from a stream into one reused buffer and hands them out as views of it. */
export class MessageReader {
  readonly #stream: UnixStream
  readonly #handlers: MessageReaderHandlers
  readonly #buffer = new Uint8Array(BUFFER_BYTES)
  #filled = 0
  /** Changes when the first message has said who the other side is. */
  maxMessageBytes: number

  constructor(stream: UnixStream, handlers: MessageReaderHandlers, maxMessageBytes: number) {
    this.#stream = stream
    this.#handlers = handlers
    this.maxMessageBytes = maxMessageBytes
    stream.onReadable = () => this.#read()
  }

  #read(): void {
    const got = this.#stream.read(this.#buffer, this.#filled)
    if (got === 0) return
    const end = this.#filled + got
    const start = this.#handOut(end)
    // The begun message moves to the front, so that there is always room for the rest of it.
    if (start > 0 && start < end) this.#buffer.copyWithin(0, start, end)
    this.#filled = end - start
  }

  /** @returns where the first message begins that is not whole yet */
  #handOut(end: number): number {
    let at = 0
    while (end - at >= LENGTH_BYTES && !this.#stream.closed) {
      const length = readLength(this.#buffer, at)
      if (length > this.maxMessageBytes) {
        this.#handlers.onInvalid()
        return end
      }
      const next = at + LENGTH_BYTES + length
      if (next > end) return at
      this.#handlers.onMessage(this.#buffer.subarray(at + LENGTH_BYTES, next))
      at = next
    }
    return at
  }
}
