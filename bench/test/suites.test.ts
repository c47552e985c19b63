import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { WakunetError } from '@wakunet/interface'
import { sameThirdParties } from '../src/against/lock-file.ts'
import { runSuites } from '../src/run-suites.ts'
import type { Suite } from '../src/suite.ts'
import { SUITES, suitesOf } from '../src/suites.ts'

const OPTIONS = {
  help: false,
  only: [],
  quick: false,
  runs: 3,
  runsGiven: false,
  jsonFile: null,
  install: false,
  stages: false,
  suites: [],
  against: null,
}
const { signal } = new AbortController()

function suiteOf(name: string, run: () => object): Suite {
  return {
    name,
    about: `about ${name}`,
    run: async () => ({ report: run(), text: `text of ${name}`, failures: [] }),
  }
}

async function runAll(suites: Suite[], jsonFile: string | null = null) {
  const printed: string[] = []
  const output = { print: (text: string) => printed.push(text), progress: () => {} }
  const report = await runSuites({ ...OPTIONS, jsonFile }, suites, output, signal)
  return { report, printed: printed.join('\n') }
}

test('suites run in the order of the list, the comparison with a commit last', () => {
  const names = SUITES.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  const chosen = suitesOf({ suites: [...names].reverse(), against: 'HEAD' }).map(({ name }) => name)
  assert.deepEqual(chosen, [...names, 'against'])
  assert.deepEqual(suitesOf({ suites: [], against: null }), [])
})

test('each suite is printed, and written under its name', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'wakunet-bench-'))
  try {
    const file = path.join(directory, 'report.json')
    const suites = [suiteOf('one', () => ({ a: 1 })), suiteOf('two', () => ({ b: 2 }))]
    const { report, printed } = await runAll(suites, file)
    assert.deepEqual(report.suites, { one: { a: 1 }, two: { b: 2 } })
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), JSON.parse(JSON.stringify(report)))
    assert.match(printed, /── one: about one\n\ntext of one/)
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('a suite runs once, or as often as it wants or the command line says', async () => {
  const seen: number[] = []
  const counting = (defaultRuns?: number): Suite => ({
    ...suiteOf('x', () => ({})),
    ...(defaultRuns !== undefined && { defaultRuns }),
    run: async ({ runs }) => {
      seen.push(runs)
      return { report: {}, text: '', failures: [] }
    },
  })
  const output = { print: () => {}, progress: () => {} }
  for (const options of [
    OPTIONS,
    { ...OPTIONS, runs: 5, runsGiven: true },
    { ...OPTIONS, quick: true, runs: 1 },
  ])
    await runSuites(options, [counting(), counting(3)], output, signal)
  assert.deepEqual(seen, [1, 3, 5, 5, 1, 1])
})

test('a suite that cannot run is named and does not keep the others from it', async () => {
  const broken = suiteOf('broken', () => {
    throw new WakunetError('ERR_MISSING_PROGRAM', 'nft is not there')
  })
  const { report, printed } = await runAll([broken, suiteOf('two', () => ({ b: 2 }))])
  assert.deepEqual(report.failures, [{ name: 'broken', reason: 'nft is not there' }])
  assert.deepEqual(report.suites, { two: { b: 2 } })
  assert.match(printed, /broken: nft is not there/)
})

test('a wrong argument, and a fault of the bench itself, end it', async () => {
  for (const error of [new WakunetError('ERR_USAGE', 'no such commit'), new TypeError('x')]) {
    const broken = suiteOf('broken', () => {
      throw error
    })
    await assert.rejects(runAll([broken]), error)
  }
})

const lockOf = (packages: object) => JSON.stringify({ name: 'x', lockfileVersion: 3, packages })

test('lock files are the same where their third-party packages are, whatever our own are', () => {
  const zod = { 'node_modules/zod': { version: '4.0.0', integrity: 'sha512-a' } }
  const base = lockOf({ '': {}, 'libs/a': { version: '1' }, ...zod })
  const more = lockOf({ '': {}, 'node_modules/@wakunet/b': { link: true, resolved: 'libs/b' }, ...zod })
  assert.ok(sameThirdParties(base, more))
  assert.ok(!sameThirdParties(base, lockOf({})))
  const newer = { 'node_modules/zod': { version: '4.0.0', integrity: 'sha512-b' } }
  assert.ok(!sameThirdParties(base, lockOf(newer)))
  assert.ok(!sameThirdParties(base, lockOf({ 'libs/a/node_modules/zod': zod['node_modules/zod'] })))
  for (const text of ['', '{}', '[]', '{"packages":1}'])
    assert.throws(() => sameThirdParties(base, text), { code: 'ERR_DECODE' })
})
