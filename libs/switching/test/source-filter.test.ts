import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mergeFilters, NO_SOURCES, type SourceFilter } from '../src/multicast/source-filter.ts'

const source = (n: number) => Uint8Array.of(10, 0, 0, n)
const filter: fc.Arbitrary<SourceFilter> = fc.record({
  exclude: fc.boolean(),
  sources: fc.uniqueArray(fc.nat(5)).map((numbers) => numbers.sort((a, b) => a - b).map(source)),
})
const wants = ({ exclude, sources }: SourceFilter, n: number) => sources.some((s) => s[3] === n) !== exclude

test('merged filters want what one of them wants, in order and each source once', () => {
  fc.assert(
    fc.property(filter, filter, (a, b) => {
      const merged = mergeFilters(a, b)
      for (let n = 0; n <= 6; n++) assert.equal(wants(merged, n), wants(a, n) || wants(b, n))
      const numbers = merged.sources.map((s) => s[3]!)
      assert.deepEqual(
        numbers,
        [...new Set(numbers)].sort((x, y) => x - y),
      )
      assert.deepEqual(mergeFilters(a, NO_SOURCES), { ...a })
    }),
  )
})
