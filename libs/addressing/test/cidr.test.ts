import assert from 'node:assert/strict'
import { BlockList } from 'node:net'
import { describe, test } from 'node:test'
import { WakunetError } from '@wakunet/interface'
import fc from 'fast-check'
import {
  type Cidr,
  cidrContains,
  formatCidr,
  formatIp,
  isNetwork,
  networkOf,
  parseCidr,
} from '../src/index.ts'

const cidr4 = fc
  .record({ bytes: fc.uint8Array({ minLength: 4, maxLength: 4 }), prefixLength: fc.nat(32) })
  .map((parts): Cidr => ({ family: 4, ...parts }))
const cidr6 = fc
  .record({ bytes: fc.uint8Array({ minLength: 16, maxLength: 16 }), prefixLength: fc.nat(128) })
  .map((parts): Cidr => ({ family: 6, ...parts }))
const anyCidr = fc.oneof(cidr4, cidr6)

describe('CIDR text', () => {
  test('round trips with the bits behind the prefix', () => {
    fc.assert(fc.property(anyCidr, (cidr) => assert.deepEqual(parseCidr(formatCidr(cidr)), cidr)))
    assert.equal(formatCidr(parseCidr('10.1.2.3/24')), '10.1.2.3/24')
    assert.equal(formatCidr(parseCidr('FD00:0:0::1/64')), 'fd00::1/64')
  })

  test('is refused with what is wrong and what would be right', () => {
    for (const [text, what] of [
      ['10.1.2.3', 'has no prefix length'],
      ['10.1.2/24', 'does not begin with an IP address'],
      ['10.1.2.3/33', 'needs a prefix length from 0 to 32'],
      ['fd00::/129', 'needs a prefix length from 0 to 128'],
      ['10.1.2.3/024', 'needs a prefix length'],
      ['10.1.2.3/', 'needs a prefix length'],
      ['10.1.2.3/24/8', 'needs a prefix length'],
      ['10.1.2.3/+4', 'needs a prefix length'],
      ['10.1.2.3/ 4', 'needs a prefix length'],
      ['10.01.2.3/8', 'does not begin with an IP address'],
      ['fe80::1%eth0/64', 'does not begin with an IP address'],
      ['::ffff:10.0.0.1/104', 'is an IPv4 address written as IPv6'],
      ['::ffff:a00:1/128', 'is an IPv4 address written as IPv6'],
      ['', 'has no prefix length'],
    ] as const) {
      assert.throws(
        () => parseCidr(text),
        (error) => {
          assert.ok(error instanceof WakunetError)
          assert.equal(error.code, 'ERR_ADDRESS_INVALID')
          assert.ok(error.message.includes(what), error.message)
          assert.ok(error.message.includes('for example 10.20.0.5/20'))
          return true
        },
      )
    }
  })

  test('is read or refused, never anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:./]{0,30}$/)), (text) => {
        try {
          assert.deepEqual(parseCidr(formatCidr(parseCidr(text))), parseCidr(text))
        } catch (error) {
          assert.ok(error instanceof WakunetError && error.code === 'ERR_ADDRESS_INVALID')
          assert.ok(error.message.length < 600, 'a long input is not repeated in full')
        }
      }),
      { numRuns: 5000 },
    )
  })
})

describe('networks', () => {
  test('have zeros behind the prefix', () => {
    fc.assert(
      fc.property(anyCidr, (cidr) => {
        const network = networkOf(cidr)
        assert.ok(isNetwork(network))
        assert.deepEqual(networkOf(network), network)
        assert.ok(cidrContains(network, cidr))
      }),
    )
    assert.equal(formatCidr(networkOf(parseCidr('10.1.255.3/20'))), '10.1.240.0/20')
    assert.equal(isNetwork(parseCidr('10.1.255.3/20')), false)
  })

  test('contain what Node says they contain', () => {
    const address = (family: 4 | 6) =>
      fc.uint8Array({ minLength: family === 4 ? 4 : 16, maxLength: family === 4 ? 4 : 16 })
    for (const [family, cidrs] of [
      [4, cidr4],
      [6, cidr6],
    ] as const) {
      const near = fc.tuple(cidrs, address(family), fc.boolean()).map(([cidr, other, close]) => {
        // Half of the addresses share the first bytes, or nothing would ever be inside.
        const bytes = close
          ? Uint8Array.from(other, (byte, i) => (i < other.length / 2 ? cidr.bytes[i]! : byte))
          : other
        return { cidr, bytes }
      })
      fc.assert(
        fc.property(near, ({ cidr, bytes }) => {
          const list = new BlockList()
          list.addSubnet(formatIp(networkOf(cidr).bytes), cidr.prefixLength, `ipv${family}`)
          const text = formatIp(bytes)
          if (text.startsWith('::ffff:')) return
          assert.equal(cidrContains(cidr, text), list.check(text, `ipv${family}`))
        }),
        { numRuns: 2000 },
      )
    }
  })

  test('contain a network only whole, and never one of the other family', () => {
    const network = parseCidr('10.1.0.0/16')
    assert.equal(cidrContains(network, '10.1.4.0/24'), true)
    assert.equal(cidrContains(network, '10.0.0.0/8'), false)
    assert.equal(cidrContains(network, parseCidr('10.1.0.0/16')), true)
    assert.equal(cidrContains(parseCidr('0.0.0.0/0'), 'fd00::1'), false)
    assert.equal(cidrContains(parseCidr('::/0'), '10.0.0.1'), false)
  })

  test('see through an IPv4 address in IPv6 clothes', () => {
    const network = parseCidr('10.1.0.0/16')
    assert.equal(cidrContains(network, '::ffff:10.1.2.3'), true)
    assert.equal(cidrContains(network, '::ffff:a01:203'), true)
    assert.equal(cidrContains(network, '::ffff:10.1.0.0/112'), true)
    assert.equal(cidrContains(network, '::ffff:10.1.0.0/90'), false)
    assert.equal(cidrContains(parseCidr('::/0'), '::ffff:10.1.2.3'), false)
  })

  test('contain no text that is no address', () => {
    for (const text of [
      '',
      'localhost',
      '10.1.2',
      '10.1.2.3/',
      '10.1.2.3/33',
      '10.1.2.3/x',
      '1.2.3.4.5',
      '/8',
    ]) {
      assert.equal(cidrContains(parseCidr('0.0.0.0/0'), text), false, text)
    }
  })
})
