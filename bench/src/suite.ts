import type { SystemFailure } from './rounds.ts'

/** What a suite may ask for while it runs. */
export interface SuiteContext {
  readonly quick: boolean
  /** Names of systems that `--only` names; empty for the suite's own choice. */
  readonly only: readonly string[]
  readonly runs: number
  readonly progress: (text: string) => void
  readonly signal: AbortSignal
}

export interface SuiteOutcome {
  /** For JSON. */
  readonly report: object
  /** For people. */
  readonly text: string
  readonly failures: readonly SystemFailure[]
}

/** Something else than the comparison of two hosts that the bench can measure. */
export interface Suite {
  /** What `--suite` calls it, and its key in the JSON report. */
  readonly name: string
  /** One line for the help. */
  readonly about: string
  /** Runs of each system, where the command line says nothing. Default 1: a suite has many parts, and takes its time. */
  readonly defaultRuns?: number
  /** @throws WakunetError where nothing could be measured */
  run(context: SuiteContext): Promise<SuiteOutcome>
}
