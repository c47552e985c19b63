import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MetricsRegistry } from '@wakunet/service-kit'
import { exposeTrunkPeerMetrics } from '../src/index.ts'
import { startNode } from './node.ts'

test('every metric has a name that is allowed and a value, the directory among them', async (t) => {
  const node = await startNode(t, { dht: 'off' })
  const metrics = new MetricsRegistry()
  exposeTrunkPeerMetrics(metrics, node.service)
  await node.cliBus.request('directory.create', { name: 'club' })
  await node.cliBus.request('directory.publish', { vlan: 'club', published: true })
  const text = await metrics.prometheus.metrics()
  assert.match(text, /^wakunet_trunk_peer_listings_offered_total\{outcome="added"\} 1$/m)
  assert.match(text, /^wakunet_trunk_peer_vlan_directory_listed_entries 1$/m)
  for (const line of text.split('\n')) assert.doesNotMatch(line, / (NaN|undefined)$/)
})
