import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { SEQUENCE_WINDOW, SequenceWindow } from '../src/index.ts'

/** The same by remembering everything. */
class Oracle {
  readonly #seen = new Set<number>()
  #top = 0

  accept(sequence: number) {
    if (sequence > this.#top) this.#top = sequence
    else if (this.#top - sequence >= SEQUENCE_WINDOW) return 'old'
    if (this.#seen.has(sequence)) return 'seen'
    this.#seen.add(sequence)
    return 'new'
  }
}

describe('SequenceWindow', () => {
  it('says the same as a set that forgets nothing, for any walk of sequences', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: -40, max: 70 }) },
      { weight: 2, arbitrary: fc.integer({ min: -2 * SEQUENCE_WINDOW, max: 2 * SEQUENCE_WINDOW }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          1 - SEQUENCE_WINDOW,
          -SEQUENCE_WINDOW,
          SEQUENCE_WINDOW,
          SEQUENCE_WINDOW - 1,
        ),
      },
    )
    const start = fc.constantFrom(1, 100_000, 2 ** 31 - 20, 2 ** 32 - 20, 2 ** 40, 2 ** 53 - 2 ** 30)
    fc.assert(
      fc.property(start, fc.array(step, { maxLength: 400 }), (first, steps) => {
        const window = new SequenceWindow()
        const oracle = new Oracle()
        let sequence = first
        assert.equal(window.accept(sequence), oracle.accept(sequence))
        for (const by of steps) {
          sequence = Math.min(Math.max(1, sequence + by), Number.MAX_SAFE_INTEGER)
          assert.equal(window.accept(sequence), oracle.accept(sequence), `at ${sequence}`)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('is exact over its whole width and forgets what is beyond', () => {
    const window = new SequenceWindow()
    const top = 3 * SEQUENCE_WINDOW + 5
    assert.equal(window.accept(top), 'new')
    for (let back = SEQUENCE_WINDOW - 1; back > 0; back--) assert.equal(window.accept(top - back), 'new')
    for (let back = 0; back < SEQUENCE_WINDOW; back++) assert.equal(window.accept(top - back), 'seen')
    assert.equal(window.accept(top - SEQUENCE_WINDOW), 'old')
    assert.equal(window.top, top)
  })

  it('takes the largest sequence there is', () => {
    const window = new SequenceWindow()
    assert.equal(window.accept(Number.MAX_SAFE_INTEGER), 'new')
    assert.equal(window.accept(Number.MAX_SAFE_INTEGER), 'seen')
    assert.equal(window.accept(Number.MAX_SAFE_INTEGER - 1), 'new')
  })
})
