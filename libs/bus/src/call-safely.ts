import type { Logger } from '@wakunet/interface'

/**
 * Calls code that somebody else registered. What it throws, also later where it is an async function, is
 * logged and goes no further: one handler must not take the bus down.
 */
export function callSafely(logger: Logger, what: string, call: () => unknown): void {
  const failed = (error: unknown) => logger.error(`${what} failed`, { error })
  try {
    const result = call()
    if (result instanceof Promise) result.catch(failed)
  } catch (error) {
    failed(error)
  }
}
