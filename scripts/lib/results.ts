import { readFileSync } from 'node:fs'

/** What one run of one project's tests came to; written by `reporters/results.ts`. */
export interface TestResults {
  readonly passed: number
  /** Cancelled ones included. */
  readonly failed: number
  /** Left out or marked as to do. */
  readonly skipped: number
  readonly durationMs: number
}

/** Relative to the project's folder; an output of the Nx target, so that a cached run has it too. */
export const RESULTS_FILE = '.cache/test-results.json'

export function readResults(path: string): TestResults | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as TestResults
  } catch {
    return null
  }
}

/** Where a test that did not run counts as one that failed: nobody is there to read that it was left out. */
export const isCi = process.env.CI === 'true' || process.env.CI === '1'
