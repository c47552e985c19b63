import assert from 'node:assert/strict'
import { test } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import type { VlanId } from '@wakunet/interface'
import { dhtMode } from '../src/discovery/dht-mode.ts'
import { vlanOfRecordKey, vlanProviderKey, vlanRecordKey } from '../src/discovery/vlan-keys.ts'
import { newestRecord, type VlanRecordRules } from '../src/discovery/vlan-record-rules.ts'

const VLAN = 'ab'.repeat(16) as VlanId
const at = (...texts: string[]) => texts.map((text) => multiaddr(text))

test('a node serves the table where others can reach it, and on its own by configuration', () => {
  const lan = at('/ip4/192.168.1.7/tcp/4740', '/ip6/fe80::1/tcp/4740')
  const open = at('/ip4/9.9.9.9/tcp/4740', '/ip4/10.0.0.1/tcp/4740')
  assert.equal(dhtMode('auto', lan, at('/ip4/192.168.1.8/tcp/4740')), 'server')
  assert.equal(dhtMode('auto', lan, []), 'server')
  assert.equal(dhtMode('auto', lan, at('/ip4/9.9.9.9/tcp/4740')), 'client')
  assert.equal(dhtMode('auto', open, at('/ip4/8.8.8.8/tcp/4740')), 'server')
  assert.equal(dhtMode('auto', [], []), 'client')
  const relayed = at(
    '/ip4/9.9.9.9/tcp/1/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5/p2p-circuit',
  )
  assert.equal(dhtMode('auto', relayed, []), 'client')
  assert.equal(dhtMode('server', [], []), 'server')
  assert.equal(dhtMode('client', open, []), 'client')
})

test('the key of a record names its VLAN, and no other text does', () => {
  assert.equal(vlanOfRecordKey(vlanRecordKey(VLAN)), VLAN)
  for (const text of [
    '',
    '/wakunet-vlan/',
    `/wakunet-vlan/${VLAN}0`,
    `/pk/${VLAN}`,
    `x/wakunet-vlan/${VLAN}`,
  ])
    assert.equal(vlanOfRecordKey(text), null)
})

test('members are found under a key that is the same everywhere; a secret makes it another, which tells nothing', () => {
  assert.equal(
    Buffer.from(vlanProviderKey(VLAN).multihash.digest).toString('hex'),
    '4fb79a47ec98047a21eaa11a6d7f395ffffbeda47e4bcfd192c3303396d5c16e',
  )
  const blinded = vlanProviderKey(VLAN, Uint8Array.of(1, 2, 3))
  assert.notEqual(blinded.toString(), vlanProviderKey(VLAN).toString())
  assert.equal(blinded.toString(), vlanProviderKey(VLAN, Uint8Array.of(1, 2, 3)).toString())
  assert.notEqual(blinded.toString(), vlanProviderKey(VLAN, Uint8Array.of(1, 2, 4)).toString())
})

test('of several records the one with the highest sequence is taken; those that do not hold never are', () => {
  const rules: VlanRecordRules = {
    sequenceOf: (_vlan, [sequence]) => {
      if (sequence === undefined || sequence > 100) throw new Error('does not hold')
      return sequence
    },
  }
  const records = [[3], [200], [7], [], [5]].map((record) => Uint8Array.from(record))
  assert.equal(newestRecord(rules, VLAN, records, 0), 2)
  assert.equal(newestRecord(rules, VLAN, [], 0), 0)
})
