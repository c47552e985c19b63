import { FIGURES, type FigureKey, type FigureSummaries } from './figures.ts'
import type { Machine } from './machine.ts'
import type { Run } from './measure.ts'
import type { MeasurePlan } from './plan.ts'
import type { SystemFailure } from './rounds.ts'
import { type Summary, summarize } from './statistics.ts'

/** What is said of a system beside its figures. */
export interface SystemFacts {
  readonly name: string
  readonly ours: boolean
  readonly layer: 2 | 3
  readonly crypto: string
  readonly version: string
}

export interface MissingSystem {
  readonly name: string
  readonly reason: string
  readonly install: string
}

/** Ours divided by the other's, medians; by figure. Null where the other's is 0. */
export type Ratios = Readonly<Record<FigureKey, number | null>>

/** What `--json` writes. `systems` is what programs compare; the rest says how it came about. */
export interface BenchReport {
  readonly machine: Machine
  readonly settings: { readonly runs: number; readonly quick: boolean; readonly plan: MeasurePlan }
  readonly systems: Readonly<Record<string, FigureSummaries>>
  readonly details: Readonly<Record<string, SystemDetails>>
  /** `ratios[ours][other]`. */
  readonly ratios: Readonly<Record<string, Readonly<Record<string, Ratios>>>>
  readonly missing: readonly MissingSystem[]
  readonly failures: readonly SystemFailure[]
}

export interface SystemDetails extends SystemFacts {
  readonly runs: readonly Run[]
  /** Peak resident memory (VmHWM), MiB. */
  readonly peakMiB: Summary
  readonly machineCpuSecondsPerGB: Summary
}

export interface ReportParts {
  readonly machine: Machine
  readonly settings: BenchReport['settings']
  readonly facts: readonly SystemFacts[]
  readonly runs: ReadonlyMap<string, readonly Run[]>
  readonly missing: readonly MissingSystem[]
  readonly failures: readonly SystemFailure[]
}

/** Systems without a single run are left out of the figures. */
export function buildReport(parts: ReportParts): BenchReport {
  const measured = parts.facts.flatMap((facts) => {
    const runs = parts.runs.get(facts.name) ?? []
    return runs.length === 0 ? [] : [{ facts, runs }]
  })
  const systems: Record<string, FigureSummaries> = {}
  const details: Record<string, SystemDetails> = {}
  for (const { facts, runs } of measured) {
    systems[facts.name] = summarizeFigures(runs)
    details[facts.name] = {
      ...facts,
      runs,
      peakMiB: summarize(runs.map((run) => run.details.peakMiB)),
      machineCpuSecondsPerGB: summarize(runs.map((run) => run.details.machineCpuSecondsPerGB)),
    }
  }
  const { machine, settings, missing, failures } = parts
  return { machine, settings, systems, details, ratios: compare(systems, parts.facts), missing, failures }
}

function summarizeFigures(runs: readonly Run[]): FigureSummaries {
  const entries = FIGURES.map(({ key }) => [key, summarize(runs.map(({ figures }) => figures[key]))] as const)
  return Object.fromEntries(entries) as Record<FigureKey, Summary>
}

function compare(
  systems: Readonly<Record<string, FigureSummaries>>,
  facts: readonly SystemFacts[],
): BenchReport['ratios'] {
  const ratios: Record<string, Record<string, Ratios>> = {}
  const measured = facts.filter(({ name }) => systems[name] !== undefined)
  for (const { name } of measured.filter(({ ours }) => ours)) {
    const others = measured.filter((other) => other.name !== name)
    ratios[name] = Object.fromEntries(
      others.map((other) => [other.name, divide(systems[name]!, systems[other.name]!)]),
    )
  }
  return ratios
}

function divide(ours: FigureSummaries, theirs: FigureSummaries): Ratios {
  const entries = FIGURES.map(({ key }) => {
    const divisor = theirs[key].median
    return [key, divisor === 0 ? null : ours[key].median / divisor] as const
  })
  return Object.fromEntries(entries) as Record<FigureKey, number | null>
}
