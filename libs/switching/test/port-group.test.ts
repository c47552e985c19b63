import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { PortGroup } from '../src/multicast/port-group.ts'
import { DEFAULT_MULTICAST_TIMERS } from '../src/multicast/timers.ts'

const GROUP = Uint8Array.of(239, 1, 2, 3)
const GMI = 260_000
const LMQT = 2_000
const source = (n: number) => Uint8Array.of(10, 0, 0, n)
const lists = (sources: readonly number[]) => sources.map(source)
const [IS_IN, IS_EX, TO_IN, TO_EX, ALLOW, BLOCK] = [1, 2, 3, 4, 5, 6]

function newGroup(init: { fastLeave?: boolean; maxSources?: number } = {}): PortGroup {
  const { fastLeave = false, maxSources = 64 } = init
  return new PortGroup(GROUP, { timers: DEFAULT_MULTICAST_TIMERS, maxSources, fastLeave, hashSeed: 7 })
}

/**
 * The tables of RFC 3376 §6.4 written down as they stand there, with sets. Timers are absolute times; a source in `y` has
 * none.
 */
class NaiveGroup {
  exclude = false
  groupTimer = 0
  /** A in include mode, X in exclude mode. */
  x = new Map<number, number>()
  y = new Set<number>()

  expire(now: number): void {
    for (const [address, timer] of this.x)
      if (timer <= now) {
        this.x.delete(address)
        if (this.exclude) this.y.add(address)
      }
    if (this.exclude && this.groupTimer <= now) {
      this.exclude = false
      this.y.clear()
    }
  }

  apply(type: number, list: readonly number[], now: number): void {
    this.expire(now)
    const b = new Set(list)
    const gmi = now + GMI
    const doubtful = new Set<number>()
    let askAll = false
    if (!this.exclude) {
      const a = new Set(this.x.keys())
      if (type === IS_IN || type === ALLOW) for (const s of b) this.x.set(s, gmi)
      if (type === BLOCK) for (const s of b) if (a.has(s)) doubtful.add(s)
      if (type === TO_IN) {
        for (const s of b) this.x.set(s, gmi)
        for (const s of a) if (!b.has(s)) doubtful.add(s)
      }
      if (type === IS_EX || type === TO_EX) {
        for (const s of a) if (!b.has(s)) this.x.delete(s)
        for (const s of b) if (!a.has(s)) this.y.add(s)
        if (type === TO_EX) for (const s of b) if (a.has(s)) doubtful.add(s)
        this.exclude = true
        this.groupTimer = gmi
      }
    } else {
      const x = new Set(this.x.keys())
      const y = new Set(this.y)
      if (type === IS_IN || type === ALLOW || type === TO_IN)
        for (const s of b) {
          this.x.set(s, gmi)
          this.y.delete(s)
        }
      if (type === TO_IN) {
        for (const s of x) if (!b.has(s)) doubtful.add(s)
        askAll = true
      }
      if (type === IS_EX || type === TO_EX) {
        const timer = type === IS_EX ? gmi : this.groupTimer
        for (const s of x) if (!b.has(s)) this.x.delete(s)
        for (const s of y) if (!b.has(s)) this.y.delete(s)
        for (const s of b) if (!x.has(s) && !y.has(s)) this.x.set(s, timer)
        if (type === TO_EX) for (const s of b) if (!y.has(s)) doubtful.add(s)
        this.groupTimer = gmi
      }
      if (type === BLOCK) {
        for (const s of b) if (!x.has(s) && !y.has(s)) this.x.set(s, this.groupTimer)
        for (const s of b) if (!y.has(s)) doubtful.add(s)
      }
    }
    for (const s of doubtful) this.x.set(s, Math.min(this.x.get(s)!, now + LMQT))
    if (askAll) this.groupTimer = Math.min(this.groupTimer, now + LMQT)
  }

  wants(s: number): boolean {
    return this.exclude ? !this.y.has(s) : this.x.has(s)
  }
}

