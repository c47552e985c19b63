import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { parseOptions, usage } from '../src/options.ts'

const NAMES = {
  systems: ['veth', 'tinc', 'wakunet'],
  suites: [
    { name: 'switch', about: 'the switch alone' },
    { name: 'hosts', about: 'eight hosts' },
  ],
}
const MAIN = path.join(import.meta.dirname, '../src/main.ts')

const bench = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })

test('without arguments all systems are measured three times, and quick is once', () => {
  const options = parseOptions([], NAMES)
  assert.deepEqual([options.only, options.runs, options.quick, options.jsonFile], [[], 3, false, null])
  assert.equal(parseOptions(['--quick'], NAMES).runs, 1)
  assert.equal(parseOptions(['--quick', '--runs', '5'], NAMES).runs, 5)
})

test('systems are named once, with blanks or without', () => {
  assert.deepEqual(parseOptions(['--only', 'tinc, veth,tinc'], NAMES).only, ['tinc', 'veth'])
})

test('suites are named like systems, and all of them by one word', () => {
  assert.deepEqual(parseOptions([], NAMES).suites, [])
  assert.deepEqual(parseOptions(['--suite', 'hosts, switch,hosts'], NAMES).suites, ['hosts', 'switch'])
  assert.deepEqual(parseOptions(['--suite', 'all'], NAMES).suites, ['switch', 'hosts'])
})

test('a commit is named as git does', () => {
  assert.equal(parseOptions([], NAMES).against, null)
  for (const commit of ['df2f46e', 'HEAD~1', 'origin/main', 'v0.1.0', '@{1}', 'HEAD^'])
    assert.equal(parseOptions(['--suite', 'switch', '--against', commit], NAMES).against, commit)
})

test('wrong arguments are named, with what would be right', () => {
  const wrong: [string[], RegExp][] = [
    [['--only', 'tink'], /no system "tink".*veth, tinc, wakunet/],
    [['--only', ''], /no system ""/],
    [['--runs', '0'], /--runs: "0".*1 to 100/],
    [['--runs', '101'], /--runs: "101"/],
    [['--runs', 'x'], /--runs: "x"/],
    [['--json', ''], /--json/],
    [['--suite', 'swith'], /no suite "swith".*switch, hosts/],
    [['--against', ''], /--against: ""/],
    [['--against', '--output=x'], /--against/],
    [['--against=-x'], /"-x" is not the name of a commit/],
    [['--stages', '--suite', 'switch'], /--stages is measured alone/],
    [['--stages', '--against', 'HEAD'], /--stages is measured alone/],
    [['--fast'], /--fast/],
    [['tinc'], /tinc/],
    [['--json'], /--json/],
  ]
  for (const [argv, message] of wrong) {
    assert.throws(() => parseOptions(argv, NAMES), { code: 'ERR_USAGE', message }, argv.join(' '))
  }
})

test('the help names every option and every system', () => {
  const text = usage(NAMES)
  for (const word of [
    ...NAMES.systems,
    ...NAMES.suites.flatMap(({ name, about }) => [name, about]),
    '--only',
    '--quick',
    '--runs',
    '--json',
    '--install',
    '--stages',
    '--suite',
    '--against',
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
