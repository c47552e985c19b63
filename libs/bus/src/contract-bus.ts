import type { Clock, Logger } from '@wakunet/interface'
import { WakunetError } from '@wakunet/interface'
import type { Bus, BusStats, RequestOptions, Subscription } from './bus.ts'
import { callSafely } from './call-safely.ts'
import { decodeAnswer, decodePayload, encodePayload } from './codec.ts'
import type {
  BusRole,
  EventName,
  EventSubject,
  PayloadOf,
  ReplyOf,
  RequestName,
  RequestOf,
  RequestSubject,
  Subject,
} from './contract.ts'
import { EventQueue } from './event-queue.ts'
import { DRAIN_TIMEOUT_MS } from './limits.ts'
import { PendingRequests } from './pending-requests.ts'
import { Responders } from './responders.ts'
import { permitPublish, permitRequest, permitRespond, permitSubscribe } from './roles.ts'
import { type BusCounters, newBusCounters } from './stats.ts'
import type { BusTransport, BusTransportSink } from './transport.ts'

export interface ContractBusInit {
  readonly role: BusRole
}

export interface ContractBusComponents {
  readonly transport: BusTransport
  readonly logger: Logger
  readonly clock: Clock
}

type EventHandler = (payload: unknown) => unknown

/**
 * The contract on top of a transport: roles, schemas, timeouts, handlers and their limits. Every
 * implementation of the bus is this class over a transport of its own.
 */
export class ContractBus implements Bus {
  readonly #role: BusRole
  readonly #transport: BusTransport
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #counters: BusCounters = newBusCounters()
  readonly #pending: PendingRequests
  readonly #responders: Responders
  readonly #events = new EventQueue()
  readonly #eventHandlers = new Map<EventName, Set<EventHandler>>()
  readonly #connectedHandlers = new Set<() => unknown>()
  #connections = 0

  constructor(components: ContractBusComponents, init: ContractBusInit) {
    this.#role = init.role
    this.#transport = components.transport
    this.#logger = components.logger
    this.#clock = components.clock
    this.#pending = new PendingRequests(components.clock)
    this.#responders = new Responders({ counters: this.#counters, logger: components.logger })
    this.#transport.sink = this.#makeSink()
  }

  get connected(): boolean {
    return this.#transport.connected
  }

