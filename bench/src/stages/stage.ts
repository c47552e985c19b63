/** One step of the frame path, measured alone. */
export interface Stage {
  readonly name: string
  /** Runs it for about so long. */
  run(seconds: number): Promise<StageResult>
}

/** CPU time is of the whole process, in which both ends of a stage run. */
export interface StageResult {
  readonly name: string
  readonly operations: number
  readonly bytes: number
  readonly wallSeconds: number
  readonly cpuSeconds: number
}

/** Counts what a stage does and how long it takes. */
export class StageMeter {
  operations = 0
  bytes = 0
  readonly #startedMs = performance.now()
  readonly #cpu = process.cpuUsage()

  /** Seconds since it was made. */
  get seconds(): number {
    return (performance.now() - this.#startedMs) / 1000
  }

  count(bytes: number): void {
    this.operations++
    this.bytes += bytes
  }

  result(name: string): StageResult {
    const { user, system } = process.cpuUsage(this.#cpu)
    return {
      name,
      operations: this.operations,
      bytes: this.bytes,
      wallSeconds: this.seconds,
      cpuSeconds: (user + system) / 1e6,
    }
  }
}

/** Looks at the clock only so often. */
const CALLS_PER_LOOK = 64

/** A stage that is one synchronous call, of so many payload bytes, again and again. */
export function callStage(name: string, bytes: number, call: () => void): Stage {
  return {
    name,
    async run(seconds) {
      // Once for the compiler.
      for (let i = 0; i < CALLS_PER_LOOK; i++) call()
      const meter = new StageMeter()
      do {
        for (let i = 0; i < CALLS_PER_LOOK; i++) {
          call()
          meter.count(bytes)
        }
      } while (meter.seconds < seconds)
      return meter.result(name)
    },
  }
}

/** Resolves when whatever waits in the event loop has had its turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
