import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RoundTrip } from '../src/round-trip.ts'

/** Measures `ms` every 500 ms from `fromMs` on. @returns times at which the held value moved */
function feed(roundTrip: RoundTrip, ms: number, fromMs: number, forMs: number): number[] {
  const moved: number[] = []
  for (let now = fromMs; now < fromMs + forMs; now += 500) if (roundTrip.measured(ms, now)) moved.push(now)
  return moved
}

test('the first measurement counts at once', () => {
  const roundTrip = new RoundTrip()
  assert.equal(roundTrip.heldMs, null)
  assert.equal(roundTrip.measured(0.4, 0), true)
  assert.deepEqual([roundTrip.rttMs, roundTrip.heldMs], [0.4, 0.4])
})

test('what a busy machine adds is not followed', () => {
  const roundTrip = new RoundTrip()
  roundTrip.measured(0.4, 0)
  for (let now = 500; now < 60_000; now += 500) {
    const ms = now % 4_000 === 0 ? 0.5 : 40 + (now % 700)
    assert.equal(roundTrip.measured(ms, now), false, `at ${now}`)
  }
  assert.ok(roundTrip.rttMs! < 1)
})

test('a trunk that became slower is told once, after the least of the window has passed', () => {
  const roundTrip = new RoundTrip()
  feed(roundTrip, 0.4, 0, 20_000)
  const moved = feed(roundTrip, 40, 20_000, 60_000)
  assert.equal(moved.length, 1)
  assert.ok(moved[0]! >= 25_000 && moved[0]! <= 30_000, `${moved}`)
  assert.equal(roundTrip.heldMs, 40)
})

test('a trunk that became faster is told within seconds', () => {
  const roundTrip = new RoundTrip()
  feed(roundTrip, 40, 0, 20_000)
  assert.deepEqual(feed(roundTrip, 0.4, 20_000, 20_000), [20_000])
})

test('a round trip at the edge of two classes does not move back and forth', () => {
  const roundTrip = new RoundTrip()
  roundTrip.measured(0.95, 0)
  let moves = 0
  for (let now = 500; now < 300_000; now += 500) {
    const ms = Math.floor(now / 20_000) % 2 === 0 ? 0.9 : 1.1
    if (roundTrip.measured(ms, now)) moves++
  }
  assert.equal(moves, 0)
})
