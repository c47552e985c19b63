import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Command } from 'commander'
import { buildProgram } from '../src/command-line.ts'
import { runCli } from './cli-harness.ts'

const program = buildProgram({
  terminal: { stdout: { write: () => {} }, stderr: { write: () => {} }, env: {} },
  self: [],
  openClient: () => Promise.reject(new Error('not in this test')),
  interruption: () => ({ signal: new AbortController().signal, [Symbol.dispose]: () => {} }),
  exitWith: () => {},
})

/** Every command that people see, with the words that lead to it. */
const pathsOf = (command: Command, path: readonly string[] = []): readonly (readonly string[])[] => [
  path,
  ...command
    .createHelp()
    .visibleCommands(command)
    .flatMap((child) => pathsOf(child, [...path, child.name()])),
]

describe('help', () => {
  test('there are the commands that the README names', () => {
    const names = pathsOf(program).map((path) => path.join(' '))
    assert.deepEqual(names, [
      '',
      'up',
      'status',
      'peers',
      'trace',
      'vlan',
      'vlan create',
      'vlan edit',
      'vlan browse',
      'vlan join',
      'vlan leave',
      'vlan list',
      'vlan show',
      'vlan link',
      'vlan publish',
      'vlan unpublish',
      'demo',
      'doctor',
      'completion',
    ])
  })

  for (const path of pathsOf(program)) {
    const name = ['wakunet', ...path].join(' ')
    test(`"${name} --help" has examples and the global options, on stdout, with exit code 0`, async (t) => {
      const run = await runCli([...path, '--help'])
      assert.equal(run.code, 0)
      assert.equal(run.stderr, '')
      const examples = /\nExamples:\n((?: {2}\S.*\n?)+)/.exec(run.stdout)?.[1] ?? ''
      assert.notEqual(examples, '', 'no examples')
      for (const line of examples.trimEnd().split('\n')) assert.match(line, /wakunet .*# \S/)
      assert.match(run.stdout, /--json\b/)
      t.assert.snapshot(run.stdout.split('\n'))
    })
  }

  test('the version is printed alone', async () => {
    assert.match((await runCli(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/)
  })
})
