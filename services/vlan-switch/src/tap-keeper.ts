import type { Clock, Logger, TapPort, Timer } from '@wakunet/interface'
import { RECORD_HEADROOM_BYTES } from '@wakunet/record'
import { Backoff } from '@wakunet/service-kit'
import { createDropCounters } from '@wakunet/switching'
import { addCounters } from './port-counters.ts'
import { type Random, randomUnit } from './random.ts'

/** What a port wants of the TAP that it opens. */
export interface TapRequest {
  readonly name: string
  readonly mac: string
  readonly mtu: number
  /** CIDR form. */
  readonly addresses: readonly string[]
  /** A Linux bridge that it becomes a port of; it has no addresses then. */
  readonly bridge?: string
  /** Free bytes before the first frame of a batch. */
  readonly headroomBytes: number
  readonly logger: Logger
}

export type OpenTap = (request: TapRequest) => TapPort

export interface TapKeeperComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly random: Random
  readonly openTap: OpenTap
}

export interface TapKeeperInit {
  readonly name: string
  readonly mac: string
  readonly mtu: number
  readonly addresses: readonly string[]
  /** A Linux bridge that the TAP becomes a port of; null for none. */
  readonly bridge: string | null
  /** Called with the TAP that came up, and with null when it is gone. */
  readonly onTap: (tap: TapPort | null) => void
}

const RETRY_INITIAL_MS = 1_000
const RETRY_MAX_MS = 60_000
/** A TAP that has lived this long was good: its failure is followed by a short delay again. */
const GOOD_AFTER_MS = 30_000
const MAX_ERROR_LENGTH = 512

const TAP_COUNTERS = [
  'framesRead',
  'bytesRead',
  'framesWritten',
  'bytesWritten',
  'writeRefused',
  'writeDropped',
] as const
export type TapTotals = Record<(typeof TAP_COUNTERS)[number], number>

/** Keeps one TAP open: opens it again with backoff when it fails, and keeps its addresses as they shall be. */
export class TapKeeper {
  failures = 0
  readonly #components: TapKeeperComponents
  readonly #init: TapKeeperInit
  readonly #backoff: Backoff
  readonly #past = createDropCounters(TAP_COUNTERS)
  #addresses: readonly string[]
  #tap: TapPort | null = null
  #opening: Promise<void> | null = null
  #configuring: Promise<void> = Promise.resolve()
  #retryTimer: Timer | null = null
  #upSinceMs = 0
  #lastError: string | null = null
  #closed = false

  constructor(components: TapKeeperComponents, init: TapKeeperInit) {
    this.#components = components
    this.#init = init
    this.#addresses = init.addresses
    this.#backoff = new Backoff({
      initialMs: RETRY_INITIAL_MS,
      maxMs: RETRY_MAX_MS,
      random: () => randomUnit(components.random),
    })
  }

  get isUp(): boolean {
    return this.#tap !== null
  }

  /** Why the TAP is not there; null while it is. */
  get lastError(): string | null {
    return this.#lastError
  }

  /** Counters of the TAP, and of those before it. */
  get totals(): TapTotals {
    const totals = { ...this.#past }
    if (this.#tap !== null) addCounters(totals, countersOf(this.#tap))
    return totals
  }

  /** Opens the TAP. @throws WakunetError what `openTap` throws; nothing is open then */
  async open(signal?: AbortSignal): Promise<void> {
    if (this.#tap !== null || this.#closed) return
    this.#opening ??= this.#open(signal).finally(() => {
      this.#opening = null
    })
    await this.#opening
  }

  /** The same, but a failure is noted and tried again later. */
  async openOrRetry(): Promise<void> {
    try {
      await this.open()
    } catch (error) {
      this.#retry(error)
    }
  }

  /** Closes the TAP for good. */
  async close(): Promise<void> {
    this.#closed = true
    this.#retryTimer?.cancel()
    this.#retryTimer = null
    await this.#opening?.catch(() => {})
    await this.#configuring
    await this.#detach()?.stop()
  }

  /** Changes the addresses; an interface that does not take them is opened again. */
  setAddresses(addresses: readonly string[]): void {
    this.#addresses = addresses
    const tap = this.#tap
    if (tap === null) return
    this.#configuring = this.#configuring.then(() => this.#configure(tap))
  }

  /** The carrier goes away for a moment, so that hosts behind the TAP ask for their addresses anew. */
  flapCarrier(): void {
    const tap = this.#tap
    if (tap === null) return
    this.#configuring = this.#configuring.then(() => this.#flap(tap))
  }

  async #flap(tap: TapPort): Promise<void> {
    if (this.#tap !== tap) return
    try {
      await tap.flapCarrier()
    } catch (error) {
      const { logger } = this.#components
      logger.warn('the carrier could not be taken away', { interface: this.#init.name, error })
    }
  }

  async #configure(tap: TapPort): Promise<void> {
    if (this.#tap !== tap) return
    try {
      await tap.setAddresses(this.#addresses)
    } catch (error) {
      this.#lose(tap, error)
      await tap.stop()
    }
  }

  async #open(signal?: AbortSignal): Promise<void> {
    const { name, mac, mtu, bridge, onTap } = this.#init
    const { openTap, clock, logger } = this.#components
    const addresses = this.#addresses
    const tap = openTap({
      name,
      mac,
      mtu,
      addresses,
      ...(bridge !== null && { bridge }),
      headroomBytes: RECORD_HEADROOM_BYTES,
      logger: logger.child('tap'),
    })
    const failure = Promise.withResolvers<never>()
    failure.promise.catch(() => {})
    tap.onError = failure.reject
    await Promise.race([tap.start(signal), failure.promise])
    if (this.#closed) return tap.stop()
    tap.onError = (error) => this.#lose(tap, error)
    this.#tap = tap
    this.#lastError = null
    this.#upSinceMs = clock.monotonicMs()
    onTap(tap)
    logger.info('interface is up', { interface: name, addresses })
    // They may have changed while the interface was being made.
    if (addresses !== this.#addresses) this.setAddresses(this.#addresses)
  }

  #lose(tap: TapPort, error: unknown): void {
    if (this.#tap !== tap) return
    if (this.#components.clock.monotonicMs() - this.#upSinceMs >= GOOD_AFTER_MS) this.#backoff.reset()
    this.#detach()
    this.#retry(error)
  }

  #detach(): TapPort | null {
    const tap = this.#tap
    if (tap === null) return null
    this.#tap = null
    tap.onError = null
    addCounters(this.#past, countersOf(tap))
    this.#init.onTap(null)
    return tap
  }

  #retry(error: unknown): void {
    this.failures++
    this.#lastError = (error instanceof Error ? error.message : String(error)).slice(0, MAX_ERROR_LENGTH)
    if (this.#closed) return
    const delayMs = this.#backoff.next()
    const { clock, logger } = this.#components
    logger.warn('interface failed, trying again', { interface: this.#init.name, delayMs, error })
    this.#retryTimer?.cancel()
    this.#retryTimer = clock.setTimeout(() => void this.openOrRetry(), delayMs)
  }
}

function countersOf(tap: TapPort): TapTotals {
  return Object.fromEntries(TAP_COUNTERS.map((name) => [name, tap.stats[name]])) as TapTotals
}
