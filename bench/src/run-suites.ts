import { WakunetError } from '@wakunet/interface'
import { writeReport } from './json-file.ts'
import { describeMachine, type Machine } from './machine.ts'
import type { BenchOptions } from './options.ts'
import type { SystemFailure } from './rounds.ts'
import type { BenchOutput } from './run-bench.ts'
import type { Suite } from './suite.ts'

/** What `--json` writes for suites: each under its name. */
export interface SuitesReport {
  readonly machine: Machine
  /** By suite. */
  readonly settings: Readonly<Record<string, { readonly runs: number; readonly quick: boolean }>>
  readonly suites: Readonly<Record<string, object>>
  readonly failures: readonly SystemFailure[]
}

/**
 * Runs the suites one after the other, prints each when it is done, and writes all.
 * One that cannot run does not keep the others from it.
 */
export async function runSuites(
  options: BenchOptions,
  suites: readonly Suite[],
  output: BenchOutput,
  signal: AbortSignal,
): Promise<SuitesReport> {
  const machine = await describeMachine()
  const reports: Record<string, object> = {}
  const settings: Record<string, { runs: number; quick: boolean }> = {}
  const failures: SystemFailure[] = []
  const { quick, only } = options
  const progress = (text: string) => output.progress(text)
  for (const suite of suites) {
    signal.throwIfAborted()
    try {
      const runs = options.runsGiven || quick ? options.runs : (suite.defaultRuns ?? 1)
      const outcome = await suite.run({ quick, only, runs, progress, signal })
      settings[suite.name] = { runs, quick }
      reports[suite.name] = outcome.report
      failures.push(
        ...outcome.failures.map(({ name, reason }) => ({ name: `${suite.name}: ${name}`, reason })),
      )
      output.print(`── ${suite.name}: ${suite.about}\n\n${outcome.text}\n`)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof WakunetError) || error.code === 'ERR_USAGE') throw error
      failures.push({ name: suite.name, reason: error.message })
    }
    // After each, so that what was measured is there even if a later one ends it all.
    writeReport(options.jsonFile, { machine, settings, suites: reports, failures })
  }
  if (failures.length > 0)
    output.print(
      ['Failed:', ...failures.map(({ name, reason }) => `  ${name}: ${firstLines(reason)}`)].join('\n'),
    )
  return { machine, settings, suites: reports, failures }
}

/** JSON has all of it. */
const SHOWN_LINES = 8

function firstLines(text: string): string {
  return text.split('\n').slice(0, SHOWN_LINES).join('\n')
}
