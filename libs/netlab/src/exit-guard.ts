const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs clean-ups, synchronously, when the process ends while they are registered: by exit, by an uncaught
 * exception, or by a signal that nobody else handles. A program with a handler of its own for a signal keeps
 * it: it stops its lab, or exits, and the exit is seen here.
 */
export class ExitGuard {
  readonly #cleanups = new Set<() => void>()
  readonly #onExit = () => this.#runAll()
  readonly #onSignal = (signal: NodeJS.Signals) => {
    if (process.listenerCount(signal) > 1) return
    this.#runAll()
    this.#uninstall()
    // Ends the process as the signal would have done, so that whoever waits for it sees the truth.
    process.kill(process.pid, signal)
  }

  add(cleanup: () => void): void {
    if (this.#cleanups.size === 0) this.#install()
    this.#cleanups.add(cleanup)
  }

  remove(cleanup: () => void): void {
    if (this.#cleanups.delete(cleanup) && this.#cleanups.size === 0) this.#uninstall()
  }

  #runAll(): void {
    for (const cleanup of this.#cleanups) {
      try {
        cleanup()
      } catch {
        // The process is ending; the reaper has a second try.
      }
    }
  }

  #install(): void {
    process.on('exit', this.#onExit)
    // Before all others: a handler that was registered with `once` is no longer counted after it has run.
    for (const signal of SIGNALS) process.prependListener(signal, this.#onSignal)
  }

  #uninstall(): void {
    process.off('exit', this.#onExit)
    for (const signal of SIGNALS) process.off(signal, this.#onSignal)
  }
}

/** The one of this process. */
export const exitGuard = new ExitGuard()
