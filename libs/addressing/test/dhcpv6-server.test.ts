import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  DHCPV6_CODE,
  type Dhcpv6ClientServerMessage,
  type Dhcpv6Options,
  decodeDhcpv6,
  decodeDhcpv6Options,
  encodeDhcpv6,
  encodeDhcpv6Options,
} from '@wakunet/ethernet'
import { checkProperty } from '@wakunet/testing'
import fc from 'fast-check'
import { Dhcpv6Server, stationDuid } from '../src/dhcpv6/dhcpv6-server.ts'
import { formatIp } from '../src/index.ts'
import { address, clientFrame, hex, hexToBytes, PLAN, StationScene } from './station-scene.ts'

const MAC = hexToBytes('02574bf0a13f')
const SERVER_ID = stationDuid(MAC)
const CLIENT_ID = hexToBytes('000300018a823b8a4f78')
const PREFIX = address('fd12:3456:789a:1::')
const ON_LINK = address('fd12:3456:789a:1::77')
const OFF_LINK = address('fd12:3456:789a:2::77')
const [SOLICIT, ADVERTISE, REQUEST, CONFIRM, RENEW, REBIND, REPLY, RELEASE, DECLINE, RECONFIGURE, INFORM] = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
]

const server = new Dhcpv6Server({
  mac: MAC,
  prefix: PREFIX,
  dnsServers: [address('fd12:3456:789a:1::53')],
  searchDomains: ['home.waku.internal'],
  ntpServers: [address('fd12:3456:789a:1::123')],
})

interface Answer {
  readonly message: Dhcpv6ClientServerMessage
  readonly options: Dhcpv6Options
}

function ask(type: number, options: Dhcpv6Options, isMulticast = true): Answer | null {
  const encoded = encodeDhcpv6Options(options)!
  return read(server.answer(encodeDhcpv6({ type, transactionId: 0xabcdef, options: encoded }), isMulticast))
}

function read(payload: Uint8Array | null): Answer | null {
  if (payload === null) return null
  const message = decodeDhcpv6(payload) as Dhcpv6ClientServerMessage
  return { message, options: decodeDhcpv6Options(message.options)! }
}

function association(...addresses: Uint8Array[]): Dhcpv6Options['iaNas'] {
  return [
    {
      iaid: 7,
      renewSeconds: 100,
      rebindSeconds: 200,
      addresses: addresses.map((bytes) => ({
        address: bytes,
        preferredSeconds: 300,
        validSeconds: 400,
        status: null,
      })),
      status: null,
    },
  ]
}

describe('DHCPv6 against real clients', () => {
  test('dhclient -6 -S gets resolver, search domain and time server', () => {
    const scene = new StationScene()
    const sent = scene.askOne(clientFrame('dhcp6InformationRequest'))
    const { message, options } = read(sent.payload)!
    assert.deepEqual(sent.ports, [547, 546])
    assert.equal(formatIp(sent.ip6!.source), formatIp(scene.station.addresses.linkLocal))
    assert.equal(formatIp(sent.ip6!.destination), 'fe80::8882:3bff:fe8a:4f78')
    assert.deepEqual([message.type, message.transactionId], [REPLY, 0x7b23c6])
    assert.equal(hex(options.clientId!), hex(CLIENT_ID))
    assert.equal(hex(options.serverId!), hex(SERVER_ID))
    assert.deepEqual(options.dnsServers?.map(formatIp), ['fd12:3456:789a:1::53'])
    assert.deepEqual(options.domainList, ['home.waku.internal'])
    assert.deepEqual(options.sntpServers?.map(formatIp), ['fd12:3456:789a:1::123'])
    assert.equal(options.ntpServers, undefined, 'not asked for')
    assert.equal(scene.station.stats.dhcp6, 1)
  })

  test('dhclient -6 hears that there are no addresses, -P that there are no prefixes', () => {
    const scene = new StationScene()
    const { message, options } = read(scene.askOne(clientFrame('dhcp6Solicit')).payload)!
    assert.equal(message.type, ADVERTISE)
    assert.equal(options.status?.code, 2)
    assert.deepEqual(
      options.iaNas?.map(({ iaid, addresses, status }) => [iaid, addresses.length, status?.code]),
      [[0x3b8a4f78, 0, 2]],
    )
    const prefix = read(scene.askOne(clientFrame('dhcp6SolicitPrefix')).payload)!
    const [iaPd] = prefix.message.options.filter(({ code }) => code === DHCPV6_CODE.iaPd)
    assert.equal(hex(iaPd!.data), '3b8a4f780000000000000000000d00020006')
  })

  test('a plan without IPv6 time servers says nothing about them', () => {
    const scene = new StationScene({ plan: { ...PLAN, ntp: ['10.0.0.1'] } })
    const { options } = read(scene.askOne(clientFrame('dhcp6InformationRequest')).payload)!
    assert.equal(options.sntpServers, undefined)
  })
})

