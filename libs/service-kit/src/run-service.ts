import { constants } from 'node:os'
import type { Clock, Logger } from '@wakunet/interface'
import { EXIT, errorText, exitCodeOf } from './exit-codes.ts'
import { Lifecycle, type LifecyclePart } from './lifecycle.ts'

/** What a service is made of, ready to start. */
export interface BuiltService {
  readonly logger: Logger
  readonly clock: Clock
  /** In the order of starting. */
  readonly parts: readonly LifecyclePart[]
}

/** The process, as far as `runService` touches it. Tests give another one. */
export interface ServiceHost {
  on(event: string, listener: (argument: unknown) => void): unknown
  off(event: string, listener: (argument: unknown) => void): unknown
  exit(code: number): void
  readonly stderr: { write(text: string): unknown }
}

export interface RunServiceInit {
  /** Reads the configuration and wires the components; opens nothing yet. */
  readonly build: () => BuiltService | Promise<BuiltService>
  /** From the first signal to a forced exit. Default 10,000 ms. */
  readonly stopTimeoutMs?: number
  readonly host?: ServiceHost
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/**
 * The life of a service process: build, start, run until SIGTERM or SIGINT, stop in reverse within the
 * deadline, exit 0. A second signal exits at once. An error that nobody caught is logged and ends the process
 * with 1: the state of the program is unknown then. Faults of input exit with 2 and a message without stack.
 */
export async function runService(init: RunServiceInit): Promise<void> {
  const host = init.host ?? (process as unknown as ServiceHost)
  let service: BuiltService
  try {
    service = await init.build()
  } catch (error) {
    host.stderr.write(`${errorText(error)}\n`)
    host.exit(exitCodeOf(error))
    return
  }
  await new ServiceRun(host, service, init.stopTimeoutMs ?? 10_000).run()
}

class ServiceRun {
  readonly #host: ServiceHost
  readonly #service: BuiltService
  readonly #stopTimeoutMs: number
  readonly #lifecycle: Lifecycle
  /** A promise alone does not keep a process alive, and a service may have nothing else that does. */
  readonly #keepAlive = setInterval(() => {}, 2 ** 30)
  #stopping = false

  constructor(host: ServiceHost, service: BuiltService, stopTimeoutMs: number) {
    this.#host = host
    this.#service = service
    this.#stopTimeoutMs = stopTimeoutMs
    this.#lifecycle = new Lifecycle(service, { parts: service.parts, stopTimeoutMs })
  }

  async run(): Promise<void> {
    for (const signal of SIGNALS) this.#host.on(signal, this.#onSignal)
    this.#host.on('uncaughtException', this.#onUncaught)
    this.#host.on('unhandledRejection', this.#onUncaught)
    try {
      await this.#lifecycle.start()
      this.#service.logger.info('started')
    } catch (error) {
      if (this.#stopping) return
      this.#service.logger.error('start failed', { error })
      this.#host.stderr.write(`${errorText(error)}\n`)
      this.#exit(exitCodeOf(error))
    }
  }

  readonly #onSignal = (name: unknown): void => {
    const signal = name === 'SIGINT' ? 'SIGINT' : 'SIGTERM'
    if (this.#stopping) {
      this.#service.logger.warn('second signal, exiting at once', { signal })
      this.#exit(128 + constants.signals[signal])
      return
    }
    this.#stopping = true
    this.#service.logger.info('stopping', { signal })
    void this.#stop()
  }

  async #stop(): Promise<void> {
    const deadline = this.#service.clock.setTimeout(() => {
      this.#service.logger.error('not stopped in time, exiting', { timeoutMs: this.#stopTimeoutMs })
      this.#exit(EXIT.failed)
    }, this.#stopTimeoutMs)
    await this.#lifecycle.stop()
    deadline.cancel()
    this.#service.logger.info('stopped')
    this.#exit(EXIT.ok)
  }

  readonly #onUncaught = (error: unknown): void => {
    this.#service.logger.error('uncaught error, exiting', { error })
    this.#exit(EXIT.failed)
  }

  #exit(code: number): void {
    clearInterval(this.#keepAlive)
    for (const signal of SIGNALS) this.#host.off(signal, this.#onSignal)
    this.#host.off('uncaughtException', this.#onUncaught)
    this.#host.off('unhandledRejection', this.#onUncaught)
    this.#host.exit(code)
  }
}
