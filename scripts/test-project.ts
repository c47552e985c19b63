/**
 * Runs the tests of the project in the current folder: `node ../../scripts/test-project.ts [OPTIONS]`.
 * Tells failures, and leaves the totals in `.cache/test-results.json`. Fails as well when there was no test,
 * and, in CI, when a test was skipped.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { run } from './lib/process.ts'
import { isCi, RESULTS_FILE, readResults } from './lib/results.ts'

const { values } = parseArgs({
  options: {
    /** Test files at a time. */
    concurrency: { type: 'string', default: '2' },
    /** Seconds for one test. */
    'test-timeout': { type: 'string', default: '60' },
    /** Seconds for all of them. */
    timeout: { type: 'string', default: '240' },
    /** Names each test as it ends. */
    progress: { type: 'boolean', default: false },
  },
})

const project = process.cwd()
const resultsPath = join(project, RESULTS_FILE)
mkdirSync(join(project, '.cache'), { recursive: true })
rmSync(resultsPath, { force: true })
if (values.progress) process.env.TEST_PROGRESS = '1'
// Nx forces colours on what it runs. With NO_COLOR beside it Node warns on the standard error of every program, and
// tests read that.
delete process.env.FORCE_COLOR
delete process.env.NO_COLOR

const { ok } = await run(
  process.execPath,
  [
    '--test',
    `--test-concurrency=${values.concurrency}`,
    `--test-timeout=${Number(values['test-timeout']) * 1_000}`,
    `--test-reporter=${join(import.meta.dirname, 'reporters/compact.ts')}`,
    '--test-reporter-destination=stdout',
    `--test-reporter=${join(import.meta.dirname, 'reporters/results.ts')}`,
    `--test-reporter-destination=${resultsPath}`,
    'test/**/*.test.ts',
  ],
  { cwd: project, timeoutMs: Number(values.timeout) * 1_000, output: 'show' },
)

const results = readResults(resultsPath)
process.exitCode = ok && isGood() ? 0 : 1

function isGood(): boolean {
  if (results === null || results.passed + results.failed === 0) {
    console.log('  ✖ no test ran')
    return false
  }
  if (isCi && results.skipped > 0) {
    console.log(`  ✖ ${results.skipped} tests were skipped: in CI that is a failure`)
    return false
  }
  return true
}
