import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../src/index.ts'

test('the monotonic clock grows and the wall clock is Unix time', () => {
  const before = systemClock.monotonicMs()
  assert.ok(systemClock.monotonicMs() >= before)
  assert.ok(Math.abs(systemClock.wallMs() - Date.now()) < 5_000)
})

test('a timeout runs once, an interval until it is cancelled', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  // The clock's timers do not keep the process alive; the test has to.
  const alive = setInterval(() => {}, 1_000)
  let ticks = 0
  const interval = systemClock.setInterval(() => {
    if (++ticks === 2) {
      interval.cancel()
      systemClock.setTimeout(resolve, 1)
    }
  }, 1)
  systemClock.setTimeout(() => assert.fail('cancelled'), 0).cancel()
  await promise
  assert.equal(ticks, 2)
  clearInterval(alive)
})
