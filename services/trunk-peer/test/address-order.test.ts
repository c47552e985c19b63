import assert from 'node:assert/strict'
import { test } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { FakeClock } from '@wakunet/testing'
import { AddressOrder } from '../src/host/address-order.ts'

const RELAY = '12D3KooWMDmsfL6VXq5gRkyvZ9edShtx2er2AmrVLdxPGEtzGGwL'
const FOUR = '/ip4/8.8.8.8/tcp/4740'
const SIX = '/ip6/2a00:1450::1/tcp/4740'
const WEB = '/ip6/2a00:1450::1/tcp/443/ws'
const RELAYED = `/ip6/2a00:1450::2/tcp/4740/p2p/${RELAY}/p2p-circuit`

function sorted(order: AddressOrder): string[] {
  return [RELAYED, WEB, FOUR, SIX]
    .map((text) => ({ multiaddr: multiaddr(text), isCertified: false }))
    .sort(order.compare)
    .map((address) => address.multiaddr.toString())
}

test('IPv6 is dialled first, WebSocket after plain TCP, relays last', () => {
  assert.deepEqual(sorted(new AddressOrder(new FakeClock())), [SIX, FOUR, WEB, RELAYED])
})

test('where IPv6 does not work IPv4 comes first for a minute, or until it works again', () => {
  const clock = new FakeClock()
  const order = new AddressOrder(clock)
  order.dialled(SIX, false)
  assert.deepEqual(sorted(order), [FOUR, SIX, WEB, RELAYED])
  clock.advance(60_000)
  assert.deepEqual(sorted(order)[0], SIX)
  order.dialled(SIX, false)
  order.dialled(SIX, true)
  assert.deepEqual(sorted(order)[0], SIX)
})

test('where nothing works the order is the usual one, and names count for nothing', () => {
  const order = new AddressOrder(new FakeClock())
  for (const address of [SIX, FOUR, '/dns4/host.example/tcp/4740']) order.dialled(address, false)
  assert.deepEqual(sorted(order), [SIX, FOUR, WEB, RELAYED])
})
