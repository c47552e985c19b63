import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeId } from '@wakunet/interface'
import fc from 'fast-check'
import { type AddressClaim, settleConflict } from '../src/index.ts'

const claims = fc.record({
  nodeId: fc.stringMatching(/^[0-9a-f]{32}$/).map((text) => text as NodeId),
  attempt: fc.nat(65_535),
  manual: fc.boolean(),
})
const claim = (digit: string, manual: boolean): AddressClaim => ({
  nodeId: digit.repeat(32) as NodeId,
  attempt: 0,
  manual,
})

test('exactly one side of a conflict moves, whoever looks', () => {
  fc.assert(
    fc.property(claims, claims, (one, other) => {
      fc.pre(one.nodeId !== other.nodeId)
      assert.notEqual(settleConflict(one, other), settleConflict(other, one))
    }),
  )
})

test('an address that a person chose stays before an automatic one, then the lower node id stays', () => {
  assert.equal(settleConflict(claim('f', true), claim('0', false)), 'keep')
  assert.equal(settleConflict(claim('0', false), claim('f', true)), 'move')
  for (const manual of [true, false]) {
    assert.equal(settleConflict(claim('1', manual), claim('2', manual)), 'keep')
    assert.equal(settleConflict(claim('2', manual), claim('1', manual)), 'move')
  }
})

test('of many members with one address exactly one keeps it', () => {
  fc.assert(
    fc.property(fc.uniqueArray(claims, { selector: (c) => c.nodeId, minLength: 1, maxLength: 12 }), (all) => {
      const keepers = all.filter((mine) => all.every((other) => settleConflict(mine, other) === 'keep'))
      assert.equal(keepers.length, 1)
    }),
  )
})
