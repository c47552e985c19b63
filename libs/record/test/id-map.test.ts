import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { IdMap } from '../src/index.ts'

class Entry {
  readonly id: Uint8Array
  next: Entry | null = null

  constructor(id: Uint8Array) {
    this.id = id
  }
}

/** Of 16 ids, eight each share a key. */
const idOf = (n: number) => new Uint8Array(16).fill(n & 1).fill(n >> 1, 8)

describe('IdMap', () => {
  it('finds what a plain map finds, ids with one key too', () => {
    const step = fc.tuple(fc.nat(15), fc.boolean())
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const map = new IdMap<Entry>()
        const expected = new Map<number, Entry>()
        for (const [n, isAdd] of steps) {
          const known = expected.get(n)
          if (isAdd && known === undefined) {
            const entry = new Entry(idOf(n))
            expected.set(n, entry)
            map.add(entry)
          } else if (!isAdd && known !== undefined) {
            expected.delete(n)
            map.delete(known)
          }
        }
        for (let n = 0; n < 16; n++)
          assert.equal(map.find(Uint8Array.of(9, ...idOf(n)), 1), expected.get(n) ?? null)
        assert.equal(map.size, expected.size)
        assert.deepEqual(new Set(map), new Set(expected.values()))
      }),
      { numRuns: 300 },
    )
  })

  it('the entry at hand may be deleted while all are walked through', () => {
    const map = new IdMap<Entry>()
    for (let n = 0; n < 16; n++) map.add(new Entry(idOf(n)))
    for (const entry of map) map.delete(entry)
    assert.equal(map.size, 0)
    assert.equal(map.find(idOf(3), 0), null)
  })
})
