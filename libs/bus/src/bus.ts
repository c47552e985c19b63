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
   * `ERR_BUS_DISCONNECTED`, `ERR_BUS_INVALID_PAYLOAD`, `ERR_BUS_NOT_PERMITTED`
   */
  request<S extends RequestName>(
    subject: S,
    payload: RequestOf<S>,
    options?: RequestOptions,
  ): Promise<ReplyOf<S>>
  /** Answers a request subject. A WakunetError that `handler` throws reaches the requester with its code and message; anything else as `ERR_INTERNAL`. */
  respond<S extends RequestName>(
    subject: S,
    handler: (payload: RequestOf<S>) => ReplyOf<S> | Promise<ReplyOf<S>>,
  ): Subscription
  /** Tells every subscriber; at most once, lost while the bus is away. */
  publish<S extends EventName>(subject: S, payload: PayloadOf<S>): void
  subscribe<S extends EventName>(subject: S, handler: (payload: PayloadOf<S>) => void): Subscription
  /** Calls `handler` every time the bus is (back) in connection. */
  onConnected(handler: () => void): Subscription
}

export interface RequestOptions {
  /** Default 5,000 ms. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface Subscription {
  unsubscribe(): void
}

/** Monotonic counters of one bus connection. */
export interface BusStats {
  readonly requestsSent: number
  readonly requestsFailed: number
  readonly requestsAnswered: number
  readonly eventsPublished: number
  readonly eventsReceived: number
  /** Payloads that did not fit their schema, sent or received. */
  readonly payloadsInvalid: number
  /** Handlers refused because too many were running. */
  readonly overloaded: number
  readonly reconnects: number
}
