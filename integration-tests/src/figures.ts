import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { TestContext } from 'node:test'

/** Where the figures of a run are kept as JSON, for the documentation; nowhere where it is not set. */
const FIGURES_FILE = process.env.TEST_FIGURES ?? ''

/** What a test measured: printed under the test, and kept under its name. */
export function tellFigures(t: TestContext, name: string, figures: Readonly<Record<string, unknown>>): void {
  t.diagnostic(`${name}: ${JSON.stringify(figures)}`)
  if (FIGURES_FILE === '') return
  const kept = existsSync(FIGURES_FILE) ? JSON.parse(readFileSync(FIGURES_FILE, 'utf8')) : {}
  writeFileSync(FIGURES_FILE, `${JSON.stringify({ ...kept, [name]: figures }, null, 2)}\n`)
}

export interface Spread {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Rounded; zeros where there is nothing. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (part: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0)
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) }
}
