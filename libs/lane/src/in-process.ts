import {
  type LaneClient,
  type LaneConnection,
  type LaneServer,
  type Logger,
  MAX_LANE_MESSAGE_BYTES,
  MAX_LANE_QUEUE_BYTES,
} from '@wakunet/interface'
import { LaneEndpoint } from './endpoint.ts'
import { MessageRing } from './message-ring.ts'

export interface LanePairInit {
  /** Under which the client attaches; `vlan-switch` by default. */
  readonly name?: string
  /** Hears of handlers that throw. */
  readonly logger?: Logger
}

/**
 * The lane inside one process. Delivery is synchronous: `send` runs the other side's `onMessage` before it
 * returns, and a message of one part is that part itself, without a copy; so the receiver, which may write
 * into what it gets, writes into the sender's buffer. Several parts are put together in a reused buffer.
 *
 * A send from within a handler, in the direction that is being delivered, waits in a bounded queue until
 * that handler returns: order is kept and the stack stays flat however often the two sides answer each other.
 */
export function createLanePair(init: LanePairInit = {}): { server: LaneServer; client: LaneClient } {
  const client = new LocalClient(init.name ?? 'vlan-switch', init.logger)
  const server = new LocalServer(client, init.logger)
  client.server = server
  return { server, client }
}

class LocalEndpoint extends LaneEndpoint {
  peer: LocalEndpoint | null = null
  readonly #waiting = new MessageRing(MAX_LANE_QUEUE_BYTES)
  #scratch: Uint8Array | null = null
  #delivering = false

  protected override get queuedBytes(): number {
    return this.#waiting.usedBytes
  }

  override send(parts: readonly Uint8Array[]): void {
    const bytes = this.measure(parts)
    if (!this.connected) {
      this.counters.messagesDropped++
      return
    }
    if (this.#delivering) {
      this.counters.messagesDropped += this.#waiting.push(parts, bytes)
      return
    }
    this.#delivering = true
    this.#deliver(parts.length === 1 ? parts[0]! : this.#join(parts))
    while (this.#waiting.count > 0) this.#deliver(this.#takeWaiting())
    this.#delivering = false
  }

  connect(): void {
    this.setConnected(true)
  }

  disconnect(): void {
    this.counters.messagesDropped += this.#waiting.count
    this.#waiting.clear()
    this.setConnected(false)
    this.peer = null
  }

  #deliver(message: Uint8Array): void {
    const { peer } = this
    if (peer === null) {
      this.counters.messagesDropped++
      return
    }
    this.counters.messagesSent++
    this.counters.bytesSent += message.length
    peer.receive(message)
  }

  #join(parts: readonly Uint8Array[]): Uint8Array {
    this.#scratch ??= new Uint8Array(MAX_LANE_MESSAGE_BYTES)
    let at = 0
    for (let i = 0; i < parts.length; i++) {
      this.#scratch.set(parts[i]!, at)
      at += parts[i]!.length
    }
    return this.#scratch.subarray(0, at)
  }

  /** Out of the ring into the scratch buffer: what the handler sends may overwrite the ring. */
  #takeWaiting(): Uint8Array {
    const message = this.#join([this.#waiting.peek()!])
    this.#waiting.shift()
    return message
  }
}

class LocalClient extends LocalEndpoint implements LaneClient {
  server: LocalServer | null = null
  started = false

  async start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.started = true
    this.server?.meet()
  }

  async stop(): Promise<void> {
    this.started = false
    this.server?.part()
  }
}

class LocalServer implements LaneServer {
  readonly connections = new Map<string, LaneConnection>()
  onConnection: ((connection: LaneConnection) => void) | null = null
  readonly #client: LocalClient
  readonly #logger: Logger | undefined
  #connection: LocalEndpoint | null = null
  #started = false

  constructor(client: LocalClient, logger: Logger | undefined) {
    this.#client = client
    this.#logger = logger
  }

  async start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.#started = true
    this.meet()
  }

  async stop(): Promise<void> {
    this.#started = false
    this.part()
  }

  /** Connects the two where both are started and not connected yet. */
  meet(): void {
    if (!this.#started || !this.#client.started || this.#connection !== null) return
    const connection = new LocalEndpoint(this.#client.name, this.#logger)
    this.#connection = connection
    connection.peer = this.#client
    this.#client.peer = connection
    this.connections.set(connection.name, connection)
    connection.attached(this.onConnection)
    this.#client.connect()
  }

  part(): void {
    const connection = this.#connection
    if (connection === null) return
    this.#connection = null
    this.connections.delete(connection.name)
    connection.disconnect()
    this.#client.disconnect()
  }
}
