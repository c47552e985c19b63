import assert from 'node:assert/strict'
import { type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { Lab } from '../src/index.ts'
import { isRunning, untilNothing } from './processes.ts'

const PROGRAM = path.join(import.meta.dirname, 'programs', 'hold-lab.ts')
const NOBODY = 65_534
const UNPRIVILEGED: SpawnOptions = {
  uid: NOBODY,
  gid: NOBODY,
  cwd: '/',
  env: { PATH: process.env.PATH },
  stdio: ['ignore', 'pipe', 'pipe'],
}

function run(argv: readonly string[]) {
  const child = spawn(argv[0]!, argv.slice(1), UNPRIVILEGED)
  const output = { stdout: '', stderr: '' }
  child.stdout!.on('data', (bytes: Buffer) => (output.stdout += bytes.toString()))
  child.stderr!.on('data', (bytes: Buffer) => (output.stderr += bytes.toString()))
  return { child, output }
}

test('a user without privileges gets a lab inside a user namespace', async () => {
  const { child, output } = run(Lab.userNamespaceCommand([process.execPath, PROGRAM, 'stop']))
  const [code] = (await once(child, 'close')) as [number]
  assert.equal(code, 0, output.stderr)
  const { directory } = JSON.parse(output.stdout) as { directory: string }
  assert.equal(existsSync(directory), false)
})

test('without the user namespace the same program says which privilege is missing', async () => {
  const { child, output } = run([process.execPath, PROGRAM, 'stop'])
  const [code] = (await once(child, 'close')) as [number]
  assert.notEqual(code, 0)
  assert.match(output.stderr, /ERR_MISSING_PRIVILEGE/)
  assert.match(output.stderr, /CAP_NET_ADMIN/)
})

test('kill -9 inside a user namespace: the reaper leaves nothing there either', async () => {
  const { child, output } = run(Lab.userNamespaceCommand([process.execPath, PROGRAM, 'wait']))
  await once(child.stdout!, 'data')
  const made = JSON.parse(output.stdout) as { directory: string; pids: number[] }
  child.kill('SIGKILL')
  await untilNothing(() => [
    ...(existsSync(made.directory) ? [made.directory] : []),
    ...made.pids.filter(isRunning).map(String),
  ])
})
