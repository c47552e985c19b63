import {
  type LaneConnection,
  type LaneStats,
  type Logger,
  MAX_LANE_MESSAGE_BYTES,
  WakunetError,
} from '@wakunet/interface'
import { type LaneCounters, newLaneCounters } from './counters.ts'

/** One end of a lane: counters, handlers and the checks that all transports share. */
export abstract class LaneEndpoint implements LaneConnection {
  readonly name: string
  onMessage: ((message: Uint8Array) => void) | null = null
  onConnect: (() => void) | null = null
  onDisconnect: (() => void) | null = null
  protected readonly counters: LaneCounters = newLaneCounters()
  readonly #logger: Logger | undefined
  #connected = false
  #handlerFailed = false

  constructor(name: string, logger: Logger | undefined) {
    this.name = name
    this.#logger = logger
  }

  get connected(): boolean {
    return this.#connected
  }

  get stats(): LaneStats {
    return { ...this.counters, queuedBytes: this.queuedBytes }
  }

  protected abstract get queuedBytes(): number

  abstract send(parts: readonly Uint8Array[]): void

  /** Changes the state and tells the owner; nothing happens where it is that already. */
  protected setConnected(connected: boolean): void {
    if (this.#connected === connected) return
    this.#connected = connected
    this.#guarded(connected ? this.onConnect : this.onDisconnect)
  }

  /** For the server's side: connected from the start, and `onConnection` is how its owner learns of it. */
  attached(onConnection: ((connection: LaneConnection) => void) | null): void {
    this.#connected = true
    this.#guarded(() => onConnection?.(this))
  }

  /**
   * Total of the parts.
   * @throws WakunetError `ERR_LANE_MESSAGE_TOO_LARGE`, counted
   */
  protected measure(parts: readonly Uint8Array[]): number {
    let bytes = 0
    for (let i = 0; i < parts.length; i++) bytes += parts[i]!.length
    if (bytes <= MAX_LANE_MESSAGE_BYTES) return bytes
    this.counters.messagesInvalid++
    throw new WakunetError(
      'ERR_LANE_MESSAGE_TOO_LARGE',
      `a lane message of ${bytes} bytes is over the limit of ${MAX_LANE_MESSAGE_BYTES}`,
    )
  }

  /**
   * Hands one message to the owner. Without a handler it is dropped; a handler that throws loses this one
   * message, which counts as invalid, and is logged the first time: the lane goes on.
   */
  protected receive(message: Uint8Array): void {
    const handler = this.onMessage
    if (handler === null) {
      this.counters.messagesDropped++
      return
    }
    this.counters.messagesReceived++
    this.counters.bytesReceived += message.length
    try {
      handler(message)
    } catch (error) {
      this.counters.messagesInvalid++
      this.#logFailure(error)
    }
  }

  #guarded(handler: (() => void) | null): void {
    try {
      handler?.()
    } catch (error) {
      this.#logFailure(error)
    }
  }

  #logFailure(error: unknown): void {
    if (this.#handlerFailed) return
    this.#handlerFailed = true
    this.#logger?.error('lane handler failed; further failures are only counted', { lane: this.name, error })
  }
}
