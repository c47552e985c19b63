import type { NatsConnection } from '@nats-io/transport-node'
import { flushed } from './nats-link.ts'

/**
 * Bounds what waits between this process and the NATS server. The client itself queues without end, so the
 * bytes that were published are counted until the server has answered a PING that went out after them.
 */
export class OutboundWindow {
  readonly #maxBytes: number
  #connection: NatsConnection | null = null
  /** Published since the last PING. */
  #freshBytes = 0
  /** Published before the PING that is under way. */
  #askedBytes = 0
  #asking = false

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get pendingBytes(): number {
    return this.#freshBytes + this.#askedBytes
  }

  /** Begins anew with another connection, or with none. */
  reset(connection: NatsConnection | null): void {
    this.#connection = connection
    this.#freshBytes = 0
    this.#askedBytes = 0
    this.#asking = false
  }

  /** @returns whether `bytes` more may be published now; they count from here on */
  take(bytes: number): boolean {
    if (this.#connection === null) return false
    // An empty window takes anything: one message may be larger than the bound.
    if (this.pendingBytes > 0 && this.pendingBytes + bytes > this.#maxBytes) return false
    this.#freshBytes += bytes
    // The PING must follow what is about to be published, so it is sent when this turn is over.
    if (!this.#asking) {
      this.#asking = true
      const connection = this.#connection
      queueMicrotask(() => this.#ask(connection))
    }
    return true
  }

  #ask(connection: NatsConnection): void {
    if (connection !== this.#connection) return
    this.#askedBytes = this.#freshBytes
    this.#freshBytes = 0
    flushed(connection).then((seen) => {
      // Otherwise the connection is lost, and the window begins anew with the next one.
      if (seen) this.#answered(connection)
    })
  }

  #answered(connection: NatsConnection): void {
    if (connection !== this.#connection) return
    this.#askedBytes = 0
    if (this.#freshBytes > 0) this.#ask(connection)
    else this.#asking = false
  }
}
