import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

const PROGRAM = join(import.meta.dirname, 'programs/open-on-closing.ts')
const run = (kind: 'guarded' | 'stock') =>
  spawnSync(process.execPath, [PROGRAM, kind], { encoding: 'utf8', timeout: 30_000 })

test('a stream that is opened as its connection closes ends no process', () => {
  const { status, stderr } = run('guarded')
  assert.equal(status, 0, stderr)
})

test('without the guard it does: what it throws nobody can catch', () => {
  const { status, stderr } = run('stock')
  assert.equal(status, 1)
  assert.match(stderr, /Cannot write to a stream that is closing/)
})
