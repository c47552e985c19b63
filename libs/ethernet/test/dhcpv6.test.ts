import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import * as ethernet from '../src/index.ts'
import { hexToBytes, plain } from './support.ts'

const fixed = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const seconds = fc.nat(0xffffffff)
const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { minLength: 1, maxLength: 3 })
const duid = fc.uint8Array({ minLength: 3, maxLength: 130 })
const status = fc.record({ code: fc.nat(0xffff), message: fc.uint8Array({ maxLength: 20 }) })
const optionalStatus = fc.option(status, { nil: null })
const name = fc
  .array(fc.stringMatching(/^[a-z0-9]{1,20}$/), { minLength: 1, maxLength: 4 })
  .map((l) => l.join('.'))

const values = fc.record(
  {
    clientId: duid,
    serverId: duid,
    iaNas: list(
      fc.record({
        iaid: seconds,
        renewSeconds: seconds,
        rebindSeconds: seconds,
        addresses: fc.array(
          fc.record({
            address: fixed(16),
            preferredSeconds: seconds,
            validSeconds: seconds,
            status: optionalStatus,
          }),
          { maxLength: 3 },
        ),
        status: optionalStatus,
      }),
    ),
    optionRequest: fc.array(fc.nat(0xffff), { maxLength: 10 }),
    preference: fc.nat(255),
    elapsedMs: fc.nat(0xffff).map((units) => units * 10),
    relayMessage: fc.uint8Array({ maxLength: 30 }),
    status,
    rapidCommit: fc.constant(true as const),
    dnsServers: list(fixed(16)),
    domainList: list(name),
    sntpServers: list(fixed(16)),
    ntpServers: list(
      fc.oneof(
        fc.record({ kind: fc.constantFrom('unicast', 'multicast'), address: fixed(16) }),
        fc.record({ kind: fc.constant('name'), name }),
      ),
    ),
    informationRefreshSeconds: seconds,
    solMaxRtSeconds: seconds,
    infMaxRtSeconds: seconds,
  },
  { requiredKeys: [] },
)
const options = fc.array(fc.record({ code: fc.nat(0xffff), data: fc.uint8Array({ maxLength: 40 }) }), {
  maxLength: 8,
})
const message = fc.oneof(
  fc.record({ type: fc.integer({ min: 1, max: 11 }), transactionId: fc.nat(0xffffff), options }),
  fc.record({
    type: fc.constantFrom(ethernet.DHCPV6_RELAY_FORWARD, ethernet.DHCPV6_RELAY_REPLY),
    hopCount: fc.nat(255),
    linkAddress: fixed(16),
    peerAddress: fixed(16),
    options,
  }),
)

describe('DHCPv6', () => {
  test('messages come back, relayed ones too', () => {
    fc.assert(
      fc.property(message, (value) => {
        const bytes = ethernet.encodeDhcpv6(value as ethernet.Dhcpv6Message)
        assert.deepEqual(plain(ethernet.decodeDhcpv6(bytes)), plain(value))
      }),
    )
  })

  test('an option that is cut, and a type that is none, are refused', () => {
    for (const hex of ['01000001000100', '010000010001000400', '00000001', '0e000001', '23000001', '0c00'])
      assert.equal(ethernet.decodeDhcpv6(hexToBytes(hex)), null, hex)
  })

  test('more options than an honest message has are refused', () => {
    const many = (count: number) => ({
      type: 1,
      transactionId: 1,
      options: Array.from({ length: count }, () => ({ code: 99, data: new Uint8Array(0) })),
    })
    const limit = ethernet.MAX_DHCPV6_OPTIONS
    assert.notEqual(ethernet.decodeDhcpv6(ethernet.encodeDhcpv6(many(limit))), null)
    assert.equal(ethernet.decodeDhcpv6(ethernet.encodeDhcpv6(many(limit + 1))), null)
  })

  test('option values come back', () => {
    fc.assert(
      fc.property(values, (value) => {
        const encoded = ethernet.encodeDhcpv6Options(value)!
        assert.deepEqual(plain(ethernet.decodeDhcpv6Options(encoded)), plain({ ...value }))
      }),
    )
  })

  test('a malformed option refuses all of them', () => {
    const bad: [number, string][] = [
      [1, '0001'],
      [2, '00'.repeat(131)],
      [3, '00'.repeat(11)],
      [3, `${'00'.repeat(12)}00050001`],
      [3, `${'00'.repeat(12)}0005000100`],
      [3, `${'00'.repeat(12)}000d000100`],
      [6, '000102'],
      [7, ''],
      [8, '01'],
      [13, '00'],
      [14, '00'],
      [23, ''],
      [23, '00'.repeat(17)],
      [24, '0361'],
      [24, ''],
      [32, '00'],
    ]
    for (const [code, hex] of bad)
      assert.equal(ethernet.decodeDhcpv6Options([{ code, data: hexToBytes(hex) }]), null, `${code} ${hex}`)
  })

  test('associations in one message are bounded', () => {
    const iaNa = { iaid: 1, renewSeconds: 0, rebindSeconds: 0, addresses: [], status: null }
    const of = (count: number) => ethernet.encodeDhcpv6Options({ iaNas: new Array(count).fill(iaNa) })!
    assert.equal(ethernet.decodeDhcpv6Options(of(8))?.iaNas?.length, 8)
    assert.equal(ethernet.decodeDhcpv6Options(of(9)), null)
    const address = { address: new Uint8Array(16), preferredSeconds: 1, validSeconds: 1, status: null }
    const full = ethernet.encodeDhcpv6Options({
      iaNas: [{ ...iaNa, addresses: new Array(9).fill(address) }],
    })!
    assert.equal(ethernet.decodeDhcpv6Options(full), null)
  })
})
