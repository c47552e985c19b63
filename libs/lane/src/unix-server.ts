import { chmod, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock, LaneConnection, LaneServer, Logger, Timer } from '@wakunet/interface'
import { type UnixStream, UnixStreamListener } from '@wakunet/netio'
import { LaneEndpoint } from './endpoint.ts'
import { decodeHello } from './hello.ts'
import { HELLO_TIMEOUT_MS, MAX_LANE_CLIENTS, MAX_UNATTACHED } from './limits.ts'
import { UnixLaneSocket } from './unix-socket.ts'

const DEFAULT_MODE = 0o600

export interface UnixLaneServerInit {
  /** At most 107 bytes. The folder is made with mode 0700 where it is missing. */
  readonly path: string
  /** Who may attach, as permissions of the socket file. Default 0600: the same user. */
  readonly mode?: number
  readonly logger: Logger
  readonly clock: Clock
}

/** Monotonic counters of a lane server, beside those of each connection. */
export interface LaneServerStats {
  /** Connections that were turned away: no valid hello, in time, or too many. */
  readonly connectionsRefused: number
  /** Attached connections that gave way to a newer one of the same name. */
  readonly connectionsReplaced: number
}

/**
 * The lane over a Unix socket, the side that is attached to. `start` throws WakunetError `ERR_PORT_TAKEN`
 * where somebody listens on the path already. Format: docs/protocols/lane.md.
 */
export class UnixLaneServer implements LaneServer {
  onConnection: ((connection: LaneConnection) => void) | null = null
  readonly #init: UnixLaneServerInit
  readonly #listener: UnixStreamListener
  readonly #connections = new Map<string, UnixLaneConnection>()
  readonly #unattached = new Set<UnixLaneSocket>()
  readonly #stats = { connectionsRefused: 0, connectionsReplaced: 0 }

  constructor(init: UnixLaneServerInit) {
    this.#init = init
    this.#listener = new UnixStreamListener({ path: init.path, mode: init.mode ?? DEFAULT_MODE })
    this.#listener.onConnection = (stream) => this.#onStream(stream)
    this.#listener.onError = (error) => init.logger.error('lane socket failed; nobody can attach', { error })
  }

  get connections(): ReadonlyMap<string, LaneConnection> {
    return this.#connections
  }

  get stats(): LaneServerStats {
    return { ...this.#stats }
  }

  async start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    await mkdir(dirname(this.#init.path), { recursive: true, mode: 0o700 })
    await this.#listener.start(signal)
    // The umask may have taken bits away; it never gave any.
    await chmod(this.#init.path, this.#init.mode ?? DEFAULT_MODE)
  }

  async stop(): Promise<void> {
    await this.#listener.stop()
    for (const socket of [...this.#unattached]) socket.close()
    for (const connection of [...this.#connections.values()]) connection.close()
  }

  #onStream(stream: UnixStream): void {
    if (this.#unattached.size >= MAX_UNATTACHED) {
      stream.close()
      this.#refused('too many connections that do not say who they are')
      return
    }
    const timeout = this.#init.clock.setTimeout(() => socket.close(), HELLO_TIMEOUT_MS)
    const socket = new UnixLaneSocket(stream, {
      onMessage: (message) => this.#onHello(socket, message, timeout),
      onInvalid: () => {},
      onClose: () => {
        timeout.cancel()
        this.#unattached.delete(socket)
        this.#refused('no valid hello')
      },
    })
    this.#unattached.add(socket)
  }

  #onHello(socket: UnixLaneSocket, message: Uint8Array, timeout: Timer): void {
    const name = decodeHello(message)
    const isNew = name === null || !this.#connections.has(name)
    if (name === null || name === '' || (isNew && this.#connections.size >= MAX_LANE_CLIENTS)) {
      socket.close()
      return
    }
    timeout.cancel()
    this.#unattached.delete(socket)
    if (!isNew) this.#replace(name)
    this.#attach(name, socket)
  }

  #attach(name: string, socket: UnixLaneSocket): void {
    const connection = new UnixLaneConnection(name, this.#init.logger, socket, () => {
      if (this.#connections.get(name) === connection) this.#connections.delete(name)
      this.#init.logger.info('lane client is gone', { lane: name })
    })
    this.#connections.set(name, connection)
    socket.sayHello('')
    this.#init.logger.info('lane client attached', { lane: name })
    connection.attached(this.onConnection)
  }

  #replace(name: string): void {
    this.#stats.connectionsReplaced++
    this.#init.logger.warn('lane client gives way to a newer one of its name', { lane: name })
    this.#connections.get(name)?.close()
  }

  #refused(reason: string): void {
    this.#stats.connectionsRefused++
    this.#init.logger.warn('lane connection refused', { reason })
  }
}

class UnixLaneConnection extends LaneEndpoint {
  readonly #socket: UnixLaneSocket

  constructor(name: string, logger: Logger, socket: UnixLaneSocket, onClose: () => void) {
    super(name, logger)
    this.#socket = socket
    socket.accept(this.counters, {
      onMessage: (message) => this.receive(message),
      onInvalid: () => {
        this.counters.messagesInvalid++
      },
      onClose: () => {
        onClose()
        this.setConnected(false)
      },
    })
  }

  protected override get queuedBytes(): number {
    return this.#socket.queuedBytes
  }

  override send(parts: readonly Uint8Array[]): void {
    const bytes = this.measure(parts)
    if (this.connected) this.#socket.send(parts, bytes)
    else this.counters.messagesDropped++
  }

  close(): void {
    this.#socket.close()
  }
}
