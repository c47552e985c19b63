import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { median, percentile, summarize } from '../src/index.ts'

const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 50 })

test('the median is the middle value, or between the two middle ones', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 2, 3]), 2.5)
  assert.equal(median([10, 9]), 9.5)
})

test('a percentile is the value at its nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
  assert.equal(percentile(hundred, 0.99), 99)
  assert.equal(percentile(hundred, 0.5), 50)
  assert.equal(percentile(hundred, 0), 1)
  assert.equal(percentile(hundred, 1), 100)
  assert.equal(percentile([7], 0.99), 7)
})

test('a percentile is a measured value with the right share at or below it', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, share) => {
      const found = percentile(list, share)
      assert.ok(list.includes(found))
      const notAbove = list.filter((value) => value <= found).length
      assert.ok(notAbove >= share * list.length)
    }),
  )
})

test('a summary leaves its input as it is and keeps its order', () => {
  fc.assert(
    fc.property(values, (list) => {
      const copy = [...list]
      const { median: middle, min, max } = summarize(list)
      assert.deepEqual(list, copy)
      assert.ok(min <= middle && middle <= max)
    }),
  )
})

test('nothing measured has no summary', () => {
  assert.throws(() => summarize([]), RangeError)
  assert.throws(() => percentile([], 0.5), RangeError)
})
