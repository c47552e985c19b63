import { MAX_LANE_MESSAGE_BYTES } from '@wakunet/interface'
import type { UnixStream } from '@wakunet/netio'
import type { LaneCounters } from './counters.ts'
import { encodeHello, MAX_HELLO_BYTES } from './hello.ts'
import { MessageReader } from './message-reader.ts'
import { LENGTH_BYTES, writeLength } from './message-ring.ts'
import { MessageWriter } from './message-writer.ts'

export interface UnixLaneSocketHandlers {
  onMessage(message: Uint8Array): void
  /** The other side broke the framing. */
  onInvalid(): void
  /** Once, when the connection is gone, whoever closed it. */
  onClose(): void
}

/** One connected socket with its framing. Only a short message is accepted before `accept` was called. */
export class UnixLaneSocket {
  readonly #stream: UnixStream
  readonly #reader: MessageReader
  #handlers: UnixLaneSocketHandlers
  #writer: MessageWriter | null = null
  #closed = false

  constructor(stream: UnixStream, handlers: UnixLaneSocketHandlers) {
    this.#handlers = handlers
    this.#stream = stream
    stream.onClose = () => this.close()
    this.#reader = new MessageReader(
      stream,
      {
        onMessage: (message) => this.#handlers.onMessage(message),
        onInvalid: () => {
          this.#handlers.onInvalid()
          this.close()
        },
      },
      MAX_HELLO_BYTES,
    )
  }

  get queuedBytes(): number {
    return this.#writer?.queuedBytes ?? 0
  }

  /** Says who this side is; must come before any message, when the socket has room for sure. */
  sayHello(name: string): void {
    const hello = encodeHello(name)
    const length = new Uint8Array(LENGTH_BYTES)
    writeLength(length, 0, hello.length)
    if (this.#stream.writev([length, hello]) < length.length + hello.length) this.close()
  }

  /** The other side has said who it is: from here on messages go both ways, and `counters` counts them. */
  accept(counters: LaneCounters, handlers: UnixLaneSocketHandlers): void {
    this.#handlers = handlers
    this.#writer = new MessageWriter(this.#stream, counters)
    this.#reader.maxMessageBytes = MAX_LANE_MESSAGE_BYTES
  }

  /** Only after `accept`. */
  send(parts: readonly Uint8Array[], bytes: number): void {
    this.#writer?.send(parts, bytes)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#writer?.discard()
    this.#stream.close()
    this.#handlers.onClose()
  }
}
