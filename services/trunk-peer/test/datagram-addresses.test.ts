import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packAddress } from '@wakunet/trunk'
import { datagramListen } from '../src/datagram/datagram-listen.ts'
import { hostAddresses } from '../src/datagram/host-addresses.ts'
import { ReflexiveAddresses } from '../src/datagram/reflexive-addresses.ts'
import { trunkPeerConfigSchema } from '../src/index.ts'
import { mayReachHost } from '../src/peer-addresses.ts'

const config = (fields: object) => trunkPeerConfigSchema.parse({ datagram: fields }).datagram

test('the UDP port is where the trunks listen, unless the configuration names another', () => {
  const tcp = ['/ip4/0.0.0.0/tcp/4740', '/ip6/::/tcp/4740']
  const everywhere = { port: 4740, host4: '0.0.0.0', host6: '::', wanted: false }
  assert.deepEqual(datagramListen(config({}), tcp), everywhere)
  assert.deepEqual(datagramListen(config({}), ['/ip6/2001:db8::1/tcp/5000']), {
    port: 5000,
    host4: null,
    host6: '2001:db8::1',
    wanted: false,
  })
  const configured = config({ listen: ['/ip4/192.0.2.1/udp/7000'] })
  assert.deepEqual(datagramListen(configured, tcp), {
    port: 7000,
    host4: '192.0.2.1',
    host6: null,
    wanted: true,
  })
  assert.equal(datagramListen(config({}), ['/dns4/host.example/tcp/4740']), null)
})

test('UDP addresses of no use are refused with the reason', () => {
  const refused = [
    ['/ip4/0.0.0.0/tcp/4740'],
    ['/dns4/host.example/udp/4740'],
    ['/ip4/0.0.0.0/udp/4740', '/ip4/127.0.0.1/udp/4740'],
    ['/ip4/0.0.0.0/udp/4740', '/ip6/::/udp/4741'],
  ]
  for (const listen of refused) assert.throws(() => config({ listen }), /must|may/, listen.join(' '))
  assert.throws(() => config({ cipher: 'rot13' }))
})

const interfaces = () => ({
  lo: [address('127.0.0.1', true), address('::1', true)],
  eth0: [address('192.168.1.7'), address('2001:db8::7'), address('fe80::1')],
  'wk-lan': [address('10.9.0.1')],
})
function address(text: string, internal = false) {
  const family = text.includes(':') ? ('IPv6' as const) : ('IPv4' as const)
  return { address: text, netmask: '', mac: '', cidr: null, internal, family, scopeid: 0 } as never
}
const isOverlay = (host: string) => host.startsWith('10.9.')

test('what a host tells of itself: no loopback, no link-local, nothing inside a VLAN', () => {
  const mtuOf = (name: string) => (name === 'eth0' ? 1_500 : 9_000)
  const all = hostAddresses({ host4: '0.0.0.0', host6: '::', isOverlay, interfaces, mtuOf })
  assert.deepEqual(all, {
    hosts: ['192.168.1.7', '2001:db8::7'],
    largestDatagram4: 1_472,
    largestDatagram6: 1_452,
  })
  const bound = hostAddresses({ host4: '127.0.0.1', host6: null, isOverlay, interfaces, mtuOf: () => 65_536 })
  assert.deepEqual(bound, { hosts: ['127.0.0.1'], largestDatagram4: 8_972, largestDatagram6: 8_952 })
})

const packed = (host: string, port = 4740) => packAddress({ host, port })!

test('each peer has one vote for the address that it sees, and old ones are forgotten', () => {
  const reflexive = new ReflexiveAddresses()
  assert.equal(reflexive.observed('a', packed('198.51.100.1'), 0), true)
  assert.equal(reflexive.observed('a', packed('198.51.100.1'), 1), false)
  reflexive.observed('b', packed('198.51.100.2'), 0)
  reflexive.observed('c', packed('198.51.100.2'), 0)
  for (let port = 1; port < 1_000; port++) reflexive.observed('liar', packed('203.0.113.1', port), 0)
  assert.deepEqual(
    reflexive.list(10).map(({ host }) => host),
    ['198.51.100.2', '198.51.100.1', '203.0.113.1'],
  )
  assert.deepEqual(reflexive.list(200_000), [])
})

test('many observers are bounded, and so is what is told of them', () => {
  const reflexive = new ReflexiveAddresses()
  for (let i = 0; i < 500; i++) reflexive.observed(`peer ${i}`, packed(`198.51.${i >> 8}.${i & 255}`), 0)
  assert.equal(reflexive.list(0).length, 4)
})

test('datagrams go to no network that is not this node’s own, and to no names', () => {
  assert.equal(mayReachHost('192.0.2.1', []), true)
  assert.equal(mayReachHost('192.168.1.1', []), false)
  assert.equal(mayReachHost('192.168.1.1', ['10.0.0.1']), true)
  assert.equal(mayReachHost('127.0.0.1', ['10.0.0.1']), false)
  for (const host of ['224.0.0.1', '0.0.0.0', '255.255.255.255', 'fe80::1', 'ff02::1', 'host.example', ''])
    assert.equal(mayReachHost(host, ['10.0.0.1', 'fd00::1']), false, host)
})
