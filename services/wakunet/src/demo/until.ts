import { setTimeout as pause } from 'node:timers/promises'

export interface UntilInit {
  readonly timeoutMs: number
  readonly periodMs: number
  readonly signal: AbortSignal
}

/**
 * Asks again and again until there is an answer.
 * @returns the answer, or null when the time is over
 * @throws what `look` throws, and the signal's reason
 */
export const until = async <T>(look: () => Promise<T | null>, init: UntilInit): Promise<T | null> => {
  const endMs = performance.now() + init.timeoutMs
  for (;;) {
    init.signal.throwIfAborted()
    const answer = await look()
    if (answer !== null || performance.now() >= endMs) return answer
    await pause(init.periodMs, undefined, { signal: init.signal })
  }
}
