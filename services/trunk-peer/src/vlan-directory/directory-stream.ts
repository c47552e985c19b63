import type { Stream } from '@libp2p/interface'
import {
  type DirectoryMessage,
  decodeDirectoryMessage,
  encodeDirectoryMessage,
  MAX_DIRECTORY_UNIT_BYTES,
} from '@wakunet/directory'
import { frameUnit, type StreamData, UnitReader } from '@wakunet/trunk'

/** Messages that wait for the stream; a peer draws at most 4 MiB of listings at once. */
const MAX_QUEUED_BYTES = 8 * 1_048_576

export interface DirectoryStreamInit {
  /** A libp2p stream of `DIRECTORY_PROTOCOL`. */
  readonly stream: Stream
  readonly onMessage: (message: DirectoryMessage) => void
  /** The peer sent what is no message; the stream is ended by then. */
  readonly onMalformed: (error: unknown) => void
  /** Called once, whoever ended it. */
  readonly onClose: () => void
}

/** Messages of the directory over one libp2p stream. */
export class DirectoryStream {
  readonly #init: DirectoryStreamInit
  readonly #queue: Uint8Array[] = []
  #queuedBytes = 0
  #ended = false

  constructor(init: DirectoryStreamInit) {
    this.#init = init
    const reader = new UnitReader(MAX_DIRECTORY_UNIT_BYTES, (unit) => this.#receive(unit))
    init.stream.addEventListener('message', ({ data }) => {
      if (this.#ended) return
      try {
        reader.push(data as StreamData)
      } catch (error) {
        this.end(error instanceof Error ? error : new Error('malformed'))
        init.onMalformed(error)
      }
    })
    init.stream.addEventListener('drain', () => this.#drain())
    init.stream.addEventListener('close', () => this.#closed())
    init.stream.addEventListener('remoteCloseWrite', () => this.end(new Error('the peer closed it')))
  }

  /** @returns false where it cannot be sent: the stream is gone, or too much waits for it */
  send(message: DirectoryMessage): boolean {
    const unit = frameUnit(encodeDirectoryMessage(message))
    if (this.#ended || this.#queuedBytes + unit.length > MAX_QUEUED_BYTES) return false
    this.#queue.push(unit)
    this.#queuedBytes += unit.length
    this.#drain()
    return true
  }

  end(error: Error): void {
    if (this.#ended) return
    this.#init.stream.abort(error)
    this.#closed()
  }

  #receive(unit: Uint8Array): void {
    if (this.#ended) return
    // A message keeps views of its bytes; the unit is reused after the call.
    this.#init.onMessage(decodeDirectoryMessage(unit.slice()))
  }

  #drain(): void {
    const { stream } = this.#init
    while (!this.#ended && this.#queue.length > 0 && stream.writeStatus === 'writable') {
      const unit = this.#queue.shift()!
      this.#queuedBytes -= unit.length
      try {
        stream.send(unit)
      } catch {
        this.end(new Error('it cannot be written to'))
      }
    }
  }

  #closed(): void {
    if (this.#ended) return
    this.#ended = true
    this.#queue.length = 0
    this.#queuedBytes = 0
    this.#init.onClose()
  }
}
