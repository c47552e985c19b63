import type { Startable } from './startable.ts'

/**
 * The frame lane carries records between the services of a host (DESIGN.md 3.4): a message is opaque bytes,
 * delivered whole or not at all, in order, at most once. `@wakunet/lane` implements it in process, over a
 * Unix socket and over NATS; one compliance suite runs on all three.
 */
export interface LaneConnection {
  /** Name that the client gave when it attached, for example `vlan-switch`. */
  readonly name: string
  readonly connected: boolean
  readonly stats: LaneStats
  /**
   * Queues one message made of the parts in order. The parts may be reused as soon as the call returns.
   * A full queue drops its oldest messages and counts them. While not connected messages are dropped at once.
   * @throws WakunetError `ERR_LANE_MESSAGE_TOO_LARGE` over `MAX_LANE_MESSAGE_BYTES`
   */
  send(parts: readonly Uint8Array[]): void
  /** Called with each message; the bytes are valid and writable only during the call. */
  onMessage: ((message: Uint8Array) => void) | null
  onConnect: (() => void) | null
  onDisconnect: (() => void) | null
}

/** The side that attaches: connects, and reconnects with backoff and jitter until stopped. */
export interface LaneClient extends LaneConnection, Startable {}

/** The side that is attached to; several clients with different names at a time. */
export interface LaneServer extends Startable {
  /** Attached clients by name. A client that attaches under a taken name replaces the older connection. */
  readonly connections: ReadonlyMap<string, LaneConnection>
  onConnection: ((connection: LaneConnection) => void) | null
}

export interface LaneStats {
  readonly messagesSent: number
  readonly bytesSent: number
  readonly messagesReceived: number
  readonly bytesReceived: number
  /** Oldest messages thrown out of a full queue, and messages sent while not connected. */
  readonly messagesDropped: number
  /** Messages refused because they were malformed or too large. */
  readonly messagesInvalid: number
  readonly queuedBytes: number
}

/** Largest lane message: one record with its envelope. */
export const MAX_LANE_MESSAGE_BYTES = 256 * 1024
/** Bytes that wait in a lane's queue at the most; the oldest messages go first. */
export const MAX_LANE_QUEUE_BYTES = 8 * 1024 * 1024
