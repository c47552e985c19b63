import { createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { WakunetError } from '@wakunet/interface'

/** NATS answers a request that nobody hears with an empty message of this status. */
const NO_RESPONDERS_STATUS = 503

interface Waiting {
  readonly subject: string
  readonly resolve: (body: Uint8Array) => void
  readonly reject: (error: WakunetError) => void
}

/**
 * Requests over one NATS connection: one inbox, one token a request. The client's own `request` cannot be
 * cancelled; here nothing stays behind when the requester no longer waits.
 */
export class NatsRequests {
  readonly #connection: NatsConnection
  readonly #inbox: string
  readonly #waiting = new Map<string, Waiting>()
  #nextToken = 0

  constructor(connection: NatsConnection, inboxPrefix: string) {
    this.#connection = connection
    this.#inbox = `${createInbox(inboxPrefix)}.`
    connection.subscribe(`${this.#inbox}*`, { callback: (error, message) => this.#onAnswer(error, message) })
  }

  /** Resolves with the answer's bytes; waits until `signal` aborts. */
  request(subject: string, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const token = String(this.#nextToken++)
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    this.#waiting.set(token, { subject, resolve, reject })
    signal.addEventListener('abort', () => this.#waiting.delete(token), { once: true })
    this.#connection.publish(subject, body, { reply: this.#inbox + token })
    return promise
  }

  #onAnswer(error: Error | null, message: Msg): void {
    // A refused subscription comes here without a subject; the link logs it.
    if (error !== null) return
    const token = message.subject.slice(this.#inbox.length)
    const waiting = this.#waiting.get(token)
    if (waiting === undefined) return
    this.#waiting.delete(token)
    if (message.data.length === 0 && message.headers?.code === NO_RESPONDERS_STATUS) {
      waiting.reject(noResponder(waiting.subject))
    } else {
      waiting.resolve(message.data)
    }
  }
}

function noResponder(subject: string): WakunetError {
  return new WakunetError('ERR_BUS_NO_RESPONDER', `nobody answers ${subject}: is its service running?`)
}
