import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FailureDetector, type Verdict } from '../src/index.ts'

const INTERVAL = 150
const TICK = 50

/** A path in which probes are answered after `rttMs`, while it is whole. */
class SimulatedPath {
  readonly detector = new FailureDetector({ intervalMs: INTERVAL, tickMs: TICK })
  nowMs = 1_000
  heardAtMs = 1_000
  rttMs = 1
  patienceMs = 10
  /** True: what is sent arrives, and what is answered too. */
  whole = true
  probes = 0
  /** Answers under way. */
  readonly #answers: number[] = []
  outstanding = false

  /** Ticks once, `lateMs` after its time. */
  tick(lateMs = 0): Verdict {
    this.nowMs += TICK + lateMs
    while (this.#answers.length > 0 && this.#answers[0]! <= this.nowMs)
      this.heardAtMs = Math.max(this.heardAtMs, this.#answers.shift()!)
    if (this.#answers.length === 0 && this.whole) this.outstanding = false
    const verdict = this.detector.tick(this.nowMs, {
      heardAgeMs: this.nowMs - this.heardAtMs,
      outstanding: this.outstanding,
      patienceMs: this.patienceMs,
    })
    if (verdict === 'probe') {
      this.probes++
      this.outstanding = true
      if (this.whole) this.#answers.push(this.nowMs + this.rttMs)
    }
    return verdict
  }

  /** Ticks for a time. @returns when it was found dead, counted from the call; null where it was not */
  run(forMs: number): number | null {
    const start = this.nowMs
    while (this.nowMs < start + forMs) if (this.tick() === 'dead') return this.nowMs - start
    return null
  }
}

test('a cut is found within half a second, wherever in the interval it falls', () => {
  for (let phase = 0; phase < 40; phase++) {
    const path = new SimulatedPath()
    path.run(1_000 + phase * 10)
    path.whole = false
    const found = path.run(5_000)!
    assert.ok(found >= 250 && found <= 550, `${found} ms at phase ${phase}`)
  }
})

test('while anything comes by itself nothing is probed', () => {
  const path = new SimulatedPath()
  for (let i = 0; i < 200; i++) {
    path.heardAtMs = path.nowMs
    assert.equal(path.tick(), 'well')
  }
  assert.equal(path.probes, 0)
})

test('a quiet path is probed once an interval, no more', () => {
  const path = new SimulatedPath()
  assert.equal(path.run(30_000), null)
  assert.ok(path.probes >= 100 && path.probes <= 30_000 / INTERVAL, `${path.probes}`)
})

test('a process that stood still, for whatever time, kills nothing when it wakes', () => {
  const path = new SimulatedPath()
  for (const stall of [200, 700, 3_000, 60_000]) {
    path.run(1_000)
    // The peer's answers came while nobody looked; then the first ticks come in a burst.
    assert.notEqual(path.tick(stall), 'dead', `${stall}`)
    assert.equal(path.run(1_000), null, `${stall}`)
  }
})

test('a machine that stood still while an answer was due gives it time to arrive', () => {
  const path = new SimulatedPath()
  path.run(1_000)
  path.whole = false
  while (path.tick() !== 'probe');
  // The whole machine pauses: no answer has reached the kernel when the process wakes.
  assert.notEqual(path.tick(5_000), 'dead')
  path.whole = true
  path.heardAtMs = path.nowMs
  assert.equal(path.run(2_000), null)
})

test('a path whose answers take longer than the interval is not found dead', () => {
  for (const rttMs of [200, 600, 2_000]) {
    const path = new SimulatedPath()
    path.rttMs = rttMs
    path.patienceMs = rttMs * 1.5
    assert.equal(path.run(60_000), null, `${rttMs}`)
    path.whole = false
    assert.ok(path.run(60_000)! < rttMs * 5)
  }
})

test('silence counts for nothing while nothing is under way: a closed window is not a cut', () => {
  const path = new SimulatedPath()
  path.run(1_000)
  path.whole = false
  for (let i = 0; i < 200; i++) {
    path.outstanding = false
    assert.notEqual(path.tick(), 'dead')
  }
})

test('late answers make it patient, and half a minute of good ones make it quick again', () => {
  const path = new SimulatedPath()
  path.run(1_000)
  // An answer after 280 ms is late and not too late; four of them are a bad path.
  for (let i = 0; i < 4; i++) {
    path.rttMs = 280
    while (path.detector.late === i) assert.notEqual(path.tick(), 'dead')
    path.rttMs = 1
    path.run(400)
  }
  path.rttMs = 600
  assert.equal(path.run(10_000), null, 'answers of 600 ms are waited for now')
  path.rttMs = 1
  path.run(31_000)
  path.whole = false
  assert.ok(path.run(5_000)! <= 550)
})

test('ticks as late as a loaded machine makes them never kill a path that answers', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: 50, maxLength: 200 }), (lates) => {
      const path = new SimulatedPath()
      return lates.every((late) => path.tick(late) !== 'dead')
    }),
  )
})
