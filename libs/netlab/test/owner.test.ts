import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { isAlive, newLabId, parseOwner } from '../src/owner.ts'

test("a lab's name tells its process, with and without the part of a namespace", () => {
  const id = newLabId('demo')
  for (const name of [id, `${id}-h1`, `${id}-h200`, `${id}-sw`]) {
    const owner = parseOwner(name)
    assert.equal(owner?.pid, process.pid, name)
    assert.equal(isAlive(owner!), true)
  }
})

test('two labs of one process have different names', () => {
  assert.notEqual(newLabId('demo'), newLabId('demo'))
})

test('a process that has ended does not own anything any more', () => {
  const { pid } = spawnSync('true')
  assert.equal(isAlive({ pid, start: '1' }), false)
})

test('a running process with another start time is not the owner', () => {
  const owner = parseOwner(newLabId('demo'))!
  assert.equal(isAlive({ pid: owner.pid, start: `${owner.start}0` }), false)
})

test('names of others are never taken for ours', () => {
  for (const name of [
    'wkea-a',
    'wk-1-2-3',
    'cni-1234',
    'wk12-zz-abcdef',
    'wk0-1-abcdef-lab',
    'wk1-1-abcdef-lab-x1',
    '',
  ]) {
    assert.equal(parseOwner(name), null, name)
  }
  fc.assert(
    fc.property(fc.string(), (name) => {
      if (!/^wk\d/.test(name)) assert.equal(parseOwner(name), null)
    }),
  )
})
