import type { Msg, NatsConnection } from '@nats-io/transport-node'
import {
  checkNatsPrefix,
  DEFAULT_NATS_PREFIX,
  keepTrying,
  type NatsCredentials,
  NatsLink,
} from '@wakunet/bus'
import { type Clock, type LaneClient, type Logger, MAX_LANE_MESSAGE_BYTES } from '@wakunet/interface'
import { LaneEndpoint } from './endpoint.ts'
import { checkLaneName } from './hello.ts'
import { NatsSender } from './nats-sender.ts'
import {
  decodeControl,
  downSubject,
  encodeControl,
  HEARTBEAT_MS,
  NO_SERVER,
  newId,
  parseDownKind,
  SILENCE_MS,
  type UpKind,
  upSubject,
} from './nats-wire.ts'

export interface NatsLaneClientInit {
  /** `host:port` or `nats://host:port`; tried one after the other. */
  readonly servers: readonly string[]
  /** First part of every subject; default `wakunet`. */
  readonly prefix?: string
  /** Under which it attaches; 1 to 64 letters, digits, "_" or "-". */
  readonly name: string
  readonly credentials?: NatsCredentials
  readonly logger: Logger
  readonly clock: Clock
}

interface Session {
  readonly id: string
  /** The server it is attached to; NO_SERVER before. */
  serverId: string
  heardAtMs: number
  readonly end: () => void
}

/**
 * The lane over NATS, the side that attaches. What does not fit between this process and NATS is dropped,
 * the newest first. Subjects: docs/protocols/lane.md.
 */
export class NatsLaneClient extends LaneEndpoint implements LaneClient {
  readonly #init: NatsLaneClientInit
  readonly #prefix: string
  readonly #link: NatsLink
  readonly #sender: NatsSender
  #session: Session | null = null
  #down: AbortController | null = null

  /** @throws WakunetError `ERR_CONFIG_INVALID` where name or prefix cannot be used */
  constructor(init: NatsLaneClientInit) {
    super(checkLaneName(init.name), init.logger)
    this.#init = init
    this.#prefix = checkNatsPrefix(init.prefix ?? DEFAULT_NATS_PREFIX)
    this.#sender = new NatsSender(init.logger)
    const handlers = { onConnecting: () => {}, onUp: () => this.#onUp(), onDown: () => this.#onDown() }
    const { logger, clock, servers, credentials } = init
    this.#link = new NatsLink(
      { logger, clock, handlers },
      { servers, name: `wakunet lane ${init.name}`, ...(credentials === undefined ? {} : { credentials }) },
    )
  }

  protected override get queuedBytes(): number {
    return this.#sender.queuedBytes
  }

  override send(parts: readonly Uint8Array[]): void {
    const bytes = this.measure(parts)
    const session = this.#session
    if (!this.connected || session === null) this.counters.messagesDropped++
    else this.#sender.send(this.#subject(session, 'data'), parts, bytes, this.counters)
  }

  /** Resolves after the first attempt to reach NATS, whether it succeeded or not. */
  async start(signal?: AbortSignal): Promise<void> {
    await this.#link.start(signal)
  }

  async stop(): Promise<void> {
    this.#down?.abort()
    if (this.#session !== null)
      this.#sender.sendControl(this.#subject(this.#session, 'bye'), new Uint8Array())
    this.#session?.end()
    await this.#link.stop()
  }

  #onUp(): void {
    const { connection } = this.#link
    if (connection === null) return
    this.#sender.use(connection)
    const down = new AbortController()
    this.#down = down
    keepTrying(this.#init.clock, down.signal, () => this.#attach(connection))
  }

  #onDown(): void {
    this.#down?.abort()
    this.#sender.use(null)
    this.#session?.end()
  }

  /** One session: says hello until it is answered, and on while it is. @returns whether it was attached */
  async #attach(connection: NatsConnection): Promise<boolean> {
    const { clock } = this.#init
    const ended = Promise.withResolvers<void>()
    const session: Session = {
      id: newId(),
      serverId: NO_SERVER,
      heardAtMs: clock.monotonicMs(),
      end: ended.resolve,
    }
    const subscription = connection.subscribe(downSubject(this.#prefix, this.name, session.id, '*'), {
      callback: (error, message) => {
        if (error === null) this.#onDownMessage(session, message)
      },
    })
    this.#session = session
    const heartbeat = clock.setInterval(() => this.#beat(session), HEARTBEAT_MS)
    this.#hello(session)
    await ended.promise
    heartbeat.cancel()
    if (!connection.isClosed()) subscription.unsubscribe()
    this.#session = null
    this.setConnected(false)
    return session.serverId !== NO_SERVER
  }

  #beat(session: Session): void {
    const silenceMs = this.#init.clock.monotonicMs() - session.heardAtMs
    if (this.connected && silenceMs >= SILENCE_MS) session.end()
    else this.#hello(session)
  }

  #hello(session: Session): void {
    this.#sender.sendControl(this.#subject(session, 'hello'), encodeControl(session.serverId))
  }

  #onDownMessage(session: Session, message: Msg): void {
    if (session !== this.#session) return
    const kind = parseDownKind(message.subject)
    if (kind === 'data') this.#onData(message.data)
    else if (kind === 'bye') session.end()
    else if (kind === 'welcome') this.#onWelcome(session, message.data)
    else this.counters.messagesInvalid++
  }

  #onData(data: Uint8Array): void {
    if (!this.connected || data.length > MAX_LANE_MESSAGE_BYTES) this.counters.messagesInvalid++
    else this.receive(data)
  }

  #onWelcome(session: Session, payload: Uint8Array): void {
    const serverId = decodeControl(payload)
    if (serverId === null || serverId === NO_SERVER) {
      this.counters.messagesInvalid++
      return
    }
    session.heardAtMs = this.#init.clock.monotonicMs()
    if (session.serverId === NO_SERVER) {
      session.serverId = serverId
      this.#init.logger.info('lane attached', { lane: this.name })
      this.setConnected(true)
    } else if (session.serverId !== serverId) session.end()
  }

  #subject(session: Session, kind: UpKind): string {
    return upSubject(this.#prefix, this.name, session.id, kind)
  }
}
