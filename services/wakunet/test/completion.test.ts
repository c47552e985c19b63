import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { runCli } from './cli-harness.ts'

/** Loads the script into a bare bash, as `source` does, and asks for completions of a line like readline does. */
const HARNESS = `
source "$1"; shift
wakunet() { [[ $* == 'values vlans' ]] && printf '%s\\n' office 'open lab' printers; }
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_wakunet
printf '%s\\n' "\${COMPREPLY[@]}"
`

describe('bash completion', () => {
  let folder = ''
  let script = ''

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'wakunet-completion-'))
    script = path.join(folder, 'wakunet.bash')
    writeFileSync(script, (await runCli(['completion', 'bash'])).stdout)
  })
  after(() => rmSync(folder, { recursive: true }))

  const complete = (...words: readonly string[]): readonly string[] =>
    execFileSync('bash', ['--norc', '-c', HARNESS, 'bash', script, 'wakunet', ...words], {
      encoding: 'utf8',
      cwd: folder,
    })
      .split('\n')
      .filter((line) => line !== '')

  test('offers the commands first', () => {
    assert.deepEqual(complete(''), ['up', 'status', 'peers', 'trace', 'vlan', 'demo', 'doctor', 'completion'])
  })

  test('narrows by what is typed', () => {
    assert.deepEqual(complete('s'), ['status'])
    assert.deepEqual(complete('vlan', 'l'), ['leave', 'list', 'link'])
  })

  test('offers the commands of a group, its own options and the global ones', () => {
    assert.deepEqual(complete('vlan', ''), [
      'create',
      'edit',
      'browse',
      'join',
      'leave',
      'list',
      'show',
      'link',
      'publish',
      'unpublish',
    ])
    assert.deepEqual(complete('vlan', 'join', '--i'), ['--interface'])
    assert.deepEqual(complete('vlan', 'join', '--js'), ['--json'])
    assert.deepEqual(complete('up', '--no'), ['--no-mdns', '--no-http'])
  })

  test('is not led astray by the value of an option', () => {
    assert.deepEqual(complete('--socket', 'vlan', 'st'), ['status'])
    assert.deepEqual(complete('vlan', 'join', 'office', '--mtu', '1400', '--add'), ['--address'])
  })

  test('offers choices as values', () => {
    assert.deepEqual(complete('completion', ''), ['bash', 'zsh', 'fish'])
    assert.deepEqual(complete('up', '--log-level', 'w'), ['warn'])
    assert.deepEqual(complete('vlan', 'edit', 'office', '--unset', 'r'), ['reserve', 'router'])
  })

  test('offers files and folders where an option wants them', () => {
    assert.deepEqual(complete('--config', 'wak'), ['wakunet.bash'])
    assert.deepEqual(complete('--state-dir', 'wak'), [])
  })

  test('offers the VLANs that the node knows, quoted for the shell', () => {
    for (const command of ['join', 'edit'])
      assert.deepEqual(complete('vlan', command, 'o'), ['office', 'open\\ lab'])
  })
})

test('the scripts of zsh and fish name every command and option', async () => {
  for (const shell of ['zsh', 'fish']) {
    const script = (await runCli(['completion', shell])).stdout
    for (const word of [
      'status',
      'join',
      'interface',
      'state-dir',
      'user-namespace',
      'log-level',
      'reserve',
      'unset',
    ]) {
      assert.ok(script.includes(word), `${shell}: ${word}`)
    }
  }
})
