import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { Clock, Logger, Startable } from '@wakunet/interface'
import { keepTrying } from './keep-trying.ts'
import { DRAIN_TIMEOUT_MS } from './limits.ts'

/** How long one attempt to connect may take. */
const CONNECT_TIMEOUT_MS = 2_000
/** The server is asked whether it is there every so often; after two silences the connection counts as lost. */
const PING_INTERVAL_MS = 5_000

export interface NatsCredentials {
  readonly user: string
  readonly password: string
}

export interface NatsLinkInit {
  /** `host:port` or `nats://host:port`; tried one after the other. */
  readonly servers: readonly string[]
  /** Shown in the server's monitoring. */
  readonly name: string
  readonly inboxPrefix?: string
  readonly credentials?: NatsCredentials
}

/** What the owner of a link does when its connection changes. */
export interface NatsLinkHandlers {
  /** A new connection, before anybody else uses it: the place to subscribe. */
  onConnecting(connection: NatsConnection): void
  /** The server has seen the subscriptions. */
  onUp(): void
  onDown(): void
}

export interface NatsLinkComponents {
  readonly logger: Logger
  readonly clock: Clock
  readonly handlers: NatsLinkHandlers
}

/**
 * Keeps one connection to NATS for as long as it is started: start() does not fail when the server is away,
 * and the attempts never end. The client's own reconnecting is off, because there is then one way to be
 * connected, the same the first time and every time after.
 */
export class NatsLink implements Startable {
  readonly #init: NatsLinkInit
  readonly #components: NatsLinkComponents
  #connection: NatsConnection | null = null
  #stopping: AbortController | null = null
  #loop: Promise<void> = Promise.resolve()
  #failures = 0

  constructor(components: NatsLinkComponents, init: NatsLinkInit) {
    this.#components = components
    this.#init = init
  }

  /** The connection while it is up. */
  get connection(): NatsConnection | null {
    return this.#connection
  }

  /** Resolves after the first attempt, whether it succeeded or not. */
  async start(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#stopping !== null) return
    const stopping = new AbortController()
    const attempted = Promise.withResolvers<void>()
    this.#stopping = stopping
    // After the loop of an earlier start, should that still be about to end.
    this.#loop = this.#loop.then(() => this.#run(stopping.signal, attempted.resolve))
    signal?.addEventListener('abort', () => attempted.resolve(), { once: true, signal: stopping.signal })
    await attempted.promise
    if (!signal?.aborted) return
    await this.stop()
    throw signal.reason
  }

  async stop(): Promise<void> {
    this.#stopping?.abort()
    this.#stopping = null
    const connection = this.#connection
    if (connection !== null) await this.#closeGently(connection)
    await this.#loop
  }

  async #run(signal: AbortSignal, attempted: () => void): Promise<void> {
    await keepTrying(this.#components.clock, signal, async () => {
      const connection = await this.#tryConnect(signal)
      attempted()
      if (connection === null) return false
      await connection.closed()
      this.#lost(signal)
      return true
    })
  }

  async #tryConnect(signal: AbortSignal): Promise<NatsConnection | null> {
    const { logger, handlers } = this.#components
    let connection: NatsConnection | null = null
    try {
      connection = await connect(this.#options())
      handlers.onConnecting(connection)
      if (!(await flushed(connection))) throw new Error('the connection was lost at once')
      if (signal.aborted) throw signal.reason
    } catch (error) {
      await connection?.close().catch(() => {})
      // Once aloud, then quietly: a server that is away for a day must not fill the log.
      const level = this.#failures++ === 0 ? 'warn' : 'debug'
      if (!signal.aborted) logger[level]('no connection to NATS; trying on', { error })
      return null
    }
    this.#failures = 0
    this.#connection = connection
    logger.info('connected to NATS', { server: connection.getServer() })
    handlers.onUp()
    return connection
  }

  #options(): Parameters<typeof connect>[0] {
    const { servers, name, inboxPrefix, credentials } = this.#init
    return {
      servers: [...servers],
      name,
      reconnect: false,
      timeout: CONNECT_TIMEOUT_MS,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: 2,
      noAsyncTraces: true,
      ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
      ...(credentials === undefined ? {} : { user: credentials.user, pass: credentials.password }),
    }
  }

  #lost(signal: AbortSignal): void {
    this.#connection = null
    if (!signal.aborted) this.#components.logger.warn('connection to NATS lost; trying again')
    this.#components.handlers.onDown()
  }

  /** Lets what was published leave; a server that does not answer is not waited for. */
  async #closeGently(connection: NatsConnection): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#components.clock.setTimeout(resolve, DRAIN_TIMEOUT_MS)
    // A drain never settles where the connection is lost meanwhile.
    await Promise.race([connection.drain().catch(() => {}), connection.closed(), promise])
    timer.cancel()
    await connection.close().catch(() => {})
  }
}

/**
 * Waits until the server has seen everything before. The client's own flush never settles when the
 * connection goes away meanwhile.
 * @returns whether the server did
 */
export async function flushed(connection: NatsConnection): Promise<boolean> {
  const flush = connection.flush().then(
    () => true,
    () => false,
  )
  return Promise.race([flush, connection.closed().then(() => false)])
}
