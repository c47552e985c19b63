import type { Startable } from '@wakunet/interface'
import type { Subject } from './contract.ts'

/**
 * What carries a bus: moves opaque bytes between connections and knows nothing of roles, schemas or
 * handlers. `ContractBus` adds those, once for every transport.
 */
export interface BusTransport extends Startable {
  readonly connected: boolean
  /** Set once, before start. */
  sink: BusTransportSink | null
  /**
   * Brings bytes to one responder of `subject` and resolves with its answer. The caller owns the timeout
   * and aborts `signal` when nobody waits any more.
   * @throws WakunetError `ERR_BUS_NO_RESPONDER`, `ERR_BUS_DISCONNECTED`, `ERR_BUS_OVERLOADED`,
   * `ERR_BUS_INVALID_PAYLOAD` where the message is larger than the transport takes
   */
  request(subject: Subject, body: Uint8Array, options: TransportRequestOptions): Promise<Uint8Array>
  /**
   * Brings bytes to every connection that listens; may keep `body`.
   * @returns false where it was dropped because too much waits already
   * @throws WakunetError `ERR_BUS_INVALID_PAYLOAD` where the message is larger than the transport takes
   */
  publish(subject: Subject, body: Uint8Array): boolean
  /** Begins to hand requests or events of `subject` to the sink, now and after every reconnect. */
  open(subject: Subject): void
  close(subject: Subject): void
  /** Ends delivery until the next start; what is under way can still be answered and asked. */
  stopReceiving(): Promise<void>
}

export interface TransportRequestOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Where a transport hands over what arrives. None of it throws or rejects. */
export interface BusTransportSink {
  onConnected(): void
  onDisconnected(): void
  /** Resolves with the bytes of the answer. */
  onRequest(subject: Subject, body: Uint8Array): Promise<Uint8Array>
  onEvent(subject: Subject, body: Uint8Array): void
  /** A message that the transport itself refused. */
  onInvalid(): void
}
