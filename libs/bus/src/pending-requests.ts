import type { Clock } from '@wakunet/interface'
import { WakunetError } from '@wakunet/interface'
import type { RequestOptions } from './bus.ts'
import { DEFAULT_REQUEST_TIMEOUT_MS, MAX_PENDING_REQUESTS, MAX_REQUEST_TIMEOUT_MS } from './limits.ts'
import type { TransportRequestOptions } from './transport.ts'

/** Requests that wait for their answer: every one ends by answer, timeout, abort or loss of the connection. */
export class PendingRequests {
  readonly #clock: Clock
  readonly #open = new Set<(reason: unknown) => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#open.size
  }

  /**
   * Runs `work` and waits for it, no longer than the options say.
   * @throws WakunetError `ERR_BUS_TIMEOUT`, `ERR_BUS_OVERLOADED`; the signal's reason; what `work` throws
   */
  async run<T>(
    subject: string,
    options: RequestOptions,
    work: (options: TransportRequestOptions) => Promise<T>,
  ): Promise<T> {
    options.signal?.throwIfAborted()
    if (this.#open.size >= MAX_PENDING_REQUESTS) throw tooManyRequests()
    const timeoutMs = Math.min(options.timeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS, MAX_REQUEST_TIMEOUT_MS)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const cancel = new AbortController()
    const onAbort = () => reject(options.signal?.reason)
    const timer = this.#clock.setTimeout(() => reject(noAnswer(subject, timeoutMs)), timeoutMs)
    options.signal?.addEventListener('abort', onAbort, { once: true })
    this.#open.add(reject)
    try {
      work({ timeoutMs, signal: cancel.signal }).then(resolve, reject)
      return await promise
    } finally {
      timer.cancel()
      options.signal?.removeEventListener('abort', onAbort)
      this.#open.delete(reject)
      cancel.abort()
    }
  }

  /** Ends every waiting request with `error`. */
  failAll(error: WakunetError): void {
    for (const reject of [...this.#open]) reject(error)
  }
}

function noAnswer(subject: string, timeoutMs: number): WakunetError {
  return new WakunetError('ERR_BUS_TIMEOUT', `no answer on ${subject} within ${timeoutMs} ms`)
}

function tooManyRequests(): WakunetError {
  return new WakunetError(
    'ERR_BUS_OVERLOADED',
    `${MAX_PENDING_REQUESTS} requests wait for their answer already; ask again later`,
  )
}
