import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkProperty } from '@wakunet/testing'
import fc from 'fast-check'
import { BASE_DATAGRAM_BYTES, MtuSearch } from '../../src/index.ts'

/** Answers every probe as a path would that takes `pathBytes`. @returns probes until there is nothing to find out */
function run(search: MtuSearch, pathBytes: number, nowMs = 0): number {
  for (let probes = 0; ; probes++) {
    const size = search.next(nowMs)
    if (size === null) return probes
    if (size <= pathBytes) search.passed(size, nowMs)
    else search.lost(size, nowMs)
  }
}

test('a path that takes what the interface does is known after two probes', () => {
  const search = new MtuSearch(1_472)
  assert.equal(run(search, 9_000), 2)
  assert.equal(search.bytes, 1_472)
})

test('any path is measured to 16 bytes in some forty probes, and never over what it takes', () =>
  checkProperty(
    fc.property(
      fc.integer({ min: 1_200, max: 9_000 }),
      fc.integer({ min: 1_200, max: 9_000 }),
      (path, own) => {
        const search = new MtuSearch(own)
        assert.ok(run(search, path) <= 45)
        assert.ok(search.bytes <= Math.min(path, own))
        assert.ok(search.bytes > Math.min(path, own) - 16)
      },
    ),
  ))

test('a path that does not take the base is of no use', () => {
  const search = new MtuSearch(1_472)
  for (let i = 0; i < 10; i++) {
    assert.equal(search.next(0), BASE_DATAGRAM_BYTES)
    search.lost(BASE_DATAGRAM_BYTES, 0)
  }
  assert.equal(search.bytes, 0)
})

test('three full datagrams lost on a path that answers are a black hole, two are not', () => {
  const search = new MtuSearch(1_472)
  run(search, 1_472)
  assert.deepEqual([search.fullLost(), search.fullLost()], [false, false])
  search.passed(1_472, 0)
  assert.deepEqual([search.fullLost(), search.fullLost(), search.fullLost()], [false, false, true])
  assert.equal(search.bytes, BASE_DATAGRAM_BYTES)
  assert.ok(run(search, 1_372) > 1)
  assert.ok(search.bytes <= 1_372 && search.bytes > 1_356)
})

test('a late answer to a probe from before a black hole does not bring it back', () => {
  const search = new MtuSearch(1_472)
  run(search, 1_472)
  for (let i = 0; i < 3; i++) search.fullLost()
  search.passed(1_472, 0)
  assert.equal(search.bytes, BASE_DATAGRAM_BYTES)
})

test('a larger size is tried again after ten minutes', () => {
  const search = new MtuSearch(1_472)
  run(search, 1_300)
  assert.equal(search.next(599_999), null)
  assert.ok(run(search, 1_472, 600_000) > 0)
  assert.equal(search.bytes, 1_472)
})
