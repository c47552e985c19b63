import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  FRAGMENT_LIFETIME_MS,
  FragmentTable,
  MAX_FRAGMENT_RANGES,
  MAX_FRAGMENTED_DATAGRAMS,
} from '../src/guards/fragment-table.ts'
import { ChainTest, ipv4, ipv6, join, tcp, udp } from './guard-support.ts'

const keyOf = (n: number) => {
  const key = new Uint8Array(FragmentTable.KEY_BYTES)
  key.set([n >>> 16, n >>> 8, n])
  return key
}
const MORE = 0x2000

/** A fragment of an IPv4 datagram; the offset counts units of eight bytes. */
const fragment4 = (offset: number, more: boolean, payload: Uint8Array, identification = 7, protocol = 17) =>
  ipv4(9, protocol, payload, { fragment: offset | (more ? MORE : 0), identification })

const fragment6 = (offset: number, more: boolean, payload: Uint8Array, identification = 7, next = 17) =>
  ipv6(
    9,
    44,
    join(
      Uint8Array.of(next, 0, offset >>> 5, (offset << 3) | (more ? 1 : 0), 0, 0, 0, identification),
      payload,
    ),
  )

describe('FragmentTable', () => {
  it('knows every byte that has come, as a list of bytes would', () => {
    const range = fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 12 }))
    fc.assert(
      fc.property(fc.array(range, { maxLength: 40 }), (ranges) => {
        const table = new FragmentTable(1)
        const seen = new Set<number>()
        for (const [start, length] of ranges) {
          const units = Array.from({ length }, (_, i) => start + i)
          const overlaps = units.some((unit) => seen.has(unit))
          assert.equal(table.add(keyOf(1), start, start + length, 0), overlaps ? 'overlap' : 'new')
          if (!overlaps) for (const unit of units) seen.add(unit)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('keeps so many ranges of one datagram, and joins those that meet', () => {
    const table = new FragmentTable(1)
    for (let i = 0; i < MAX_FRAGMENT_RANGES; i++)
      assert.equal(table.add(keyOf(1), 2 * i, 2 * i + 1, 0), 'new')
    assert.equal(table.add(keyOf(1), 500, 501, 0), 'full')
    assert.equal(table.add(keyOf(1), 1, 2, 0), 'new')
    assert.equal(table.add(keyOf(1), 500, 501, 0), 'new')
  })

  it('keeps so many datagrams, forgets them in time, and counts those that had to give way', () => {
    const table = new FragmentTable(1)
    for (let i = 0; i < 10 * MAX_FRAGMENTED_DATAGRAMS; i++) table.add(keyOf(i), 0, 1, i / 1000)
    assert.ok(table.evicted >= 9 * MAX_FRAGMENTED_DATAGRAMS)
    const evicted = table.evicted
    const nowMs = FRAGMENT_LIFETIME_MS + 10
    assert.equal(table.add(keyOf(10 * MAX_FRAGMENTED_DATAGRAMS - 1), 0, 1, nowMs), 'new')
    assert.equal(table.evicted, evicted)
  })
})

describe('FragmentGuard (L13)', () => {
  it('lets honest fragments through in any order, and two hosts with one identification too', () => {
    const order = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 })
    fc.assert(
      fc.property(order, fc.constantFrom(fragment4, fragment6), (indexes, fragment) => {
        const test = new ChainTest()
        for (const i of indexes)
          for (const port of [test.alice, test.mallory]) {
            const payload =
              i === 0
                ? join(udp(1, 2, new Uint8Array(0)), new Uint8Array(56))
                : new Uint8Array(i === 4 ? 13 : 64)
            assert.equal(test.inspect(fragment(8 * i, i < 4, payload), port), 'pass')
          }
      }),
      { numRuns: 40 },
    )
  })

  it('drops what overlaps, and the rest of the datagram still comes; off, it passes', () => {
    for (const fragment of [fragment4, fragment6]) {
      const test = new ChainTest()
      assert.equal(test.inspect(fragment(0, true, udp(1, 2, new Uint8Array(56)))), 'pass')
      const evil = fragment(4, true, new Uint8Array(64))
      assert.equal(test.inspect(evil), 'fragment-overlap')
      assert.equal(test.inspect(fragment(0, true, udp(67, 68, new Uint8Array(56)), 7)), 'fragment-overlap')
      assert.equal(test.inspect(fragment(8, false, new Uint8Array(5))), 'pass')
      test.chain.switch('fragment', false)
      assert.equal(test.inspect(evil), 'pass')
    }
  })

  it('drops first fragments without their headers, and second ones that would write over the flags of TCP', () => {
    const test = new ChainTest()
    const attacks = [
      fragment4(0, true, tcp(40).subarray(0, 16), 7, 6),
      fragment4(0, true, new Uint8Array(0), 7, 17),
      fragment4(1, false, new Uint8Array(32), 7, 6),
      fragment6(0, true, tcp(40).subarray(0, 8), 7, 6),
      fragment6(1, false, new Uint8Array(32), 7, 6),
    ]
    for (const frame of attacks) assert.equal(test.inspect(frame), 'fragment-tiny')
    test.chain.switch('fragment', false)
    for (const frame of attacks) assert.equal(test.inspect(frame), 'pass')
  })

  it('drops fragments that reach behind the largest datagram, end within a unit, or are empty', () => {
    const test = new ChainTest()
    for (const fragment of [fragment4, fragment6]) {
      assert.equal(test.inspect(fragment(8190, false, new Uint8Array(64))), 'fragment-malformed')
      assert.equal(test.inspect(fragment(8, true, new Uint8Array(63))), 'fragment-malformed')
      assert.equal(test.inspect(fragment(8, false, new Uint8Array(0))), 'fragment-malformed')
    }
  })

  it('an atomic IPv6 fragment is a whole packet each time (RFC 6946)', () => {
    const test = new ChainTest()
    const frame = fragment6(0, false, udp(1, 2))
    assert.equal(test.inspect(frame), 'pass')
    assert.equal(test.inspect(frame), 'pass')
  })

  it('finds the fragment header behind others', () => {
    const test = new ChainTest()
    const options = Uint8Array.of(44, 0, 1, 4, 0, 0, 0, 0)
    const header = Uint8Array.of(17, 0, 0, 1, 0, 0, 0, 9)
    const frame = ipv6(9, 60, join(options, header, udp(1, 2, new Uint8Array(56))))
    assert.equal(test.inspect(frame), 'pass')
    assert.equal(test.inspect(frame), 'fragment-overlap')
  })
})
