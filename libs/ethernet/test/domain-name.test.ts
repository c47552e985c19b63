import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodeDomainNames, encodeDomainName, encodeDomainNames } from '../src/index.ts'
import { hexToBytes } from './support.ts'

const label = fc.stringMatching(/^[!-\-/-~]{1,63}$/)
const name = fc
  .array(label, { minLength: 1, maxLength: 6 })
  .map((labels) => labels.join('.'))
  .filter((text) => text.length <= 253)

describe('domain names', () => {
  test('come back one behind the other', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 5 }), (names) => {
        assert.deepEqual(decodeDomainNames(encodeDomainNames(names)!), names)
      }),
    )
  })

  test('follow pointers that lead back, where compression is allowed', () => {
    // RFC 3397 §2: "eng.apple.com", "marketing.apple.com".
    const bytes = hexToBytes('03656e67056170706c6503636f6d00' + '096d61726b6574696e67c004')
    assert.deepEqual(decodeDomainNames(bytes, { compressed: true }), ['eng.apple.com', 'marketing.apple.com'])
    assert.equal(decodeDomainNames(bytes), null)
  })

  test('refuse pointers that lead forward, to themselves, in a circle, or are cut', () => {
    for (const hex of ['c000', 'c002036100', '0161c000', '016100c0', '0161c0000162c005', 'c00301610000'])
      assert.equal(decodeDomainNames(hexToBytes(hex), { compressed: true }), null, hex)
  })

  test('refuse cut labels, reserved label types, empty names, unprintables and dots in labels', () => {
    for (const hex of ['03616263', '0461626300', '4061', '8061', '00', '012000', '012e00', '018000'])
      assert.equal(decodeDomainNames(hexToBytes(hex)), null, hex)
  })

  test('refuse names that are longer than 255 bytes', () => {
    const long = Array.from({ length: 4 }, () => 'a'.repeat(63)).join('.')
    assert.equal(encodeDomainName(long), null)
    const most = long.slice(2)
    assert.equal(encodeDomainName(most)?.length, 255)
    assert.deepEqual(decodeDomainNames(encodeDomainName(most)!), [most])
    const tooLong = hexToBytes(`${`3f${'61'.repeat(63)}`.repeat(4)}00`)
    assert.equal(decodeDomainNames(tooLong), null)
  })

  test('a final dot is allowed in text, other empty labels and unprintables are not', () => {
    assert.deepEqual(encodeDomainName('a.b.'), encodeDomainName('a.b'))
    for (const text of ['', '.', 'a..b', '.a', 'a b', 'ä', 'a'.repeat(64)])
      assert.equal(encodeDomainName(text), null, text)
    assert.equal(encodeDomainNames(['a', '']), null)
  })

  test('never throw and always end, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 1, 2, 0x61, 0xc0, 0xff), { maxLength: 40 }), (bytes) => {
        decodeDomainNames(Uint8Array.from(bytes), { compressed: true })
      }),
    )
  })
})
