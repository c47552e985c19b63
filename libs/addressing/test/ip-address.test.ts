import assert from 'node:assert/strict'
import { isIPv4, isIPv6 } from 'node:net'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { formatIp, isIpv4Mapped, parseIpv4, parseIpv6 } from '../src/index.ts'

const hex = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('hex'))
const v6 = fc.oneof(
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Zeros make the interesting runs.
  fc
    .array(fc.constantFrom(0, 0, 0, 1, 0xff), { minLength: 16, maxLength: 16 })
    .map((b) => Uint8Array.from(b)),
)

describe('IPv4 text', () => {
  test('round trips, and reads nothing that Node does not read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
        assert.deepEqual(parseIpv4(formatIp(bytes)), bytes)
      }),
    )
    const texts = fc.stringMatching(/^[0-9.x ]{0,16}$/)
    fc.assert(fc.property(texts, (text) => assert.equal(parseIpv4(text) !== null, isIPv4(text))))
  })

  test('has no leading zeros, no short forms, no other bases', () => {
    for (const text of [
      '010.0.0.1',
      '10.1',
      '10.0.0.256',
      '0x0a.0.0.1',
      '10.0.0.1.',
      ' 10.0.0.1',
      '10.0.0.-1',
      '1e1.0.0.1',
      '',
    ]) {
      assert.equal(parseIpv4(text), null, text)
    }
  })
})

describe('IPv6 text', () => {
  test('is canonical as RFC 5952 §4 says', () => {
    for (const [text, canonical] of [
      ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
      ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
      ['0:0:0:0:0:0:0:0', '::'],
      ['0:0:0:0:0:0:0:1', '::1'],
      ['fe80:0:0:0:0:0:0:0', 'fe80::'],
      ['::ffff:c000:0201', '::ffff:192.0.2.1'],
      ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
      ['1::2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ] as const) {
      assert.equal(formatIp(parseIpv6(text)!), canonical)
    }
  })

  test('round trips, in the form that the URL standard gives', () => {
    fc.assert(
      fc.property(v6, (bytes) => {
        const text = formatIp(bytes)
        assert.equal(hex(parseIpv6(text)), hex(bytes))
        assert.ok(isIPv6(text))
        if (!isIpv4Mapped(bytes)) assert.equal(new URL(`http://[${text}]/`).hostname, `[${text}]`)
      }),
      { numRuns: 2000 },
    )
  })

  test('reads exactly what Node reads, except zones', () => {
    const texts = fc.oneof(
      fc.stringMatching(/^[0-9a-fA-F:.]{0,20}$/),
      v6.map((bytes) => formatIp(bytes).toUpperCase()),
      fc
        .tuple(v6, fc.nat(40), fc.constantFrom(':', '0', '::', '1.2.3.4', 'g', ''))
        .map(([bytes, at, put]) => {
          const text = formatIp(bytes)
          return text.slice(0, at) + put + text.slice(at + 1)
        }),
    )
    fc.assert(
      fc.property(texts, (text) => assert.equal(parseIpv6(text) !== null, isIPv6(text), text)),
      { numRuns: 20_000 },
    )
    for (const text of [
      'fe80::1%eth0',
      '1:::2',
      '::1::',
      ':',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '12345::',
    ]) {
      assert.equal(parseIpv6(text), null, text)
    }
    assert.equal(parseIpv6(`${'0'.repeat(100_000)}::`), null)
  })
})