describe('PortGroup', () => {
  it('does what the tables of RFC 3376 §6.4 say, whatever is reported and whenever', () => {
    const step = fc.record({
      type: fc.integer({ min: 1, max: 6 }),
      sources: fc.uniqueArray(fc.nat(5), { maxLength: 4 }),
      afterMs: fc.oneof(fc.nat(3_000), fc.nat(300_000)),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const group = newGroup()
        const naive = new NaiveGroup()
        let now = 1_000
        for (const { type, sources, afterMs } of steps) {
          group.tick(now, () => {})
          group.apply(type, lists(sources), true, now)
          naive.apply(type, sources, now)
          now += afterMs
          naive.expire(now)
          // Before and after the timers were let run down, the answer is the same.
          for (let s = 0; s <= 5; s++)
            assert.equal(group.wants(source(s), 0, now), naive.wants(s), `source ${s}`)
          group.tick(now, () => {})
          for (let s = 0; s <= 5; s++)
            assert.equal(group.wants(source(s), 0, now), naive.wants(s), `source ${s}`)
          const filter = group.filter()
          assert.equal(filter.exclude, naive.exclude)
          const expected = naive.exclude ? [...naive.y] : [...naive.x.keys()]
          assert.deepEqual(
            filter.sources.map((address) => address[3]),
            expected.sort((a, b) => a - b),
          )
          assert.equal(group.isEmpty, !naive.exclude && naive.x.size === 0)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('never sleeps past a timer: ticking only when due gives the same as ticking always', () => {
    const step = fc.record({
      type: fc.integer({ min: 1, max: 6 }),
      sources: fc.uniqueArray(fc.nat(4), { maxLength: 3 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        const lazy = newGroup()
        const busy = newGroup()
        let now = 0
        const asked: [string[], string[]] = [[], []]
        for (const { type, sources } of steps) {
          for (const group of [lazy, busy]) group.apply(type, lists(sources), true, now)
          for (let i = 0; i < 30; i++) {
            now += 250
            busy.tick(now, (_, s, suppress) => asked[0].push(`${now} ${s} ${suppress}`))
            if (lazy.dueMs() <= now)
              lazy.tick(now, (_, s, suppress) => asked[1].push(`${now} ${s} ${suppress}`))
          }
          assert.deepEqual(lazy.filter(), busy.filter())
        }
        assert.deepEqual(asked[0], asked[1])
      }),
      { numRuns: 100 },
    )
  })

  it('asks twice, a second apart, before it believes that a group was left', () => {
    const group = newGroup()
    group.apply(IS_EX!, [], true, 0)
    group.apply(TO_IN!, [], true, 1_000)
    const asked: number[] = []
    for (let now = 1_000; now <= 4_000; now += 100) {
      group.tick(now, (address, sources, suppress) => {
        assert.deepEqual([[...address], sources.length, suppress], [[...GROUP], 0, false])
        asked.push(now)
      })
      assert.equal(group.wants(source(1), 0, now), now < 3_000)
    }
    assert.deepEqual(asked, [1_000, 2_000])
    assert.equal(group.isEmpty, true)
  })

  it('keeps a group that somebody else still reports, and says so with the suppress flag', () => {
    const group = newGroup()
    group.apply(IS_EX!, [], true, 0)
    group.apply(TO_IN!, [], true, 0)
    group.tick(0, () => {})
    group.apply(IS_IN!, lists([1]), true, 100)
    group.apply(BLOCK!, lists([1]), true, 200)
    const asked: boolean[] = []
    group.tick(200, (_, sources, suppress) => sources.length === 1 && asked.push(suppress))
    group.apply(ALLOW!, lists([1]), true, 300)
    group.tick(1_200, (_, sources, suppress) => sources.length === 1 && asked.push(suppress))
    assert.deepEqual(asked, [false])
    group.tick(5_000, () => {})
    assert.equal(group.wants(source(1), 0, 5_000), true)
    assert.equal(group.wants(source(2), 0, 5_000), false)
  })

  it('with fast leave forgets at once and asks nobody', () => {
    const never = () => assert.fail('asked')
    const group = newGroup({ fastLeave: true })
    group.apply(IS_EX!, [], true, 0)
    group.apply(TO_IN!, lists([1]), true, 10)
    group.tick(10, never)
    assert.deepEqual(group.filter(), { exclude: false, sources: lists([1]) })
    group.apply(BLOCK!, lists([1]), true, 20)
    group.tick(20, never)
    assert.equal(group.isEmpty, true)
    group.apply(TO_EX!, lists([2]), true, 30)
    group.apply(BLOCK!, lists([3]), true, 40)
    assert.deepEqual(group.filter(), { exclude: true, sources: lists([2, 3]) })
  })

  it('waits for the timers where another querier asks, and takes over what that one asked', () => {
    const group = newGroup()
    group.apply(IS_EX!, [], false, 0)
    group.apply(TO_IN!, [], false, 0)
    group.tick(10_000, () => assert.fail('asked'))
    assert.equal(group.wants(source(1), 0, 10_000), true)
    group.lowerTimers([], 10_000)
    assert.equal(group.wants(source(1), 0, 11_999), true)
    assert.equal(group.wants(source(1), 0, 12_000), false)
    const named = newGroup()
    named.apply(IS_IN!, lists([1, 2]), false, 0)
    named.lowerTimers(lists([1]), 0)
    assert.deepEqual(
      [1, 2].map((s) => named.wants(source(s), 0, LMQT)),
      [false, true],
    )
  })

  it('while an older host is there, does not believe that sources or, for version 1, the group were left', () => {
    const second = newGroup()
    second.noteOlderHost(2, 0)
    second.apply(IS_EX!, [], true, 0)
    second.apply(BLOCK!, lists([1]), true, 0)
    second.apply(TO_EX!, lists([1]), true, 0)
    assert.deepEqual(second.filter(), { exclude: true, sources: [] })
    second.apply(TO_IN!, [], true, 0)
    second.tick(LMQT, () => {})
    assert.equal(second.isEmpty, true)
    const first = newGroup()
    first.noteOlderHost(1, 0)
    first.apply(IS_EX!, [], true, 0)
    first.apply(TO_IN!, [], true, 0)
    first.tick(LMQT, () => {})
    assert.equal(first.isEmpty, false)
    // When they are gone for the time of a membership, sources count again.
    first.apply(TO_EX!, lists([1]), true, GMI - 1)
    assert.deepEqual(first.filter().sources, [])
    first.apply(TO_EX!, [], true, GMI)
    first.apply(BLOCK!, lists([1]), true, GMI)
    first.tick(GMI + LMQT, () => {})
    assert.deepEqual(first.filter(), { exclude: true, sources: lists([1]) })
  })

  it('keeps so many sources and refuses more', () => {
    const group = newGroup({ maxSources: 3 })
    group.apply(ALLOW!, lists([1, 2, 3, 4, 5]), true, 0)
    assert.deepEqual(group.filter().sources, lists([1, 2, 3]))
    assert.equal(group.sourcesRefused, 2)
    assert.equal(group.wants(source(4), 0, 0), false)
  })
})
