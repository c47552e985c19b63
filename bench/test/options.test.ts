import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { parseOptions, usage } from '../src/options.ts'

const SYSTEMS = ['veth', 'tinc', 'wakunet']
const MAIN = path.join(import.meta.dirname, '../src/main.ts')

const bench = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })

test('without arguments all systems are measured three times, and quick is once', () => {
  const options = parseOptions([], SYSTEMS)
  assert.deepEqual([options.only, options.runs, options.quick, options.jsonFile], [[], 3, false, null])
  assert.equal(parseOptions(['--quick'], SYSTEMS).runs, 1)
  assert.equal(parseOptions(['--quick', '--runs', '5'], SYSTEMS).runs, 5)
})

test('systems are named once, with blanks or without', () => {
  assert.deepEqual(parseOptions(['--only', 'tinc, veth,tinc'], SYSTEMS).only, ['tinc', 'veth'])
})

test('wrong arguments are named, with what would be right', () => {
  const wrong: [string[], RegExp][] = [
    [['--only', 'tink'], /no system "tink".*veth, tinc, wakunet/],
    [['--only', ''], /no system ""/],
    [['--runs', '0'], /--runs: "0".*1 to 100/],
    [['--runs', '101'], /--runs: "101"/],
    [['--runs', 'x'], /--runs: "x"/],
    [['--json', ''], /--json/],
    [['--fast'], /--fast/],
    [['tinc'], /tinc/],
    [['--json'], /--json/],
  ]
  for (const [argv, message] of wrong) {
    assert.throws(() => parseOptions(argv, SYSTEMS), { code: 'ERR_USAGE', message }, argv.join(' '))
  }
})

test('the help names every option and every system', () => {
  const text = usage(SYSTEMS)
  for (const word of [
    ...SYSTEMS,
    '--only',
    '--quick',
    '--runs',
    '--json',
    '--install',
    '--stages',
    '--help',
  ]) {
    assert.ok(text.includes(word), word)
  }
})

test('the program prints its help with code 0, and ends with 2 and no stack trace for a wrong option', () => {
  const help = bench('--help')
  assert.equal(help.status, 0)
  assert.match(help.stdout, /Usage: npm run bench/)
  const wrong = bench('--only', 'tink')
  assert.equal(wrong.status, 2)
  assert.match(wrong.stderr, /there is no system "tink"/)
  assert.doesNotMatch(wrong.stderr, /\n\s+at /)
})
