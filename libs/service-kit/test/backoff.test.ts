import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkProperty, seededRandom } from '@wakunet/testing'
import fc from 'fast-check'
import { Backoff } from '../src/index.ts'

const ALMOST_ONE = 1 - Number.EPSILON / 2

test('the ceiling doubles up to its maximum and falls back on reset', () => {
  const backoff = new Backoff({ initialMs: 100, maxMs: 500, random: () => ALMOST_ONE })
  assert.deepEqual(
    Array.from({ length: 5 }, () => backoff.next()),
    [99, 199, 399, 499, 499],
  )
  assert.equal(backoff.attempts, 5)
  backoff.reset()
  assert.equal(backoff.next(), 99)
})

test('every delay lies between zero and the maximum, whatever the randomness', () =>
  checkProperty(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 5_000 }),
      fc.integer({ min: 0, max: 60_000 }),
      (seed, initialMs, more) => {
        const backoff = new Backoff({ initialMs, maxMs: initialMs + more, random: seededRandom(seed) })
        for (let i = 0; i < 20; i++) {
          const delayMs = backoff.next()
          assert.ok(Number.isInteger(delayMs) && delayMs >= 0 && delayMs <= initialMs + more)
        }
      },
    ),
    { runs: 200 },
  ))

test('delays of many nodes are spread over the whole range (full jitter)', () => {
  const random = seededRandom(1)
  const first = Array.from({ length: 1_000 }, () =>
    new Backoff({ initialMs: 1_000, maxMs: 1_000, random }).next(),
  )
  for (let tenth = 0; tenth < 10; tenth++) {
    const hits = first.filter((ms) => Math.floor(ms / 100) === tenth).length
    assert.ok(hits > 50 && hits < 150, `${hits} of 1000 in tenth ${tenth}`)
  }
})

test('senseless settings are refused', () => {
  const random = () => 0
  assert.throws(() => new Backoff({ initialMs: 0, maxMs: 1, random }), RangeError)
  assert.throws(() => new Backoff({ initialMs: 10, maxMs: 1, random }), RangeError)
  assert.throws(() => new Backoff({ initialMs: 1, maxMs: 1, factor: 0.5, random }), RangeError)
})
