import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkMetricName, MetricsRegistry } from '../src/index.ts'

test('counters follow the plain numbers of a component', async () => {
  const metrics = new MetricsRegistry()
  const stats = { framesRead: 0, bytesRead: 0, hidden: 1 }
  metrics.countersFrom('wakunet_vlan_switch_tap', { framesRead: 'Frames.', bytesRead: 'Bytes.' }, () => stats)
  assert.match(await metrics.text(), /^wakunet_vlan_switch_tap_frames_read_total 0$/m)
  stats.framesRead = 7
  stats.bytesRead = 2 ** 40
  const text = await metrics.text()
  assert.match(text, /^# TYPE wakunet_vlan_switch_tap_frames_read_total counter$/m)
  assert.match(text, /^wakunet_vlan_switch_tap_frames_read_total 7$/m)
  assert.match(text, /^wakunet_vlan_switch_tap_bytes_read_total 1099511627776$/m)
  assert.ok(!text.includes('hidden'))
  assert.equal(await metrics.text(), text)
})

test('gauges go up and down', async () => {
  const metrics = new MetricsRegistry()
  const now = { queuedBytes: 5 }
  metrics.gaugesFrom('wakunet_trunk_peer_lane', { queuedBytes: 'Waiting.' }, () => now)
  assert.match(await metrics.text(), /^wakunet_trunk_peer_lane_queued_bytes 5$/m)
  now.queuedBytes = 2
  assert.match(await metrics.text(), /^wakunet_trunk_peer_lane_queued_bytes 2$/m)
})

test('a counter by reason has one series per member of a closed set', async () => {
  const metrics = new MetricsRegistry()
  const drops = { expired: 1, malformed: 2 }
  metrics.countersBy(
    'wakunet_trunk_peer_drops_total',
    'Drops.',
    'reason',
    ['expired', 'malformed'],
    () => drops,
  )
  const text = await metrics.text()
  assert.match(text, /^wakunet_trunk_peer_drops_total\{reason="expired"\} 1$/m)
  assert.match(text, /^wakunet_trunk_peer_drops_total\{reason="malformed"\} 2$/m)
})

test('several components share a metric by different labels, never by the same', async () => {
  const metrics = new MetricsRegistry()
  const expose = (n: number, labels: Record<string, string>) =>
    metrics.countersFrom('wakunet_lane', { messagesSent: 'Sent.' }, () => ({ messagesSent: n }), labels)
  expose(1, { lane: 'nats' })
  expose(2, { lane: 'unix' })
  assert.match(await metrics.text(), /\{lane="nats"\} 1\n.*\{lane="unix"\} 2/)
  assert.throws(() => expose(3, { lane: 'unix' }), /twice/)
  assert.throws(() => expose(3, { side: 'x' }), /labels/)
  assert.throws(
    () => metrics.gaugesFrom('wakunet_lane', { messagesSentTotal: 'x' }, () => ({ messagesSentTotal: 1 })),
    /unit|already/,
  )
})

test('a component that throws or gives no number does not hide the others', async () => {
  const metrics = new MetricsRegistry()
  const broken = (): { requests: number } => {
    throw new Error('gone')
  }
  metrics.gaugesFrom('wakunet_broken_pending', { requests: 'x' }, broken)
  metrics.gaugesFrom('wakunet_lost_pending', { requests: 'x' }, () => ({ requests: Number.NaN }))
  metrics.gaugesFrom('wakunet_good_pending', { requests: 'x' }, () => ({ requests: 4 }))
  const text = await metrics.text()
  assert.match(text, /^wakunet_good_pending_requests 4$/m)
  await metrics.text()
  assert.match(await metrics.text(), /^wakunet_service_kit_metric_read_failures_total [2-6]$/m)
})

test('names have the form wakunet_<service>_<what>_<unit>', () => {
  checkMetricName('counter', 'wakunet_trunk_peer_records_total')
  checkMetricName('gauge', 'wakunet_trunk_peer_rtt_seconds')
  for (const [kind, name] of [
    ['counter', 'wakunet_trunk_peer_records'],
    ['gauge', 'wakunet_trunk_peer_rtt_ms'],
    ['gauge', 'trunk_peer_rtt_seconds'],
    ['gauge', 'wakunet_seconds'],
    ['counter', 'wakunet_Trunk_records_total'],
  ] as const)
    assert.throws(() => checkMetricName(kind, name), /metric/)
})

test('process metrics are there when asked for', async () => {
  assert.match(
    await new MetricsRegistry({ processMetrics: true }).text(),
    /^process_resident_memory_bytes \d+$/m,
  )
  assert.ok(!(await new MetricsRegistry().text()).includes('process_'))
})

test('a histogram has the buckets it was given', async () => {
  const metrics = new MetricsRegistry()
  metrics.histogram('wakunet_trunk_peer_handshake_seconds', 'Handshakes.', [0.1, 1]).observe(0.5)
  assert.match(await metrics.text(), /wakunet_trunk_peer_handshake_seconds_bucket\{le="1"\} 1/)
})
