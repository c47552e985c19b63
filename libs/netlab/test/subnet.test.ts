import assert from 'node:assert/strict'
import { isIPv4, isIPv6 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { hostAddress4, hostAddress6 } from '../src/subnet.ts'

const INVALID = { code: 'ERR_ADDRESS_INVALID' }

test('hosts are numbered from the start of the subnet', () => {
  assert.deepEqual(hostAddress4('198.18.0.0/24', 1), { address: '198.18.0.1', prefixLength: 24 })
  assert.deepEqual(hostAddress4('198.18.4.0/22', 300), { address: '198.18.5.44', prefixLength: 22 })
  assert.deepEqual(hostAddress4('223.255.255.7/24', 9), { address: '223.255.255.9', prefixLength: 24 })
  assert.deepEqual(hostAddress6('fd00:1:2::/64', 17), { address: 'fd00:1:2::11', prefixLength: 64 })
})

test('a host never gets the broadcast address or one outside', () => {
  assert.equal(hostAddress4('198.18.0.0/30', 2).address, '198.18.0.2')
  assert.throws(() => hostAddress4('198.18.0.0/30', 3), INVALID)
  assert.throws(() => hostAddress4('198.18.0.0/24', 255), INVALID)
})

test('what is not a subnet is refused', () => {
  for (const text of [
    '',
    '198.18.0.0',
    '198.18.0/24',
    '198.18.0.0/31',
    '198.18.0.0/7',
    '198.18.0.0/024x',
    '::/64',
  ]) {
    assert.throws(() => hostAddress4(text, 1), INVALID, text)
  }
  for (const text of ['', 'fd00::', 'fd00::1/64', 'fd00::/129', 'fd00::/8', '10.0.0.0/24', 'g::/64']) {
    assert.throws(() => hostAddress6(text, 1), INVALID, text)
  }
})

test('any text gives an address or the one error', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 200 }), (text, index) => {
      for (const parse of [hostAddress4, hostAddress6]) {
        try {
          const { address } = parse(text, index)
          assert.ok(isIPv4(address) || isIPv6(address))
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'ERR_ADDRESS_INVALID')
        }
      }
    }),
  )
})
