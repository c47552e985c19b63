import assert from 'node:assert/strict'
import { test } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { OverlayGate } from '../src/overlay-gate.ts'
import { dialableAddresses, dialableCircuits, isLocalAddress, socketOf } from '../src/peer-addresses.ts'

const PUBLIC = ['/ip4/203.0.113.7/tcp/4740']
const PRIVATE = ['/ip4/10.1.2.3/tcp/4740', ...PUBLIC]
const PEER = '12D3KooWMDmsfL6VXq5gRkyvZ9edShtx2er2AmrVLdxPGEtzGGwL'

const dialable = (claimed: string[], own = PUBLIC, gate = new OverlayGate()) =>
  dialableAddresses(claimed, { own, isOverlay: (address) => gate.isOverlay(address) })

test('public addresses may be dialled by anybody, with and without a peer id', () => {
  const claimed = ['/ip4/198.51.100.1/tcp/4740', `/ip6/2001:db8::1/tcp/4740/p2p/${PEER}`]
  assert.deepEqual(dialable(claimed), claimed)
})

test('private addresses are dialled by those who have one, loopback by those who have nothing else', () => {
  const lan = ['/ip4/192.168.1.2/tcp/4740', '/ip6/fd00::1/tcp/4740']
  assert.deepEqual(dialable(lan), [])
  assert.deepEqual(dialable(lan, PRIVATE), lan)
  const loopback = ['/ip4/127.0.0.1/tcp/6379', '/ip6/::1/tcp/6379']
  assert.deepEqual(dialable(loopback, PRIVATE), [])
  assert.deepEqual(dialable(loopback, ['/ip4/127.0.0.1/tcp/4740']), loopback)
})

test('link-local IPv4, where clouds have their metadata, is dialled by nobody outside of it', () => {
  assert.deepEqual(dialable(['/ip4/169.254.169.254/tcp/80'], PRIVATE), [])
})

test('IPv4 in the clothes of IPv6 is IPv4', () => {
  const dressed = ['/ip6/::ffff:127.0.0.1/tcp/1', '/ip6/::ffff:10.0.0.1/tcp/1', '/ip6/64:ff9b::a00:1/tcp/1']
  assert.deepEqual(dialable(dressed), [])
})

test('groups, names, other transports, relays, port 0 and what is no address are left out', () => {
  assert.deepEqual(
    dialable([
      '/ip4/224.0.0.1/tcp/1',
      '/ip4/0.0.0.0/tcp/1',
      '/ip6/fe80::1/tcp/1',
      '/dns/intranet/tcp/80',
      '/ip4/198.51.100.1/udp/1',
    ]),
    [],
  )
  assert.deepEqual(
    dialable([
      '/ip4/198.51.100.1/tcp/0',
      '/ip4/198.51.100.1/tcp/80/http',
      `/ip4/198.51.100.1/tcp/1/p2p/${PEER}/p2p-circuit`,
      'nonsense',
      `/ip4/198.51.100.1/tcp/1/p2p/${'x'.repeat(200)}`,
    ]),
    [],
  )
})

test('addresses inside a VLAN are never dialled', () => {
  const gate = new OverlayGate()
  gate.setSubnets('lane', ['10.77.0.0/16'])
  assert.deepEqual(dialable(['/ip4/10.77.1.1/tcp/1', '/ip4/10.78.1.1/tcp/1'], PRIVATE, gate), [
    '/ip4/10.78.1.1/tcp/1',
  ])
})

test('eight are looked at, doubled ones once', () => {
  const many = Array.from({ length: 50 }, (_, i) => `/ip4/198.51.100.${i >> 1}/tcp/1`)
  assert.equal(dialable(many).length, 4)
})

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.webUrl(), fc.ipV4(), fc.ipV6())), (claimed) => {
      dialable(claimed.map((text, i) => (i % 2 === 0 ? text : `/ip4/${text}/tcp/1`)))
    }),
  )
})

test('a node relays unasked for peers of private networks, which is what isLocalAddress says', () => {
  const local = ['/ip4/10.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/1', '/ip6/fd00::1/tcp/1']
  const other = ['/ip4/198.51.100.1/tcp/1', '/ip6/2001:db8::1/tcp/1', '/dns/lan/tcp/1']
  assert.ok(local.every((text) => isLocalAddress(multiaddr(text))))
  assert.ok(!other.some((text) => isLocalAddress(multiaddr(text))))
})

test('relays that a member tells are those that could be dialled themselves', () => {
  const circuit = (relay: string) => `${relay}/p2p/${PEER}/p2p-circuit`
  const claimed = [
    circuit('/ip4/198.51.100.1/tcp/4740'),
    circuit('/ip4/10.0.0.1/tcp/4740'),
    circuit('/dns4/relay.example/tcp/4740'),
    '/ip4/198.51.100.1/tcp/4740/p2p-circuit',
    `${circuit('/ip4/198.51.100.1/tcp/4740')}/p2p/${PEER}`,
    '/ip4/198.51.100.1/tcp/4740',
  ]
  const rules = { own: PUBLIC, isOverlay: () => false }
  assert.deepEqual(dialableCircuits(claimed, rules), [claimed[0]])
  assert.deepEqual(dialableCircuits([`/${'x'.repeat(500)}/p2p-circuit`], rules), [])
})

test('an address is read to its host and port, with WebSocket and peer id, and to nothing where it is of another kind', () => {
  const socket = { host: '198.51.100.1', port: 80, family: 4 }
  assert.deepEqual(socketOf('/ip4/198.51.100.1/tcp/80'), socket)
  assert.deepEqual(socketOf(`/ip4/198.51.100.1/tcp/80/ws/p2p/${PEER}`), socket)
  assert.deepEqual(socketOf('/ip6/2001:db8::1/tcp/80'), { host: '2001:db8::1', port: 80, family: 6 })
  for (const text of ['/dns4/x.example/tcp/80', `/ip4/198.51.100.1/tcp/80/p2p/${PEER}/p2p-circuit`, '', 'x'])
    assert.equal(socketOf(text), null)
})
