import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import * as ethernet from '../src/index.ts'
import { hexToBytes, plain } from './support.ts'

const fixed = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const seconds = fc.nat(0xffffffff)
const name = fc
  .array(fc.stringMatching(/^[a-z0-9]{1,20}$/), { minLength: 1, maxLength: 4 })
  .map((l) => l.join('.'))
const option = fc.oneof(
  fc.record({
    type: fc.constantFrom(ethernet.ND_OPTION_SOURCE_LINK_ADDRESS, ethernet.ND_OPTION_TARGET_LINK_ADDRESS),
    mac: fixed(6),
  }),
  fc.record({
    type: fc.constant(ethernet.ND_OPTION_PREFIX),
    prefixLength: fc.nat(128),
    onLink: fc.boolean(),
    autonomous: fc.boolean(),
    validSeconds: seconds,
    preferredSeconds: seconds,
    prefix: fixed(16),
  }),
  fc.record({ type: fc.constant(ethernet.ND_OPTION_MTU), mtu: seconds }),
  fc.record({
    type: fc.constant(ethernet.ND_OPTION_ROUTE),
    prefixLength: fc.integer({ min: 65, max: 128 }),
    preference: fc.constantFrom('low', 'medium', 'high'),
    lifetimeSeconds: seconds,
    prefix: fixed(16),
  }),
  fc.record({
    type: fc.constant(ethernet.ND_OPTION_DNS_SERVERS),
    lifetimeSeconds: seconds,
    addresses: fc.array(fixed(16), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    type: fc.constant(ethernet.ND_OPTION_DNS_SEARCH),
    lifetimeSeconds: seconds,
    names: fc.array(name, { minLength: 1, maxLength: 4 }),
  }),
) as fc.Arbitrary<ethernet.NdOption>

describe('ND options', () => {
  test('come back, and fill whole units of eight bytes', () => {
    fc.assert(
      fc.property(option, (value) => {
        const encoded = ethernet.encodeNdOption(value)!
        assert.equal((encoded.data.length + 2) % 8, 0)
        assert.deepEqual(plain(ethernet.decodeNdOption(encoded)), plain(value))
      }),
    )
  })

  test('a short route keeps only what its length needs (RFC 4191 §2.3)', () => {
    const prefix = hexToBytes('fd000009000000000000000000000000')
    for (const [prefixLength, bytes] of [
      [0, 6],
      [48, 14],
      [64, 14],
      [128, 22],
    ] as const) {
      const route = {
        type: ethernet.ND_OPTION_ROUTE,
        prefixLength,
        preference: 'low',
        lifetimeSeconds: 9,
        prefix,
      } as const
      const encoded = ethernet.encodeNdOption(route)!
      assert.equal(encoded.data.length, bytes)
      const expected = prefixLength === 0 ? new Uint8Array(16) : prefix
      assert.deepEqual(plain(ethernet.decodeNdOption(encoded)), plain({ ...route, prefix: expected }))
    }
  })

  test('lengths and values that the RFCs do not allow are refused, and so are unknown types', () => {
    const bad: [number, string][] = [
      [1, '0200000000050000000000000000'],
      [3, '00'.repeat(22)],
      [3, `81${'00'.repeat(29)}`],
      [5, '00'.repeat(14)],
      [24, `41${'00'.repeat(13)}`],
      [24, `81${'00'.repeat(21)}`],
      [24, '00'.repeat(8)],
      [25, '00'.repeat(6)],
      [25, '00'.repeat(14)],
      [31, '00'.repeat(6)],
      [31, '00'.repeat(14)],
      [31, '0000000000010361620000000000'],
      [31, '00000000000103616263036162630361'],
      [14, '00'.repeat(6)],
    ]
    for (const [type, hex] of bad)
      assert.equal(ethernet.decodeNdOption({ type, data: hexToBytes(hex) }), null, `${type} ${hex}`)
  })

  test('the reserved preference is medium', () => {
    const data = hexToBytes('001000000009')
    const decoded = ethernet.decodeNdOption({ type: 24, data })
    assert.equal(decoded?.type === ethernet.ND_OPTION_ROUTE && decoded.preference, 'medium')
  })

  test('a search list with a name that is none cannot be written', () => {
    const value = { type: ethernet.ND_OPTION_DNS_SEARCH, lifetimeSeconds: 1, names: ['a..b'] } as const
    assert.equal(ethernet.encodeNdOption(value), null)
  })
})