describe('stateless DHCPv6', () => {
  test('says all it knows to who does not say what it wants, and only that to who does', () => {
    const all = ask(INFORM, {})!.options
    assert.deepEqual(
      all.ntpServers?.map((server) => server.kind),
      ['unicast'],
    )
    assert.equal(all.informationRefreshSeconds, 3_600)
    assert.ok(all.dnsServers !== undefined && all.domainList !== undefined && all.sntpServers !== undefined)
    assert.equal(all.clientId, undefined, 'who says no identifier gets none back')
    assert.deepEqual(Object.keys(ask(INFORM, { optionRequest: [DHCPV6_CODE.dnsServers] })!.options), [
      'serverId',
      'dnsServers',
    ])
    assert.deepEqual(Object.keys(ask(INFORM, { optionRequest: [] })!.options), ['serverId'])
  })

  test('tells who solicits to do so rarely', () => {
    const { options } = ask(SOLICIT, { clientId: CLIENT_ID, optionRequest: [DHCPV6_CODE.solMaxRt] })!
    assert.equal(options.solMaxRtSeconds, 86_400)
  })

  test('answers REQUEST, RENEW, RELEASE and DECLINE without a binding', () => {
    const withId = { clientId: CLIENT_ID, serverId: SERVER_ID, iaNas: association(ON_LINK)! }
    for (const [type, code, overall] of [
      [REQUEST, 2, undefined],
      [RENEW, 3, undefined],
      [RELEASE, 3, 0],
      [DECLINE, 3, 0],
    ] as const) {
      const { message, options } = ask(type!, withId)!
      assert.equal(message.type, REPLY)
      assert.deepEqual(
        options.iaNas?.map(({ iaid, addresses, status }) => [iaid, addresses, status?.code]),
        [[7, [], code]],
      )
      assert.equal(options.status?.code, overall)
    }
  })

  test('confirms addresses of the prefix, says of others that they are not, and nothing where there are none', () => {
    const confirm = (...addresses: Uint8Array[]) =>
      ask(CONFIRM!, { clientId: CLIENT_ID, iaNas: association(...addresses)! })?.options.status?.code
    assert.equal(confirm(ON_LINK), 0)
    assert.equal(confirm(ON_LINK, OFF_LINK), 4)
    assert.equal(confirm(), undefined)
  })

  test('ends addresses of another prefix on REBIND, and knows nothing of its own', () => {
    const rebind = (...addresses: Uint8Array[]) =>
      ask(REBIND!, { clientId: CLIENT_ID, iaNas: association(...addresses)! })
    const ended = rebind(ON_LINK, OFF_LINK)?.options.iaNas?.flatMap((iaNa) => iaNa.addresses)
    assert.deepEqual(
      ended?.map(({ address: bytes, validSeconds, preferredSeconds }) => [
        formatIp(bytes),
        validSeconds,
        preferredSeconds,
      ]),
      [['fd12:3456:789a:2::77', 0, 0]],
    )
    assert.equal(rebind(ON_LINK), null)
  })

  test('discards what RFC 8415 section 16 tells it to', () => {
    const client = { clientId: CLIENT_ID }
    const other = hexToBytes('00030001020000000001')
    const discarded: readonly [what: string, type: number | undefined, options: Dhcpv6Options][] = [
      ['SOLICIT without a client', SOLICIT, {}],
      ['SOLICIT to a server', SOLICIT, { ...client, serverId: SERVER_ID }],
      ['REQUEST to no server', REQUEST, client],
      ['REQUEST to another server', REQUEST, { ...client, serverId: other }],
      ['REQUEST without a client', REQUEST, { serverId: SERVER_ID }],
      ['RENEW to another server', RENEW, { ...client, serverId: other }],
      ['CONFIRM to a server', CONFIRM, { ...client, serverId: SERVER_ID, iaNas: association(ON_LINK)! }],
      ['REBIND to a server', REBIND, { ...client, serverId: SERVER_ID, iaNas: association(OFF_LINK)! }],
      ['INFORMATION-REQUEST to another server', INFORM, { serverId: other }],
      ['INFORMATION-REQUEST with an association', INFORM, { iaNas: association(ON_LINK)! }],
      ['ADVERTISE', ADVERTISE, { ...client, serverId: SERVER_ID }],
      ['REPLY', REPLY, { ...client, serverId: SERVER_ID }],
      ['RECONFIGURE', RECONFIGURE, { ...client, serverId: SERVER_ID }],
    ]
    for (const [what, type, options] of discarded) assert.equal(ask(type!, options), null, what)
    const relayed = encodeDhcpv6({
      type: 12,
      hopCount: 0,
      linkAddress: new Uint8Array(16),
      peerAddress: new Uint8Array(16),
      options: [],
    })
    assert.equal(server.answer(relayed, true), null)
  })

  test('sends who used unicast back to multicast, and is silent to who may not have', () => {
    const named = { clientId: CLIENT_ID, serverId: SERVER_ID }
    assert.equal(ask(REQUEST!, named, false)?.options.status?.code, 5)
    assert.equal(ask(SOLICIT!, { clientId: CLIENT_ID }, false), null)
    assert.equal(ask(INFORM!, {}, false), null)
  })

  test('answers at most eight associations, whatever their number', () => {
    const association = { code: DHCPV6_CODE.iaPd, data: new Uint8Array(12) }
    const clientId = { code: DHCPV6_CODE.clientId, data: CLIENT_ID }
    const options = [clientId, ...new Array(60).fill(association)]
    const payload = encodeDhcpv6({ type: SOLICIT!, transactionId: 1, options })
    const { message } = read(server.answer(payload, true))!
    assert.equal(message.options.filter(({ code }) => code === DHCPV6_CODE.iaPd).length, 8)
  })

  test('never throws, whatever it is sent, and answers in the format', async () => {
    const option = fc.record({
      code: fc.oneof(fc.constantFrom(1, 2, 3, 4, 5, 6, 13, 25), fc.nat(0xffff)),
      data: fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.constantFrom(SERVER_ID, CLIENT_ID, new Uint8Array(12)),
      ),
    })
    const message = fc.record({
      type: fc.integer({ min: 1, max: 11 }),
      transactionId: fc.nat(0xffffff),
      options: fc.array(option, { maxLength: 8 }),
    })
    const payload = fc.oneof(fc.uint8Array({ maxLength: 100 }), message.map(encodeDhcpv6))
    await checkProperty(
      fc.property(payload, fc.boolean(), (bytes, isMulticast) => {
        const answer = server.answer(bytes, isMulticast)
        if (answer !== null) assert.ok(decodeDhcpv6(answer) !== null)
      }),
      { runs: 3_000 },
    )
    const whole = clientFrame('dhcp6Solicit').subarray(62)
    for (let length = 0; length < whole.length; length++) server.answer(whole.subarray(0, length), true)
  })
})
