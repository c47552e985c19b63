import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { IdMap } from '../src/index.ts'

interface Entry {
  readonly id: Uint8Array
}

/** Of 40 ids, twenty each share a place. */
const idOf = (n: number) => new Uint8Array(16).fill(n & 1).fill(n >> 1, 4, 12)

describe('IdMap', () => {
  it('finds what a plain map finds, ids that share a place too', () => {
    const step = fc.tuple(fc.nat(39), fc.boolean())
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const map = new IdMap<Entry>()
        const expected = new Map<number, Entry>()
        for (const [n, isAdd] of steps) {
          const known = expected.get(n)
          if (isAdd && known === undefined) {
            const entry = { id: idOf(n) }
            expected.set(n, entry)
            map.add(entry)
          } else if (!isAdd && known !== undefined) {
            expected.delete(n)
            map.delete(known)
          }
        }
        for (let n = 0; n < 40; n++)
          assert.equal(map.find(Uint8Array.of(9, ...idOf(n)), 1), expected.get(n) ?? null)
        assert.equal(map.size, expected.size)
        assert.deepEqual(new Set(map), new Set(expected.values()))
      }),
      { numRuns: 300 },
    )
  })
})
