import { setTimeout as pause } from 'node:timers/promises'

const DEFAULT_TIMEOUT_MS = 20_000
const DEFAULT_PERIOD_MS = 100

export interface WaitInit {
  readonly timeoutMs?: number
  readonly periodMs?: number
  /** Told with the failure: log tails, usually. */
  readonly explain?: () => string
}

/**
 * Asks again and again until `look` has an answer. An error that `look` throws counts as no answer and is told
 * when the time is over.
 * @param what completes "waited in vain for ..."
 * @throws Error when `timeoutMs` is over
 */
export async function waitUntil<T>(
  what: string,
  look: () => Promise<T | null | false>,
  { timeoutMs = DEFAULT_TIMEOUT_MS, periodMs = DEFAULT_PERIOD_MS, explain }: WaitInit = {},
): Promise<T> {
  const startMs = performance.now()
  for (;;) {
    let error: unknown = null
    try {
      const answer = await look()
      if (answer !== null && answer !== false) return answer
    } catch (thrown) {
      error = thrown
    }
    if (performance.now() - startMs >= timeoutMs) {
      const last = error instanceof Error ? `; last error: ${error.message}` : ''
      const more = explain === undefined ? '' : `\n${explain()}`
      throw new Error(`waited ${timeoutMs} ms in vain for ${what}${last}${more}`, { cause: error })
    }
    await pause(periodMs)
  }
}
