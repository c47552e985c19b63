import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Tells that somebody wants the program to end. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal
}

/** Turns the first signal into an abort, so that a command can clean up; a second one ends the process at once. */
export const processInterruption = (): Interruption => {
  const controller = new AbortController()
  const onSignal = (name: (typeof SIGNALS)[number]): void => {
    if (controller.signal.aborted) process.exit(128 + constants.signals[name])
    controller.abort()
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of SIGNALS) process.off(name, onSignal)
    },
  }
}
