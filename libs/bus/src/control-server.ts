import { createServer, type Server, type Socket } from 'node:net'
import { type Logger, type Startable, WakunetError } from '@wakunet/interface'
import type { Bus } from './bus.ts'
import { errorBody } from './codec.ts'
import { type ControlCounters, ControlSession } from './control-session.ts'
import { MAX_CONTROL_CLIENTS } from './limits.ts'
import { listenPrivately } from './private-socket.ts'

export interface ControlSocketServerInit {
  /** At most 107 bytes. */
  readonly path: string
  /** A started bus of the role `cli`; the server only asks on it. */
  readonly bus: Pick<Bus, 'request'>
  readonly logger: Logger
}

/** Monotonic counters of a control socket, except `clients`. */
export interface ControlSocketStats {
  /** Connected now. */
  readonly clients: number
  readonly clientsRefused: number
  readonly requests: number
  /** Lines that were no request, or too long; each ended its connection. */
  readonly linesMalformed: number
  /** Requests refused because too many of that client were under way. */
  readonly overloaded: number
}

/**
 * Lets the command line ask on the bus of an embedded node, over a Unix socket that the node's own user
 * alone may open. Format: docs/protocols/control-socket.md. `start` throws WakunetError
 * `ERR_ALREADY_RUNNING` where another node listens on the path.
 */
export class ControlSocketServer implements Startable {
  readonly #init: ControlSocketServerInit
  readonly #sessions = new Set<ControlSession>()
  readonly #counters: ControlCounters = { clientsRefused: 0, requests: 0, linesMalformed: 0, overloaded: 0 }
  #server: Server | null = null

  constructor(init: ControlSocketServerInit) {
    this.#init = init
  }

  get stats(): ControlSocketStats {
    return { ...this.#counters, clients: this.#sessions.size }
  }

  async start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#server !== null) return
    const server = createServer((socket) => this.#onSocket(socket))
    this.#server = server
    try {
      await listenPrivately(server, this.#init.path)
    } catch (error) {
      this.#server = null
      throw error
    }
    server.on('error', (error) => this.#init.logger.error('control socket failed', { error }))
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (server === null) return
    this.#server = null
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const session of this.#sessions) session.close()
    await closed
  }

  #onSocket(socket: Socket): void {
    if (this.#sessions.size >= MAX_CONTROL_CLIENTS) {
      this.#counters.clientsRefused++
      socket.on('error', () => {})
      const error = new WakunetError(
        'ERR_BUS_OVERLOADED',
        `${MAX_CONTROL_CLIENTS} clients use the control socket already; try later`,
      )
      socket.end(`${JSON.stringify({ id: null, error: errorBody(error) })}\n`, () => socket.destroy())
      return
    }
    const session = new ControlSession(socket, this.#init.bus, this.#counters)
    this.#sessions.add(session)
    socket.on('close', () => this.#sessions.delete(session))
  }
}
