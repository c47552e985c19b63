import type { SystemFailure } from './rounds.ts'
import { type Summary, summarize } from './statistics.ts'
import { formatFigure, renderTable } from './table.ts'

/** A column of a report. */
export interface FigureInfo<K extends string = string> {
  /** In JSON. */
  readonly key: K
  readonly title: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
}

/** One run. */
export type FigureRun<K extends string> = Readonly<Record<K, number>>

/** What a suite writes that measures systems, or ways to run them. */
export interface FigureReport<K extends string = string> {
  readonly systems: Readonly<Record<string, Readonly<Record<K, Summary>>>>
  /** `ratios[ours][other]`: medians, ours divided by the other's; null where that is 0. */
  readonly ratios: Readonly<Record<string, Readonly<Record<string, Readonly<Record<K, number | null>>>>>>
  readonly runs: Readonly<Record<string, readonly FigureRun<K>[]>>
  readonly failures: readonly SystemFailure[]
}

export interface FigureReportInit<K extends string> {
  readonly figures: readonly FigureInfo<K>[]
  readonly runs: ReadonlyMap<string, readonly FigureRun<K>[]>
  /** Who is compared with whom; default: nobody. */
  readonly ratios?: readonly (readonly [ours: string, other: string])[]
  readonly failures: readonly SystemFailure[]
}

export function buildFigureReport<K extends string>(init: FigureReportInit<K>): FigureReport<K> {
  const { figures, failures } = init
  const keys = figures.map(({ key }) => key)
  const systems = Object.fromEntries(
    [...init.runs].map(([name, runs]) => [
      name,
      recordOf(keys, (key) => summarize(runs.map((run) => run[key]))),
    ]),
  )
  const ratios: Record<string, Record<string, Record<K, number | null>>> = {}
  for (const [ours, other] of init.ratios ?? []) {
    const [a, b] = [systems[ours], systems[other]]
    if (a === undefined || b === undefined) continue
    ratios[ours] ??= {}
    ratios[ours][other] = recordOf(keys, (key) => divide(a[key].median, b[key].median))
  }
  return { systems, ratios, runs: Object.fromEntries(init.runs), failures }
}

/** Medians, one row for each system, and a row for each ratio. @param first heading of the first column */
export function renderFigureReport<K extends string>(
  first: string,
  figures: readonly FigureInfo<K>[],
  { systems, ratios }: FigureReport<K>,
): string {
  const heading = [first, ...figures.map(({ title, unit }) => `${title} ${unit}`)]
  const rows = Object.entries<Readonly<Record<K, Summary>>>(systems).map(([name, summaries]) => [
    name,
    ...figures.map(({ key }) => formatFigure(summaries[key].median)),
  ])
  const shares = Object.entries(ratios).flatMap(([ours, others]) =>
    Object.entries(others).map(([other, ratio]) => [
      `${ours} / ${other}`,
      ...figures.map(({ key }) => (ratio[key] === null ? '-' : formatFigure(ratio[key]))),
    ]),
  )
  const tables = [renderTable(heading, rows)]
  if (shares.length > 0) {
    const arrows = figures.map(({ title, better }) => `${title} ${better === 'higher' ? '▲' : '▼'}`)
    tables.push(renderTable(['ratio', ...arrows], shares))
  }
  return tables.join('\n\n')
}

function recordOf<K extends string, V>(keys: readonly K[], value: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<K, V>
}

function divide(a: number, b: number): number | null {
  return b === 0 ? null : a / b
}
