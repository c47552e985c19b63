import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MetricsRegistry } from '@wakunet/service-kit'
import { exposeVlanSwitchMetrics, vlanSwitchConfigSchema } from '../src/index.ts'
import { processConfigSchema } from '../src/process-config.ts'
import { BROADCAST, frame, joinedNodes, vlan } from './support.ts'

describe('metrics', () => {
  it('count frames, tell the reason of every drop, and do not go back when a VLAN is left', async () => {
    const [a, b] = await joinedNodes(2, vlan('lan'))
    const metrics = new MetricsRegistry()
    exposeVlanSwitchMetrics(metrics, a!.switch, a!.lane)
    const before = a!.switch.counters
    const sentBefore = a!.lane.stats.messagesSent
    a!.tap.inject([frame(a!.mac, BROADCAST), frame(a!.mac, '01:80:c2:00:00:00')])
    b!.tap.inject([frame(b!.mac, a!.mac)])
    for (const round of ['joined', 'left']) {
      const text = await metrics.text()
      for (const line of [
        `wakunet_vlan_switch_frames_out_total ${before.framesOut + 2}`,
        // The switch's own station takes its prefix back before the interface goes.
        `wakunet_vlan_switch_frames_in_total ${before.framesIn + (round === 'joined' ? 1 : 2)}`,
        `wakunet_vlan_switch_records_out_total ${before.recordsOut + 1}`,
        'wakunet_vlan_switch_dropped_total{reason="reserved-destination"} 1',
        'wakunet_vlan_switch_dropped_total{reason="mac-spoofed"} 0',
        'wakunet_vlan_switch_lane_refused_total{reason="record-version"} 0',
        `wakunet_vlan_switch_up_ports ${round === 'joined' ? 1 : 0}`,
        `wakunet_vlan_switch_known_members ${round === 'joined' ? 1 : 0}`,
        `wakunet_vlan_switch_lane_messages_sent_total ${sentBefore + 1}`,
      ])
        assert.ok(text.includes(`${line}\n`), `${round}: ${line}`)
      if (round === 'joined') await a!.cli.request('switch.leave', { vlan: 'lan' })
    }
    for (const one of [a!, b!]) await one.stop()
  })
})

describe('configuration', () => {
  it('has a default for everything', () => {
    assert.equal(vlanSwitchConfigSchema.parse({}).maxVlans, 64)
    const config = processConfigSchema.parse({})
    assert.equal(config.http.port, 9475)
    assert.equal(config.switch.fdb.ageingMs, 300_000)
  })

  it('refuses what is out of range or unknown', () => {
    for (const wrong of [{ maxVlans: 0 }, { maxVlans: 257 }, { fdb: { ageingMs: 1 } }, { unknown: 1 }])
      assert.equal(vlanSwitchConfigSchema.safeParse(wrong).success, false)
  })
})
