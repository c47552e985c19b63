import type { Clock, Timer } from '@wakunet/interface'
import { Backoff } from '@wakunet/service-kit'

const FIRST_RETRY_MS = 100
/** What is waited for is on this host: trying is cheap, and control is to be back soon after it. */
const MAX_RETRY_MS = 2_000

/**
 * Runs `session` (connect, stay, return when the connection is gone) again and again, with backoff and
 * jitter in between, until the signal aborts.
 * @param session resolves with whether the connection had been good, which begins the backoff anew; must not reject
 */
export async function keepTrying(
  clock: Clock,
  signal: AbortSignal,
  session: () => Promise<boolean>,
): Promise<void> {
  const backoff = new Backoff({ initialMs: FIRST_RETRY_MS, maxMs: MAX_RETRY_MS, random: Math.random })
  while (!signal.aborted) {
    if (await session()) backoff.reset()
    if (!signal.aborted) await delay(clock, backoff.next(), signal)
  }
}

/** Resolves after `delayMs`, or as soon as `signal` aborts. */
function delay(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let timer: Timer | null = null
  const end = () => {
    timer?.cancel()
    signal.removeEventListener('abort', end)
    resolve()
  }
  timer = clock.setTimeout(end, delayMs)
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  return promise
}
