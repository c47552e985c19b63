import type { Startable } from '@wakunet/interface'
import type { EventName, PayloadOf, ReplyOf, RequestName, RequestOf } from './contract.ts'

/**
 * Control messages between services, typed by the contract. Payloads are validated on both sides; a role
 * that the contract does not name for a subject gets `ERR_BUS_NOT_PERMITTED` before anything is sent.
 */
export interface Bus extends Startable {
  readonly connected: boolean
  readonly stats: BusStats
  /**
   * Asks and waits for the answer.
   * @throws WakunetError with the responder's own code, or `ERR_BUS_TIMEOUT`, `ERR_BUS_NO_RESPONDER`,
   * `ERR_BUS_DISCONNECTED`, `ERR_BUS_INVALID_PAYLOAD`, `ERR_BUS_NOT_PERMITTED`, `ERR_BUS_OVERLOADED`; the
   * signal's own reason when it aborts
   */
  request<S extends RequestName>(
    subject: S,
    payload: RequestOf<S>,
    options?: RequestOptions,
  ): Promise<ReplyOf<S>>
  /**
   * Answers a request subject; one handler a subject. A WakunetError that `handler` throws reaches the
   * requester with its code and message, anything else as `ERR_INTERNAL`.
   */
  respond<S extends RequestName>(
    subject: S,
    handler: (payload: RequestOf<S>) => ReplyOf<S> | Promise<ReplyOf<S>>,
  ): Subscription
  /** Tells every subscriber; at most once, lost while the bus is away. */
  publish<S extends EventName>(subject: S, payload: PayloadOf<S>): void
  subscribe<S extends EventName>(subject: S, handler: (payload: PayloadOf<S>) => void): Subscription
  /** Calls `handler` every time the bus is (back) in connection, and soon after this call where it already is. */
  onConnected(handler: () => void): Subscription
}

export interface RequestOptions {
  /** Default `DEFAULT_REQUEST_TIMEOUT_MS`, at most `MAX_REQUEST_TIMEOUT_MS`. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface Subscription {
  unsubscribe(): void
}

/** The part of a bus that the command line needs; the control socket offers no more. */
export interface RequestBus extends Startable, Pick<Bus, 'request'> {}

/** Monotonic counters of one bus connection. */
export interface BusStats {
  /** Requests that were handed to the transport. */
  readonly requestsSent: number
  /** Requests that threw, for whatever reason. */
  readonly requestsFailed: number
  /** Requests of others that a handler here answered, also with an error. */
  readonly requestsAnswered: number
  readonly eventsPublished: number
  /** Events that reached the handlers here, once however many handlers there are. */
  readonly eventsReceived: number
  /** Payloads that did not fit their schema or size, sent or received. */
  readonly payloadsInvalid: number
  /** Requests refused and events dropped because too much was under way already. */
  readonly overloaded: number
  readonly reconnects: number
}
