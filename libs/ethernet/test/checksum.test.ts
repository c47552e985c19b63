import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { addToSum, checksum16, foldSum, pseudoHeaderSum } from '../src/index.ts'
import { concat, hexToBytes, naiveSum, pseudoHeader, SOURCE4 } from './support.ts'

describe('the Internet checksum', () => {
  test('is that of the example in RFC 1071 §3', () => {
    const bytes = hexToBytes('0001f203f4f5f6f7')
    assert.equal(addToSum(0, bytes, 0, 8), 0xddf2)
    assert.equal(checksum16(bytes, 0, 8), 0x220d)
  })

  test('agrees with a naive sum for any bytes, length and offset', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), (bytes, offset) => {
        const part = bytes.subarray(Math.min(offset, bytes.length))
        const sum = addToSum(0, bytes, bytes.length - part.length, part.length)
        assert.equal(sum, naiveSum(part))
        assert.equal(checksum16(part, 0, part.length), ~naiveSum(part) & 0xffff)
      }),
    )
  })

  test('does not overflow on the heaviest and longest input', () => {
    for (const length of [65_535, 65_536, 65_537, 200_001, 1 << 20]) {
      const bytes = new Uint8Array(length).fill(0xff)
      assert.equal(addToSum(0xffff, bytes, 0, length), naiveSum(bytes), `${length}`)
    }
  })

  test('does not depend on where even pieces are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(150), (bytes, pairs) => {
        const cut = Math.min(pairs * 2, bytes.length & ~1)
        const pieces = addToSum(addToSum(0, bytes, 0, cut), bytes, cut, bytes.length - cut)
        assert.equal(pieces, naiveSum(bytes))
      }),
    )
  })

  test('folds every 32-bit sum to its residue', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (sum) => {
        assert.equal(foldSum(sum) % 0xffff, sum % 0xffff)
        assert.ok(foldSum(sum) <= 0xffff)
      }),
    )
  })

  test('knows the pseudo headers', () => {
    for (const family of [4, 6] as const) {
      const pseudo = pseudoHeader({ family, protocol: 'udp' }, 1234)
      const addresses = family === 4 ? pseudo.subarray(0, 8) : pseudo.subarray(0, 32)
      const bytes = concat(SOURCE4, addresses)
      assert.equal(pseudoHeaderSum(bytes, 4, addresses.length, 17, 1234), naiveSum(pseudo))
    }
  })
})
