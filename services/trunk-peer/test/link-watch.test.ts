import assert from 'node:assert/strict'
import type { NetworkInterfaceInfo } from 'node:os'
import { test } from 'node:test'
import { FakeClock } from '@wakunet/testing'
import { LinkWatch } from '../src/link-watch.ts'

const address = (text: string, internal = false): NetworkInterfaceInfo => ({
  address: text,
  internal,
  family: 'IPv4',
  netmask: '255.255.255.0',
  mac: '02:00:00:00:00:01',
  cidr: `${text}/24`,
})

test('a cable that is pulled or put back is noticed within a second, once each', () => {
  const clock = new FakeClock()
  let addresses = [address('192.0.2.1')]
  let changes = 0
  const watch = new LinkWatch({
    clock,
    onChange: () => changes++,
    interfaces: () => ({ lo: [address('127.0.0.1', true)], eth0: addresses }),
  })
  watch.start()
  clock.advance(10_000)
  assert.equal(changes, 0)
  addresses = []
  clock.advance(5_000)
  assert.equal(changes, 1)
  addresses = [address('192.0.2.1')]
  clock.advance(1_000)
  assert.equal(changes, 2)
  watch.stop()
  assert.equal(clock.pendingTimers, 0)
})
