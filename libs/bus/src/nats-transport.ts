import { errors, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node'
import type { Clock, Logger } from '@wakunet/interface'
import { WakunetError } from '@wakunet/interface'
import { encodeError } from './codec.ts'
import { type BusRole, contract, type Subject } from './contract.ts'
import { MAX_UNSENT_BYTES } from './limits.ts'
import { flushed, type NatsCredentials, NatsLink } from './nats-link.ts'
import { NatsRequests } from './nats-requests.ts'
import { isReplyPermitted, natsInboxPrefix, natsSubject, RESPONDER_QUEUE } from './nats-subjects.ts'
import { OutboundWindow } from './outbound-window.ts'
import type { BusTransport, BusTransportSink, TransportRequestOptions } from './transport.ts'

export interface NatsTransportInit {
  readonly servers: readonly string[]
  readonly role: BusRole
  readonly prefix: string
  readonly credentials?: NatsCredentials
}

/** Carries a bus over NATS. Subjects and inboxes are in docs/protocols/bus.md. */
export class NatsTransport implements BusTransport {
  sink: BusTransportSink | null = null
  readonly #init: NatsTransportInit
  readonly #logger: Logger
  readonly #link: NatsLink
  readonly #window = new OutboundWindow(MAX_UNSENT_BYTES)
  readonly #open = new Map<Subject, Subscription | null>()
  #requests: NatsRequests | null = null
  #connected = false
  #receiving = false

  constructor(components: { logger: Logger; clock: Clock }, init: NatsTransportInit) {
    this.#init = init
    this.#logger = components.logger
    const { role, prefix: _, ...link } = init
    this.#link = new NatsLink(
      {
        ...components,
        handlers: {
          onConnecting: (connection) => this.#prepare(connection),
          onUp: () => this.#up(),
          onDown: () => this.#down(),
        },
      },
      { ...link, name: `wakunet ${role}`, inboxPrefix: natsInboxPrefix(role) },
    )
  }

  get connected(): boolean {
    return this.#connected
  }

  async start(signal?: AbortSignal): Promise<void> {
    this.#receiving = true
    await this.#link.start(signal)
  }

  async stopReceiving(): Promise<void> {
    this.#receiving = false
    for (const [subject, subscription] of this.#open) {
      subscription?.unsubscribe()
      this.#open.set(subject, null)
    }
    await this.flush()
  }

  async stop(): Promise<void> {
    await this.#link.stop()
  }

  /** Resolves when the server has seen everything that was sent before, or is gone. */
  async flush(): Promise<void> {
    const { connection } = this.#link
    if (connection !== null) await flushed(connection)
  }

  async request(
    subject: Subject,
    body: Uint8Array,
    { signal }: TransportRequestOptions,
  ): Promise<Uint8Array> {
    const requests = this.#requests
    if (requests === null) throw new WakunetError('ERR_BUS_DISCONNECTED', 'NATS is not connected')
    if (!this.#window.take(body.length)) {
      throw new WakunetError('ERR_BUS_OVERLOADED', 'NATS does not keep up; ask again later')
    }
    return fitting(subject, () => requests.request(natsSubject(this.#init.prefix, subject), body, signal))
  }

  publish(subject: Subject, body: Uint8Array): boolean {
    const { connection } = this.#link
    if (connection === null || connection.isClosed() || !this.#window.take(body.length)) return false
    // The client keeps `body` until it flushes; the codec made it for this one message.
    fitting(subject, () => connection.publish(natsSubject(this.#init.prefix, subject), body))
    return true
  }

  open(subject: Subject): void {
    const { connection } = this.#link
    const live = connection !== null && this.#receiving
    this.#open.set(subject, live ? this.#subscribe(connection, subject) : null)
  }

  close(subject: Subject): void {
    this.#open.get(subject)?.unsubscribe()
    this.#open.delete(subject)
  }

  #prepare(connection: NatsConnection): void {
    this.#requests = new NatsRequests(connection, natsInboxPrefix(this.#init.role))
    for (const subject of this.#open.keys()) this.#open.set(subject, this.#subscribe(connection, subject))
    this.#watch(connection).catch((error) => this.#logger.error('NATS status failed', { error }))
  }

  #up(): void {
    this.#window.reset(this.#link.connection)
    this.#connected = true
    this.sink?.onConnected()
  }

  #down(): void {
    this.#connected = false
    this.#requests = null
    this.#window.reset(null)
    for (const subject of this.#open.keys()) this.#open.set(subject, null)
    this.sink?.onDisconnected()
  }

  #subscribe(connection: NatsConnection, subject: Subject): Subscription {
    const isRequest = contract[subject].kind === 'request'
    // Nothing in a callback may throw: the client stops reading for good when it does.
    return connection.subscribe(natsSubject(this.#init.prefix, subject), {
      ...(isRequest ? { queue: RESPONDER_QUEUE } : {}),
      callback: (error, message) => {
        // The server refused the subscription; #watch logs why.
        if (error !== null) return
        if (isRequest) this.#onRequest(subject, message)
        else this.sink?.onEvent(subject, message.data)
      },
    })
  }

  #onRequest(subject: Subject, message: Msg): void {
    const { reply } = message
    if (reply === undefined || !isReplyPermitted(subject, reply)) {
      this.sink?.onInvalid()
      return
    }
    this.sink?.onRequest(subject, message.data).then((body) => this.#answer(subject, message, body))
  }

  #answer(subject: Subject, message: Msg, body: Uint8Array): void {
    if (!this.#window.take(body.length)) return
    try {
      fitting(subject, () => message.respond(body))
    } catch (error) {
      this.#logger.error('an answer did not leave', { subject, error })
      const isTooLarge = error instanceof WakunetError && error.code === 'ERR_BUS_INVALID_PAYLOAD'
      if (isTooLarge) this.#answer(subject, message, encodeError(error))
    }
  }

  /** Logs what the server refuses: as a rule a credential without the permission. */
  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'error') this.#logger.error('NATS refused', { error: status.error })
    }
  }
}

/** Runs `send`; the client's complaints, of a message over `max_payload` or of a connection just lost, become ours. */
function fitting<T>(subject: Subject, send: () => T): T {
  try {
    return send()
  } catch (cause) {
    if (!(cause instanceof errors.InvalidArgumentError)) {
      throw new WakunetError('ERR_BUS_DISCONNECTED', 'NATS is not connected', { cause })
    }
    throw new WakunetError(
      'ERR_BUS_INVALID_PAYLOAD',
      `the message on ${subject} is over the max_payload of the NATS server`,
      { cause },
    )
  }
}
