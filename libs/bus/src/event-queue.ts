import { MAX_QUEUED_EVENT_BYTES, MAX_QUEUED_EVENTS } from './limits.ts'

interface QueuedEvent {
  readonly body: Uint8Array
  readonly deliver: (body: Uint8Array) => void
}

/**
 * Events between their arrival and their handlers. Delivery is always later than arrival, in order, and all
 * that waits at one moment goes in one turn of the event loop.
 */
export class EventQueue {
  readonly #events: QueuedEvent[] = []
  #bytes = 0
  #scheduled = false

  /** @returns false when there is no room: the event is dropped */
  push(body: Uint8Array, deliver: (body: Uint8Array) => void): boolean {
    if (this.#events.length >= MAX_QUEUED_EVENTS) return false
    if (this.#bytes + body.length > MAX_QUEUED_EVENT_BYTES) return false
    this.#events.push({ body, deliver })
    this.#bytes += body.length
    if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(() => this.#drain())
    }
    return true
  }

  clear(): void {
    this.#events.length = 0
    this.#bytes = 0
  }

  #drain(): void {
    this.#scheduled = false
    const events = this.#events.splice(0)
    this.#bytes = 0
    for (const { body, deliver } of events) deliver(body)
  }
}
