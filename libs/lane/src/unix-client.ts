import { keepTrying } from '@wakunet/bus'
import { type Clock, type LaneClient, type Logger, WakunetError } from '@wakunet/interface'
import { MAX_UNIX_PATH_BYTES, UnixStream } from '@wakunet/netio'
import { LaneEndpoint } from './endpoint.ts'
import { checkLaneName, decodeHello } from './hello.ts'
import { HELLO_TIMEOUT_MS } from './limits.ts'
import { UnixLaneSocket } from './unix-socket.ts'

export interface UnixLaneClientInit {
  /** Where the server listens; at most 107 bytes. */
  readonly path: string
  /** Under which it attaches; 1 to 64 letters, digits, "_" or "-". */
  readonly name: string
  readonly logger: Logger
  readonly clock: Clock
}

/**
 * The lane over a Unix socket, the side that attaches. start() does not fail when the server is away: it
 * attaches as soon as it can, and again whenever the connection was lost. Format: docs/protocols/lane.md.
 */
export class UnixLaneClient extends LaneEndpoint implements LaneClient {
  readonly #init: UnixLaneClientInit
  #socket: UnixLaneSocket | null = null
  #stopping: AbortController | null = null
  #loop: Promise<void> = Promise.resolve()
  #failures = 0

  /** @throws WakunetError `ERR_CONFIG_INVALID` where name or path cannot be used */
  constructor(init: UnixLaneClientInit) {
    super(checkLaneName(init.name), init.logger)
    checkPath(init.path)
    this.#init = init
  }

  protected override get queuedBytes(): number {
    return this.#socket?.queuedBytes ?? 0
  }

  override send(parts: readonly Uint8Array[]): void {
    const bytes = this.measure(parts)
    if (this.connected) this.#socket?.send(parts, bytes)
    else this.counters.messagesDropped++
  }

  /** Resolves after the first attempt, whether it succeeded or not. */
  async start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#stopping !== null) return
    const stopping = new AbortController()
    const attempted = Promise.withResolvers<void>()
    this.#stopping = stopping
    // After the loop of an earlier start, should that still be about to end.
    this.#loop = this.#loop.then(() =>
      keepTrying(this.#init.clock, stopping.signal, () => this.#session(attempted.resolve)),
    )
    stopping.signal.addEventListener('abort', () => attempted.resolve(), { once: true })
    await attempted.promise
  }

  async stop(): Promise<void> {
    this.#stopping?.abort()
    this.#stopping = null
    this.#socket?.close()
    await this.#loop
  }

  /** Connects and stays until the connection is gone. @returns whether it was attached */
  async #session(attempted: () => void): Promise<boolean> {
    const stream = this.#connect()
    if (stream === null) {
      attempted()
      return false
    }
    const closed = Promise.withResolvers<void>()
    const socket = new UnixLaneSocket(stream, {
      onMessage: (message) => this.#onHello(socket, message, attempted, closed.resolve),
      onInvalid: () => this.#failed('what listens there is no lane'),
      onClose: closed.resolve,
    })
    const timeout = this.#init.clock.setTimeout(() => this.connected || socket.close(), HELLO_TIMEOUT_MS)
    this.#socket = socket
    socket.sayHello(this.name)
    await closed.promise
    timeout.cancel()
    const wasAttached = this.connected
    this.#socket = null
    this.setConnected(false)
    attempted()
    return wasAttached
  }

  #connect(): UnixStream | null {
    try {
      return UnixStream.connect(this.#init.path)
    } catch (error) {
      this.#failed('nobody listens', error)
      return null
    }
  }

  #onHello(socket: UnixLaneSocket, message: Uint8Array, attempted: () => void, closed: () => void): void {
    if (decodeHello(message) !== '') {
      this.#failed('what listens there is no lane of this version')
      socket.close()
      return
    }
    socket.accept(this.counters, {
      onMessage: (next) => this.receive(next),
      onInvalid: () => {
        this.counters.messagesInvalid++
      },
      onClose: closed,
    })
    this.#failures = 0
    this.#init.logger.info('lane attached', { path: this.#init.path })
    this.setConnected(true)
    attempted()
  }

  /** Once aloud, then quietly: a server that is away for a day must not fill the log. */
  #failed(reason: string, error?: unknown): void {
    const level = this.#failures++ === 0 ? 'warn' : 'debug'
    this.#init.logger[level]('lane not attached; trying on', { path: this.#init.path, reason, error })
  }
}

function checkPath(path: string): void {
  const bytes = Buffer.byteLength(path)
  if (bytes >= 1 && bytes <= MAX_UNIX_PATH_BYTES) return
  throw new WakunetError(
    'ERR_CONFIG_INVALID',
    `the lane's socket path has ${bytes} bytes; a Unix socket allows 1 to ${MAX_UNIX_PATH_BYTES}`,
  )
}
