import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { tempDir } from '@wakunet/testing'
import { ROOT } from '../lib/projects.ts'
import { RESULTS_FILE, readResults } from '../lib/results.ts'

/** Runs `scripts/test-project.ts` on a project made of the given test files. */
async function runProject(
  t: TestContext,
  files: Record<string, string>,
  options: readonly string[] = [],
  ci = 'false',
) {
  const folder = await tempDir(t)
  mkdirSync(join(folder, 'test'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  for (const [name, code] of Object.entries(files))
    writeFileSync(join(folder, 'test', name), `import { test } from 'node:test'\n${code}`)
  // A test run inside a test run would report to the outer one.
  const { NODE_TEST_CONTEXT: _, TEST_PROGRESS: __, ...env } = process.env
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(ROOT, 'scripts/test-project.ts'), ...options],
    {
      cwd: folder,
      encoding: 'utf8',
      env: { ...env, CI: ci },
    },
  )
  return { status, stdout, results: readResults(join(folder, RESULTS_FILE)) }
}

test('passed tests are counted over all files, without a word', async (t) => {
  const { status, stdout, results } = await runProject(t, {
    'a.test.ts': "test('a', () => {}); test('b', async (t) => { await t.test('c', () => {}) })",
    'b.test.ts': "test('d', () => {})",
  })
  assert.equal(status, 0)
  assert.equal(stdout, '')
  assert.deepEqual({ ...results, durationMs: 0 }, { passed: 4, failed: 0, skipped: 0, durationMs: 0 })
})

test('a failure is told with its name, place, reason and what the file printed', async (t) => {
  const { status, stdout, results } = await runProject(t, {
    'a.test.ts': "test('is right', () => { console.error('a hint'); throw new Error('is wrong') })",
  })
  assert.equal(status, 1)
  assert.match(stdout, /✖ is right \(test\/a\.test\.ts:2\)\n\s+Error: is wrong/)
  assert.match(stdout, /a hint/)
  assert.equal(results?.failed, 1)
})

test('a file that cannot be loaded is a failure with its reason', async (t) => {
  const { status, stdout, results } = await runProject(t, { 'a.test.ts': "import './missing.ts'" })
  assert.equal(status, 1)
  assert.match(stdout, /Cannot find module/)
  assert.equal(results?.failed, 1)
})

test('a project without a test fails', async (t) => {
  const { status, stdout } = await runProject(t, {})
  assert.equal(status, 1)
  assert.match(stdout, /no test ran/)
})

test('a skipped test is told, and fails in CI', async (t) => {
  const files = { 'a.test.ts': "test('a', () => {}); test('b', { skip: 'no tun' }, () => {})" }
  const here = await runProject(t, files)
  assert.equal(here.status, 0)
  assert.match(here.stdout, /− b — skipped: no tun/)
  assert.equal((await runProject(t, files, [], 'true')).status, 1)
})

test('a test that hangs is ended and fails', async (t) => {
  const hanging = "test('hangs', () => new Promise((r) => setTimeout(r, 3_000)))"
  const { status, results } = await runProject(t, { 'a.test.ts': hanging }, ['--test-timeout=1'])
  assert.equal(status, 1)
  assert.equal(results?.failed, 1)
})
