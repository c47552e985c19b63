import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Run } from '../src/measure.ts'
import { type RoundsInit, runRounds } from '../src/rounds.ts'
import type { System } from '../src/system.ts'
import { runOf, systemOf } from './runs.ts'

function init(changes: Partial<RoundsInit<System, Run>>): RoundsInit<System, Run> {
  return {
    systems: [systemOf('a'), systemOf('b'), systemOf('c')],
    runs: 2,
    signal: new AbortController().signal,
    measure: async () => runOf(1),
    onRun: () => {},
    onFailure: () => {},
    ...changes,
  }
}

test('systems take turns, so that a disturbance meets all of them', async () => {
  const order: string[] = []
  const measure = async ({ name }: { name: string }) => {
    order.push(name)
    return runOf(order.length)
  }
  const { runs, failures } = await runRounds(init({ measure }))
  assert.deepEqual(order, ['a', 'b', 'c', 'a', 'b', 'c'])
  assert.deepEqual(
    runs.get('b')?.map(({ figures }) => figures.tcp1Mbps),
    [2, 5],
  )
  assert.deepEqual(failures, [])
})

test('a system that breaks is named and left out, the others go on', async () => {
  const order: string[] = []
  const measure = async ({ name }: { name: string }) => {
    order.push(name)
    if (name === 'b') throw new Error('no ping came back')
    return runOf(1)
  }
  const { runs, failures } = await runRounds(init({ measure }))
  assert.deepEqual(order, ['a', 'b', 'c', 'a', 'c'])
  assert.equal(runs.has('b'), false)
  assert.deepEqual(failures, [{ name: 'b', reason: 'no ping came back' }])
})

test('an interruption ends it and is not taken for a failure of the system', async () => {
  const stopping = new AbortController()
  const reported: string[] = []
  const measure = async () => {
    stopping.abort(new Error('enough'))
    throw new Error('killed by the interruption')
  }
  const onFailure = ({ name }: { name: string }) => reported.push(name)
  await assert.rejects(runRounds(init({ measure, onFailure, signal: stopping.signal })), /enough/)
  assert.deepEqual(reported, [])
})
