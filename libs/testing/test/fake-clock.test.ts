import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../src/index.ts'

test('time stands still until it is advanced', () => {
  const clock = new FakeClock({ wallMs: 1_000 })
  assert.equal(clock.monotonicMs(), 0)
  clock.advance(250)
  assert.equal(clock.monotonicMs(), 250)
  assert.equal(clock.wallMs(), 1_250)
})

test('timers run in the order of their time, equal times in the order of setting', () => {
  const clock = new FakeClock()
  const ran: string[] = []
  clock.setTimeout(() => ran.push('late'), 20)
  clock.setTimeout(() => ran.push('first'), 10)
  clock.setTimeout(() => ran.push('second'), 10)
  clock.advance(20)
  assert.deepEqual(ran, ['first', 'second', 'late'])
})

test('a timer sees the time at which it fell due', () => {
  const clock = new FakeClock()
  const seen: number[] = []
  clock.setInterval(() => seen.push(clock.monotonicMs()), 30)
  clock.advance(100)
  assert.deepEqual(seen, [30, 60, 90])
})

test('a timer set by a timer runs in the same advance when it falls due there', () => {
  const clock = new FakeClock()
  const seen: number[] = []
  clock.setTimeout(() => clock.setTimeout(() => seen.push(clock.monotonicMs()), 5), 10)
  clock.advance(15)
  assert.deepEqual(seen, [15])
})

test('a cancelled timer does not run, cancelled by itself or from outside', () => {
  const clock = new FakeClock()
  let ticks = 0
  const interval = clock.setInterval(() => {
    ticks++
    if (ticks === 2) interval.cancel()
  }, 10)
  clock.setTimeout(() => assert.fail('cancelled'), 5).cancel()
  clock.advance(100)
  assert.equal(ticks, 2)
  assert.equal(clock.pendingTimers, 0)
})

test('timers that set each other without end are an error, not a hang', () => {
  const clock = new FakeClock()
  const again = () => void clock.setTimeout(again, 0)
  again()
  assert.throws(() => clock.advance(1), /without end/)
})

test('setting the wall clock moves neither timers nor the monotonic clock', () => {
  const clock = new FakeClock()
  clock.setTimeout(() => assert.fail('too early'), 1_000)
  clock.setWallMs(clock.wallMs() + 3_600_000)
  clock.advance(999)
  assert.equal(clock.monotonicMs(), 999)
})

test('advanceAsync lets promises run between steps', async () => {
  const clock = new FakeClock()
  const seen: number[] = []
  const loop = async () => {
    for (let i = 0; i < 3; i++) {
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, 10))
      seen.push(clock.monotonicMs())
    }
  }
  const done = loop()
  await clock.advanceAsync(30, 10)
  await done
  assert.deepEqual(seen, [10, 20, 30])
})
