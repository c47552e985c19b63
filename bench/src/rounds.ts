/** A system that broke while it was measured; it is left out from then on. */
export interface SystemFailure {
  readonly name: string
  readonly reason: string
}

/** Something with a name; its figures are kept under it. */
interface Named {
  readonly name: string
}

export interface RoundsInit<S extends Named, R> {
  readonly systems: readonly S[]
  readonly runs: number
  readonly signal: AbortSignal
  measure(system: S): Promise<R>
  /** Called after each measurement with the run's number, from 1. */
  onRun(system: S, run: number, result: R): void
  onFailure(failure: SystemFailure): void
}

export interface RoundsResult<R> {
  readonly runs: ReadonlyMap<string, readonly R[]>
  readonly failures: readonly SystemFailure[]
}

/** Measures every system once, then all of them again: what disturbs the machine for a while, disturbs all alike. */
export async function runRounds<S extends Named, R>(init: RoundsInit<S, R>): Promise<RoundsResult<R>> {
  const runs = new Map<string, R[]>()
  const failures: SystemFailure[] = []
  let standing = init.systems
  for (let round = 1; round <= init.runs; round++) {
    for (const system of standing) {
      init.signal.throwIfAborted()
      try {
        const result = await init.measure(system)
        runs.set(system.name, [...(runs.get(system.name) ?? []), result])
        init.onRun(system, round, result)
      } catch (error) {
        init.signal.throwIfAborted()
        const failure = { name: system.name, reason: error instanceof Error ? error.message : String(error) }
        failures.push(failure)
        init.onFailure(failure)
      }
    }
    standing = standing.filter(({ name }) => failures.every((failure) => failure.name !== name))
  }
  return { runs, failures }
}
