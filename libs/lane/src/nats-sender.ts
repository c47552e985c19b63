import type { NatsConnection } from '@nats-io/transport-node'
import { OutboundWindow } from '@wakunet/bus'
import { type Logger, MAX_LANE_MESSAGE_BYTES, MAX_LANE_QUEUE_BYTES } from '@wakunet/interface'
import type { LaneCounters } from './counters.ts'

/** What a message costs in the client's queue beside its bytes, roughly: so that empty ones are bounded too. */
const OVERHEAD_BYTES = 128

/** Publishes lane messages on the connection that is up, within the bound of a lane's queue. */
export class NatsSender {
  readonly #window = new OutboundWindow(MAX_LANE_QUEUE_BYTES)
  readonly #logger: Logger
  #connection: NatsConnection | null = null
  #maxPayloadBytes = 0

  constructor(logger: Logger) {
    this.#logger = logger
  }

  get queuedBytes(): number {
    return this.#window.pendingBytes
  }

  /** From here on over this connection, or over none. */
  use(connection: NatsConnection | null): void {
    this.#connection = connection
    this.#window.reset(connection)
    this.#maxPayloadBytes = connection?.info?.max_payload ?? MAX_LANE_MESSAGE_BYTES
    if (this.#maxPayloadBytes >= MAX_LANE_MESSAGE_BYTES) return
    this.#logger.error('max_payload of the NATS server is too small for the lane; large messages are lost', {
      maxPayloadBytes: this.#maxPayloadBytes,
      neededBytes: MAX_LANE_MESSAGE_BYTES,
    })
  }

  /** Data: dropped and counted where NATS does not keep up or does not take messages so large. */
  send(subject: string, parts: readonly Uint8Array[], bytes: number, counters: LaneCounters): void {
    const connection = this.#connection
    if (connection === null || connection.isClosed() || bytes > this.#maxPayloadBytes) {
      counters.messagesDropped++
    } else if (this.#window.take(bytes + OVERHEAD_BYTES)) {
      counters.messagesSent++
      counters.bytesSent += bytes
      // A copy, for the client keeps what it is given until it flushes.
      connection.publish(subject, Buffer.concat(parts, bytes))
    } else counters.messagesDropped++
  }

  /** Control: few and small, never held back by data. */
  sendControl(subject: string, payload: Uint8Array): void {
    if (this.#connection?.isClosed() === false) this.#connection.publish(subject, payload)
  }
}
