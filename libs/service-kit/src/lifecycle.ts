import { type Clock, type Logger, type Startable, WakunetError } from '@wakunet/interface'

export interface LifecyclePart {
  /** For the log, for example `trunk-peer`. */
  readonly name: string
  readonly part: Startable
}

export interface LifecycleComponents {
  readonly logger: Logger
  readonly clock: Clock
}

export interface LifecycleInit {
  /** In the order of starting; they stop in reverse. */
  readonly parts: readonly LifecyclePart[]
  /** Each part gets this long to stop before the next one is stopped. Default 5,000 ms. */
  readonly stopTimeoutMs?: number
}

type State = 'stopped' | 'starting' | 'started' | 'stopping'

/**
 * Several parts as one: starts them in order, stops them in reverse. A start that fails or is aborted stops
 * what had started. Stop never throws and never hangs: a part that fails or takes too long is logged.
 */
export class Lifecycle implements Startable {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #parts: readonly LifecyclePart[]
  readonly #stopTimeoutMs: number
  #started: LifecyclePart[] = []
  #state: State = 'stopped'
  #starting: Promise<void> | null = null
  #stopping: Promise<void> | null = null
  #abort = new AbortController()

  constructor({ logger, clock }: LifecycleComponents, { parts, stopTimeoutMs }: LifecycleInit) {
    this.#logger = logger
    this.#clock = clock
    this.#parts = parts
    this.#stopTimeoutMs = stopTimeoutMs ?? 5_000
  }

  get state(): State {
    return this.#state
  }

  start(signal?: AbortSignal): Promise<void> {
    if (this.#state === 'started') return Promise.resolve()
    if (this.#starting === null) {
      this.#abort = new AbortController()
      this.#starting = this.#startAll(this.#abort.signal, signal).finally(() => {
        this.#starting = null
      })
    }
    return this.#starting
  }

  async stop(): Promise<void> {
    this.#abort.abort(new WakunetError('ERR_NOT_STARTED', 'stopped before the start was complete'))
    // A failed start is told to whoever called start; here it only means that there is less to stop.
    await this.#starting?.catch(() => {})
    this.#stopping ??= this.#stopAll().finally(() => {
      this.#stopping = null
    })
    return this.#stopping
  }

  async #startAll(own: AbortSignal, outer?: AbortSignal): Promise<void> {
    await this.#stopping
    this.#state = 'starting'
    const signal = outer ? AbortSignal.any([outer, own]) : own
    try {
      for (const item of this.#parts) {
        signal.throwIfAborted()
        await item.part.start(signal)
        this.#started.push(item)
      }
      signal.throwIfAborted()
      this.#state = 'started'
    } catch (error) {
      await this.#stopAll()
      throw error
    }
  }

  async #stopAll(): Promise<void> {
    this.#state = 'stopping'
    for (let item = this.#started.pop(); item !== undefined; item = this.#started.pop())
      await this.#stopOne(item)
    this.#state = 'stopped'
  }

  async #stopOne({ name, part }: LifecyclePart): Promise<void> {
    const { promise: tooLate, resolve } = Promise.withResolvers<'late'>()
    const timer = this.#clock.setTimeout(() => resolve('late'), this.#stopTimeoutMs)
    try {
      const outcome = await Promise.race([part.stop(), tooLate])
      if (outcome === 'late')
        this.#logger.warn('a part did not stop in time', { part: name, timeoutMs: this.#stopTimeoutMs })
    } catch (error) {
      this.#logger.error('a part failed to stop', { part: name, error })
    } finally {
      timer.cancel()
    }
  }
}

/** Starts `parts` in order; what they return to stop them all in reverse. */
export async function startAll(
  components: LifecycleComponents,
  parts: readonly LifecyclePart[],
  signal?: AbortSignal,
): Promise<Lifecycle> {
  const lifecycle = new Lifecycle(components, { parts })
  await lifecycle.start(signal)
  return lifecycle
}
