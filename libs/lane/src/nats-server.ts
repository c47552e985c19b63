import type { Msg, NatsConnection } from '@nats-io/transport-node'
import { checkNatsPrefix, DEFAULT_NATS_PREFIX, type NatsCredentials, NatsLink } from '@wakunet/bus'
import {
  type Clock,
  type LaneConnection,
  type LaneServer,
  type Logger,
  MAX_LANE_MESSAGE_BYTES,
  type Timer,
} from '@wakunet/interface'
import { LaneEndpoint } from './endpoint.ts'
import { MAX_LANE_CLIENTS } from './limits.ts'
import { NatsSender } from './nats-sender.ts'
import {
  type DownKind,
  decodeControl,
  downSubject,
  encodeControl,
  HEARTBEAT_MS,
  NO_SERVER,
  newId,
  parseUpSubject,
  SILENCE_MS,
} from './nats-wire.ts'
import type { LaneServerStats } from './unix-server.ts'

export interface NatsLaneServerInit {
  /** `host:port` or `nats://host:port`; tried one after the other. */
  readonly servers: readonly string[]
  /** First part of every subject; default `wakunet`. One server a prefix. */
  readonly prefix?: string
  readonly credentials?: NatsCredentials
  readonly logger: Logger
  readonly clock: Clock
}

export interface NatsLaneServerStats extends LaneServerStats {
  /** Data of a session that is not attached: late, or invented. */
  readonly messagesUnattached: number
}

/**
 * The lane over NATS, the side that is attached to. start() does not fail when NATS is away. What does not
 * fit between this process and NATS is dropped, the newest first. Subjects: docs/protocols/lane.md.
 */
export class NatsLaneServer implements LaneServer {
  onConnection: ((connection: LaneConnection) => void) | null = null
  readonly #init: NatsLaneServerInit
  readonly #prefix: string
  readonly #link: NatsLink
  readonly #sender: NatsSender
  readonly #connections = new Map<string, NatsLaneConnection>()
  readonly #stats = { connectionsRefused: 0, connectionsReplaced: 0, messagesUnattached: 0 }
  /** Sessions that ended here, so that a late hello does not bring one back. */
  readonly #ended = new RecentSessions()
  #id = newId()
  #watch: Timer | null = null

