import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeId } from '@wakunet/interface'
import type { Trunk } from '../src/trunk.ts'
import { TrunkTable } from '../src/trunk-table.ts'

const id = (digit: string): NodeId => digit.repeat(32) as NodeId

/** A trunk as the table sees it. */
const trunk = (peer: NodeId, initiator: boolean, boot = 1, relayed = false): Trunk =>
  ({ nodeId: peer, initiator, relayed, theirHello: { bootNonce: Uint8Array.of(boot) } }) as unknown as Trunk

test('two trunks dialled at once: both sides keep the one of the lower node', () => {
  const [low, high] = [id('1'), id('2')]
  for (const order of ['low first', 'high first'] as const) {
    const atLow = new TrunkTable(low, 8)
    const atHigh = new TrunkTable(high, 8)
    const byLow = { atLow: trunk(high, true), atHigh: trunk(low, false) }
    const byHigh = { atLow: trunk(high, false), atHigh: trunk(low, true) }
    for (const one of order === 'low first' ? [byLow, byHigh] : [byHigh, byLow]) {
      atLow.admit(one.atLow)
      atHigh.admit(one.atHigh)
    }
    assert.equal(atLow.get(high), byLow.atLow, order)
    assert.equal(atHigh.get(low), byLow.atHigh, order)
  }
})

test('the trunk of a restarted peer replaces its old one, whoever dialled', () => {
  const table = new TrunkTable(id('1'), 8)
  const old = trunk(id('2'), true, 1)
  const fresh = trunk(id('2'), false, 2)
  table.admit(old)
  assert.deepEqual(table.admit(fresh), { replaces: old, replaceCode: 'replaced', refusal: null })
  assert.equal(table.get(id('2')), fresh)
})

test('the same side dialling anew replaces: it has lost the old connection', () => {
  const table = new TrunkTable(id('1'), 8)
  const old = trunk(id('2'), false)
  const fresh = trunk(id('2'), false)
  table.admit(old)
  assert.equal(table.admit(fresh).replaces, old)
})

test('a full table refuses strangers and still lets a known peer renew', () => {
  const table = new TrunkTable(id('1'), 2)
  table.admit(trunk(id('2'), false))
  table.admit(trunk(id('3'), false))
  assert.equal(table.admit(trunk(id('4'), false)).refusal?.code, 'limit')
  assert.equal(table.admit(trunk(id('3'), false, 9)).refusal, null)
  assert.equal(table.size, 2)
})

test('a replaced trunk that ends late does not remove its successor', () => {
  const table = new TrunkTable(id('1'), 8)
  const old = trunk(id('2'), false)
  const fresh = trunk(id('2'), false)
  table.admit(old)
  table.admit(fresh)
  assert.equal(table.remove(old), false)
  assert.equal(table.get(id('2')), fresh)
})

test('a direct trunk takes the place of a relayed one when it is up, not before, and never the other way', () => {
  const table = new TrunkTable(id('1'), 8)
  const relayed = trunk(id('2'), true, 1, true)
  const direct = trunk(id('2'), false)
  table.admit(relayed)
  assert.deepEqual(table.admit(direct), { replaces: null, replaceCode: 'duplicate', refusal: null })
  assert.equal(table.get(id('2')), relayed)
  assert.equal(table.promote(direct), relayed)
  assert.equal(table.get(id('2')), direct)
  assert.equal(table.admit(trunk(id('2'), true, 1, true)).refusal?.code, 'duplicate')
  assert.equal(table.promote(relayed), null)
})

test('of two direct trunks dialled at once over a relayed one, both sides keep that of the lower node', () => {
  const [low, high] = [id('1'), id('2')]
  for (const order of ['low first', 'high first'] as const) {
    const [atLow, atHigh] = [new TrunkTable(low, 8), new TrunkTable(high, 8)]
    atLow.admit(trunk(high, true, 1, true))
    atHigh.admit(trunk(low, false, 1, true))
    const byLow = { atLow: trunk(high, true), atHigh: trunk(low, false) }
    const byHigh = { atLow: trunk(high, false), atHigh: trunk(low, true) }
    const ends = [byLow, byHigh].flatMap((both) => [both.atLow, both.atHigh])
    for (const one of order === 'low first' ? [byLow, byHigh] : [byHigh, byLow]) {
      atLow.admit(one.atLow)
      atHigh.admit(one.atHigh)
    }
    for (const end of ends) {
      atLow.promote(end)
      atHigh.promote(end)
    }
    assert.equal(atLow.get(high), byLow.atLow, order)
    assert.equal(atHigh.get(low), byLow.atHigh, order)
  }
})

test('a direct trunk that fails before it is up leaves the relayed one in its place', () => {
  const table = new TrunkTable(id('1'), 8)
  const relayed = trunk(id('2'), true, 1, true)
  const direct = trunk(id('2'), true)
  table.admit(relayed)
  table.admit(direct)
  assert.equal(table.remove(direct), false)
  assert.equal(table.promote(direct), null)
  assert.equal(table.get(id('2')), relayed)
})
