import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { AddressIndex } from '../src/leases/address-index.ts'

interface Entry {
  readonly address: Uint8Array
  readonly value: number
}

const addressOf = (n: number) =>
  n < 40 ? Uint8Array.of(10, 0, 0, n) : Uint8Array.of(10, 0, 0, n, ...new Uint8Array(12))

describe('AddressIndex', () => {
  it('knows what a plain map knows, whatever is added and deleted', () => {
    const step = fc.tuple(fc.nat(79), fc.boolean())
    fc.assert(
      fc.property(fc.integer(), fc.array(step, { maxLength: 200 }), (seed, steps) => {
        const index = new AddressIndex<Entry>(seed)
        const expected = new Map<number, Entry>()
        for (const [value, [n, isSet]] of steps.entries()) {
          const entry = { address: addressOf(n), value }
          if (isSet) {
            index.set(entry)
            expected.set(n, entry)
          } else {
            index.delete(addressOf(n))
            expected.delete(n)
          }
        }
        for (let n = 0; n < 80; n++) assert.equal(index.get(addressOf(n)), expected.get(n) ?? null)
        assert.equal(index.size, expected.size)
        assert.deepEqual(new Set(index), new Set(expected.values()))
      }),
      { numRuns: 300 },
    )
  })
})
