/** Time as an argument, so that tests and the simulator own it. */
export interface Clock {
  /** Milliseconds that only ever grow; the origin has no meaning. For ages, timeouts, intervals. */
  monotonicMs(): number
  /** Wall clock in Unix milliseconds. Only for what people and other hosts see. */
  wallMs(): number
  /** Calls `run` once after `delayMs`. The timer alone does not keep the process alive. */
  setTimeout(run: () => void, delayMs: number): Timer
  /** Calls `run` every `periodMs`. */
  setInterval(run: () => void, periodMs: number): Timer
}

export interface Timer {
  cancel(): void
}
