/**
 * `npm test`: the unit tests of every project (through Nx, which keeps the results of what has not changed), the
 * rules of the repository, and the integration tests, one after another. Ends with the totals of all of them.
 * `--unit` leaves the integration tests out.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { run } from './lib/process.ts'
import { allProjects, ROOT } from './lib/projects.ts'
import { isCi, RESULTS_FILE, readResults } from './lib/results.ts'

const UNIT_TIMEOUT_MS = 12 * 60_000
const INTEGRATION_TIMEOUT_S = 45 * 60

const { values } = parseArgs({ options: { unit: { type: 'boolean', default: false } } })

/** Folders whose tests have run, with the totals to be found there. */
const folders: string[] = []
let allOk = true

const projects = allProjects().filter(({ folder }) => folder !== 'integration-tests')
await unitTests()
await ownTests('scripts', ['--concurrency=2'])
if (!values.unit)
  await ownTests('integration-tests', [
    '--concurrency=1',
    '--progress',
    '--test-timeout=300',
    `--timeout=${INTEGRATION_TIMEOUT_S}`,
  ])
report()

async function unitTests(): Promise<void> {
  // A project whose run is cached gets its file back from the cache; one that did not run must not have any.
  for (const { folder } of projects) rmSync(join(ROOT, folder, RESULTS_FILE), { force: true })
  const names = projects.map(({ name }) => name).join(',')
  const { ok } = await run(
    'nx',
    ['run-many', '-t', 'test', `--projects=${names}`, '--parallel=2', '--outputStyle=static'],
    {
      cwd: ROOT,
      timeoutMs: UNIT_TIMEOUT_MS,
      output: 'show',
    },
  )
  allOk &&= ok
  folders.push(...projects.map(({ folder }) => folder))
}

/** Tests that depend on more than their own project, and are not cached for that reason. */
async function ownTests(folder: string, options: readonly string[]): Promise<void> {
  console.log(`\n${folder}`)
  const { ok } = await run(process.execPath, [join(import.meta.dirname, 'test-project.ts'), ...options], {
    cwd: join(ROOT, folder),
    timeoutMs: (INTEGRATION_TIMEOUT_S + 30) * 1_000,
    output: 'show',
  })
  allOk &&= ok
  folders.push(folder)
}

function report(): void {
  const totals = { passed: 0, failed: 0, skipped: 0 }
  console.log('')
  for (const folder of folders) {
    const results = readResults(join(ROOT, folder, RESULTS_FILE))
    if (results === null) {
      console.log(`✖ ${folder}: did not run to its end`)
      totals.failed++
      continue
    }
    const { passed, failed, skipped, durationMs } = results
    const mark = failed > 0 || passed === 0 ? '✖' : '✔'
    console.log(
      `${mark} ${folder}: ${passed} of ${passed + failed + skipped} tests in ${(durationMs / 1_000).toFixed(1)} s`,
    )
    totals.passed += passed
    totals.failed += failed
    totals.skipped += skipped
  }
  // A skipped test has shown nothing; in CI nobody reads that it was left out.
  const failed = totals.failed + (isCi ? totals.skipped : 0)
  if (totals.skipped > 0) console.log(`${totals.skipped} tests were skipped`)
  if (!allOk && failed === 0) console.log('a run failed although none of its tests did, see above')
  const counted = !allOk && failed === 0 ? 1 : failed
  console.log(`${totals.passed} passed, ${counted} failed`)
  process.exitCode = counted === 0 ? 0 : 1
}