  get stats(): BusStats {
    return { ...this.#counters }
  }

  async start(signal?: AbortSignal): Promise<void> {
    await this.#transport.start(signal)
  }

  /** Lets running handlers finish and answer, for a while; requests that still wait fail. */
  async stop(): Promise<void> {
    await this.#transport.stopReceiving()
    await this.#idle()
    await this.#transport.stop()
    this.#pending.failAll(disconnected('the bus was stopped'))
    this.#events.clear()
  }

  async request<S extends RequestName>(
    subject: S,
    payload: RequestOf<S>,
    options: RequestOptions = {},
  ): Promise<ReplyOf<S>> {
    try {
      const spec = permitRequest(this.#role, subject)
      const body = this.#counted(() => encodePayload(spec.request, payload, `request ${subject}`))
      return (await this.#ask(subject, spec, body, options)) as ReplyOf<S>
    } catch (error) {
      this.#counters.requestsFailed++
      throw error
    }
  }

  respond<S extends RequestName>(
    subject: S,
    handler: (payload: RequestOf<S>) => ReplyOf<S> | Promise<ReplyOf<S>>,
  ): Subscription {
    const spec = permitRespond(this.#role, subject)
    this.#responders.add(subject, spec, (payload) => handler(payload as RequestOf<S>))
    this.#transport.open(subject)
    return once(() => {
      this.#transport.close(subject)
      this.#responders.delete(subject)
    })
  }

  publish<S extends EventName>(subject: S, payload: PayloadOf<S>): void {
    const spec = permitPublish(this.#role, subject)
    const body = this.#counted(() => encodePayload(spec.payload, payload, `event ${subject}`))
    if (!this.#transport.connected) return
    if (this.#counted(() => this.#transport.publish(subject, body))) this.#counters.eventsPublished++
    else this.#counters.overloaded++
  }

  subscribe<S extends EventName>(subject: S, handler: (payload: PayloadOf<S>) => void): Subscription {
    permitSubscribe(this.#role, subject)
    const handlers = this.#eventHandlers.get(subject) ?? new Set()
    // A function of its own, so that one handler may be subscribed twice.
    const own: EventHandler = (payload) => handler(payload as PayloadOf<S>)
    if (handlers.size === 0) this.#transport.open(subject)
    this.#eventHandlers.set(subject, handlers.add(own))
    return once(() => {
      handlers.delete(own)
      if (handlers.size === 0) this.#transport.close(subject)
    })
  }

  onConnected(handler: () => void): Subscription {
    const own = () => handler()
    this.#connectedHandlers.add(own)
    if (this.connected) queueMicrotask(() => this.#tellConnected(own))
    return once(() => this.#connectedHandlers.delete(own))
  }

  async #ask(
    subject: RequestName,
    spec: RequestSubject,
    body: Uint8Array,
    options: RequestOptions,
  ): Promise<unknown> {
    if (!this.#transport.connected) throw disconnected('the bus is not connected')
    const answer = await this.#pending.run(subject, options, (limits) => {
      this.#counters.requestsSent++
      return this.#transport.request(subject, body, limits)
    })
    const { error, reply } = this.#counted(() => decodeAnswer(spec.reply, answer, `reply ${subject}`))
    if (error !== undefined) throw error
    return reply
  }

  /** Counts a payload that does not fit. */
  #counted<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (error instanceof WakunetError && error.code === 'ERR_BUS_INVALID_PAYLOAD') {
        this.#counters.payloadsInvalid++
      }
      throw error
    }
  }

  #makeSink(): BusTransportSink {
    return {
      onConnected: () => {
        if (this.#connections++ > 0) this.#counters.reconnects++
        for (const handler of [...this.#connectedHandlers]) this.#tellConnected(handler)
      },
      onDisconnected: () => this.#pending.failAll(disconnected('the bus went away')),
      onRequest: (subject, body) => this.#responders.answer(subject, body),
      onEvent: (subject, body) => this.#onEvent(subject, body),
      onInvalid: () => {
        this.#counters.payloadsInvalid++
      },
    }
  }

  #tellConnected(handler: () => unknown): void {
    if (!this.#connectedHandlers.has(handler)) return
    callSafely(this.#logger, 'onConnected handler', handler)
  }

  #onEvent(subject: Subject, body: Uint8Array): void {
    const name = subject as EventName
    const spec = permitSubscribe(this.#role, name)
    if (!this.#events.push(body, (bytes) => this.#deliver(name, spec, bytes))) this.#counters.overloaded++
  }

  #deliver(subject: EventName, spec: EventSubject, body: Uint8Array): void {
    let payload: unknown
    try {
      payload = this.#counted(() => decodePayload(spec.payload, body, `event ${subject}`))
    } catch (error) {
      this.#logger.warn('event dropped', { subject, error })
      return
    }
    this.#counters.eventsReceived++
    for (const handler of [...(this.#eventHandlers.get(subject) ?? [])]) {
      // A copy each: no handler sees what another does to its payload.
      callSafely(this.#logger, `handler of ${subject}`, () => handler(structuredClone(payload)))
    }
  }

  async #idle(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.setTimeout(resolve, DRAIN_TIMEOUT_MS)
    await Promise.race([this.#responders.idle(), promise])
    timer.cancel()
  }
}

function disconnected(why: string): WakunetError {
  return new WakunetError('ERR_BUS_DISCONNECTED', `${why}; it connects again by itself, so try later`)
}

function once(unsubscribe: () => void): Subscription {
  let done = false
  return {
    unsubscribe: () => {
      if (done) return
      done = true
      unsubscribe()
    },
  }
}
