import type { Clock, Timer } from '@wakunet/interface'

/** The machine's own time. Timers do not keep the process alive. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimeout(run: () => void, delayMs: number): Timer {
    const handle = setTimeout(run, delayMs).unref()
    return { cancel: () => clearTimeout(handle) }
  },
  setInterval(run: () => void, periodMs: number): Timer {
    const handle = setInterval(run, periodMs).unref()
    return { cancel: () => clearInterval(handle) }
  },
}