  /** @throws WakunetError `ERR_CONFIG_INVALID` where the prefix is no NATS subject */
  constructor(init: NatsLaneServerInit) {
    this.#init = init
    this.#prefix = checkNatsPrefix(init.prefix ?? DEFAULT_NATS_PREFIX)
    this.#sender = new NatsSender(init.logger)
    const handlers = {
      onConnecting: (connection: NatsConnection) => this.#subscribe(connection),
      onUp: () => {},
      onDown: () => this.#onDown(),
    }
    const { logger, clock, servers, credentials } = init
    this.#link = new NatsLink(
      { logger, clock, handlers },
      { servers, name: 'wakunet lane server', ...(credentials === undefined ? {} : { credentials }) },
    )
  }

  get connections(): ReadonlyMap<string, LaneConnection> {
    return this.#connections
  }

  get stats(): NatsLaneServerStats {
    return { ...this.#stats }
  }

  /** Resolves after the first attempt to reach NATS, whether it succeeded or not. */
  async start(signal?: AbortSignal): Promise<void> {
    // Another id than before: clients of an earlier run must attach anew.
    if (this.#watch === null) this.#id = newId()
    this.#watch ??= this.#init.clock.setInterval(() => this.#dropSilent(), HEARTBEAT_MS / 2)
    await this.#link.start(signal)
  }

  async stop(): Promise<void> {
    this.#watch?.cancel()
    this.#watch = null
    for (const connection of [...this.#connections.values()]) this.#end(connection, true)
    await this.#link.stop()
  }

  #subscribe(connection: NatsConnection): void {
    // A hello may come, and wants its answer, before the link says that it is up.
    this.#sender.use(connection)
    connection.subscribe(`${this.#prefix}.lane.up.*.*.*`, {
      callback: (error, message) => {
        if (error === null) this.#onUpMessage(message)
      },
    })
  }

  #onDown(): void {
    this.#sender.use(null)
    for (const connection of [...this.#connections.values()]) this.#end(connection, false)
  }

  #onUpMessage(message: Msg): void {
    if (this.#watch === null) return
    const address = parseUpSubject(this.#prefix, message.subject)
    if (address === null) {
      this.#stats.connectionsRefused++
      return
    }
    const { name, session, kind } = address
    const attached = this.#connections.get(name)
    const connection = attached?.session === session ? attached : null
    if (kind === 'hello') this.#onHello(name, session, connection, message.data)
    else if (connection === null) this.#stats.messagesUnattached += kind === 'data' ? 1 : 0
    else if (kind === 'data') connection.take(message.data)
    else this.#end(connection, false)
  }

  #onHello(name: string, session: string, connection: NatsLaneConnection | null, payload: Uint8Array): void {
    const serverId = decodeControl(payload)
    if (serverId === null) this.#stats.connectionsRefused++
    else if (connection !== null) this.#welcome(connection)
    else if (serverId !== NO_SERVER || this.#ended.has(session)) this.#tell(name, session, 'bye')
    else this.#attach(name, session)
  }

  #attach(name: string, session: string): void {
    const older = this.#connections.get(name)
    if (older === undefined && this.#connections.size >= MAX_LANE_CLIENTS) {
      this.#stats.connectionsRefused++
      return
    }
    if (older !== undefined) {
      this.#stats.connectionsReplaced++
      this.#init.logger.warn('lane client gives way to a newer one of its name', { lane: name })
      this.#end(older, true)
    }
    const data = downSubject(this.#prefix, name, session, 'data')
    const connection = new NatsLaneConnection(name, this.#init.logger, session, this.#sender, data)
    this.#connections.set(name, connection)
    this.#welcome(connection)
    this.#init.logger.info('lane client attached', { lane: name })
    connection.attached(this.onConnection)
  }

  #welcome(connection: NatsLaneConnection): void {
    connection.heardAtMs = this.#init.clock.monotonicMs()
    this.#tell(connection.name, connection.session, 'welcome', encodeControl(this.#id))
  }

  #dropSilent(): void {
    const oldestMs = this.#init.clock.monotonicMs() - SILENCE_MS
    for (const connection of [...this.#connections.values()]) {
      if (connection.heardAtMs <= oldestMs) this.#end(connection, true)
    }
  }

  #end(connection: NatsLaneConnection, tell: boolean): void {
    const { name, session } = connection
    if (tell) this.#tell(name, session, 'bye')
    this.#ended.add(session)
    this.#connections.delete(name)
    this.#init.logger.info('lane client is gone', { lane: name })
    connection.end()
  }

  #tell(name: string, session: string, kind: DownKind, payload: Uint8Array = new Uint8Array()): void {
    this.#sender.sendControl(downSubject(this.#prefix, name, session, kind), payload)
  }
}

class NatsLaneConnection extends LaneEndpoint {
  readonly session: string
  heardAtMs = 0
  readonly #sender: NatsSender
  readonly #dataSubject: string

  constructor(name: string, logger: Logger, session: string, sender: NatsSender, dataSubject: string) {
    super(name, logger)
    this.session = session
    this.#sender = sender
    this.#dataSubject = dataSubject
  }

  /** Of the whole server: its connections share one window. */
  protected override get queuedBytes(): number {
    return this.#sender.queuedBytes
  }

  override send(parts: readonly Uint8Array[]): void {
    const bytes = this.measure(parts)
    if (this.connected) this.#sender.send(this.#dataSubject, parts, bytes, this.counters)
    else this.counters.messagesDropped++
  }

  take(message: Uint8Array): void {
    if (message.length > MAX_LANE_MESSAGE_BYTES) this.counters.messagesInvalid++
    else this.receive(message)
  }

  end(): void {
    this.setConnected(false)
  }
}

/** Remembers the last few session ids. */
class RecentSessions {
  readonly #sessions = new Set<string>()

  has(session: string): boolean {
    return this.#sessions.has(session)
  }

  add(session: string): void {
    this.#sessions.add(session)
    if (this.#sessions.size <= 4 * MAX_LANE_CLIENTS) return
    const [oldest] = this.#sessions
    if (oldest !== undefined) this.#sessions.delete(oldest)
  }
}
