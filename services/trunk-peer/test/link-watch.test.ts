import assert from 'node:assert/strict'
import type { NetworkInterfaceInfo } from 'node:os'
import { test } from 'node:test'
import { FakeClock } from '@wakunet/testing'
import { LinkWatch, type NetworkChange } from '../src/link-watch.ts'

const address = (text: string, internal = false): NetworkInterfaceInfo => ({
  address: text,
  internal,
  family: 'IPv4',
  netmask: '255.255.255.0',
  mac: '02:00:00:00:00:01',
  cidr: `${text}/24`,
})

/** A host whose network the test changes. */
function start() {
  const clock = new FakeClock()
  const changes: NetworkChange[] = []
  const state = {
    eth0: [address('192.0.2.1')],
    tap: [] as NetworkInterfaceInfo[],
    routes: 'eth0 192.0.2.254',
    asleepMs: 0,
  }
  const watch = new LinkWatch({
    clock,
    onChange: (change) => changes.push(change),
    interfaces: () => ({ lo: [address('127.0.0.1', true)], eth0: state.eth0, 'wk-lan': state.tap }),
    routes: () => state.routes,
    bootMs: () => clock.monotonicMs() + state.asleepMs,
  })
  watch.start()
  return { clock, changes, state, watch }
}

test('a cable that is pulled or put back is noticed within a second, once each', () => {
  const { clock, changes, state, watch } = start()
  clock.advance(10_000)
  assert.deepEqual(changes, [])
  state.eth0 = []
  clock.advance(5_000)
  assert.deepEqual(changes, [{ what: 'addresses', gone: ['192.0.2.1'] }])
  state.eth0 = [address('192.0.2.1')]
  clock.advance(1_000)
  assert.deepEqual(changes.slice(1), [{ what: 'addresses', gone: [] }])
  watch.stop()
  assert.equal(clock.pendingTimers, 0)
})

test('another address, another default route and a sleep are each told as what they are', () => {
  const { clock, changes, state } = start()
  state.eth0 = [address('192.0.2.2')]
  state.routes = 'eth0 192.0.2.253'
  clock.advance(1_000)
  state.routes = 'wlan0 198.51.100.254'
  clock.advance(1_000)
  state.asleepMs = 60_000
  clock.advance(1_000)
  assert.deepEqual(changes, [
    { what: 'addresses', gone: ['192.0.2.1'] },
    { what: 'routes', gone: [] },
    { what: 'asleep', gone: [] },
  ])
})

test('addresses of VLANs, link-local ones and a short pause are no news', () => {
  const { clock, changes, state } = start()
  state.tap = [address('10.1.2.3')]
  state.eth0 = [...state.eth0, address('fe80::1')]
  state.asleepMs = 1_500
  clock.advance(5_000)
  assert.deepEqual(changes, [])
})

test('of a Linux host routes and uptime can be read', () => {
  const clock = new FakeClock()
  const watch = new LinkWatch({ clock, onChange: () => assert.fail('nothing has changed') })
  watch.start()
  watch.stop()
})
