import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MAX_OTHER_QUERIER_MS, Querier } from '../src/multicast/querier.ts'
import { DEFAULT_MULTICAST_TIMERS } from '../src/multicast/timers.ts'

const address = (n: number) => Uint8Array.of(10, 0, 0, n)
const NONE = new Uint8Array(4)
const SAID = { robustness: 0, intervalSeconds: 0 }
const querier = (of: Uint8Array) => new Querier(of, DEFAULT_MULTICAST_TIMERS, 0)

describe('Querier', () => {
  it('on one link the lowest address asks, however many there are and in whatever order they start', () => {
    const scenario = fc.uniqueArray(fc.integer({ min: 1, max: 250 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(scenario, (addresses) => {
        const all = addresses.map((n) => ({ n, querier: querier(address(n)) }))
        for (let now = 0; now < 400_000; now += 1_000)
          for (const one of all)
            if (one.querier.tick(now))
              for (const other of all) if (other !== one) other.querier.hear(address(one.n), SAID, now)
        const elected = all.filter((one) => one.querier.isElected).map(({ n }) => n)
        assert.deepEqual(elected, [Math.min(...addresses)])
      }),
      { numRuns: 30 },
    )
  })

  it('asks anew when the other falls silent for 255 s, or for what that one said', () => {
    for (const [said, ms] of [
      [SAID, 255_000],
      [{ robustness: 3, intervalSeconds: 60 }, 185_000],
      [{ robustness: 7, intervalSeconds: 31_744 }, MAX_OTHER_QUERIER_MS],
    ] as const) {
      const mine = querier(address(9))
      mine.tick(0)
      assert.equal(mine.hear(address(1), said, 1_000), true)
      assert.deepEqual(mine.other, address(1))
      assert.equal(mine.dueMs, 1_000 + ms)
      assert.equal(mine.tick(1_000 + ms - 1), false)
      assert.equal(mine.tick(1_000 + ms), true)
      assert.equal(mine.isElected, true)
      assert.deepEqual([mine.losses, mine.returns], [1, 1])
    }
  })

  it('takes over the timers of the querier that it believes in, within bounds', () => {
    const mine = querier(address(9))
    mine.hear(address(1), { robustness: 3, intervalSeconds: 60 }, 0)
    assert.deepEqual([mine.timers.robustness, mine.timers.queryIntervalMs], [3, 60_000])
    mine.hear(address(1), { robustness: 7, intervalSeconds: 31_744 }, 0)
    assert.equal(mine.timers.queryIntervalMs, MAX_OTHER_QUERIER_MS)
    mine.tick(MAX_OTHER_QUERIER_MS)
    assert.equal(mine.timers, DEFAULT_MULTICAST_TIMERS)
  })

  it('is not impressed by higher addresses, its own, or none; without an address it yields to any', () => {
    const mine = querier(address(9))
    for (const source of [address(10), address(9), NONE]) assert.equal(mine.hear(source, SAID, 0), false)
    assert.equal(mine.isElected, true)
    const nameless = querier(NONE)
    assert.equal(nameless.hear(NONE, SAID, 0), false)
    assert.equal(nameless.hear(address(200), SAID, 0), true)
    assert.equal(nameless.hear(address(201), SAID, 0), false)
    assert.equal(nameless.hear(address(3), SAID, 0), true)
  })

  it('begins with two queries 31 s apart, and again when the port comes up', () => {
    const mine = querier(address(9))
    const asked: number[] = []
    for (let now = 0; now < 300_000; now += 250) if (mine.tick(now)) asked.push(now)
    assert.deepEqual(asked, [0, 31_250, 156_250, 281_250])
    mine.hear(address(1), SAID, 300_000)
    mine.restart(300_100)
    assert.equal(mine.isElected, true)
    assert.equal(mine.tick(300_100), true)
  })
})
