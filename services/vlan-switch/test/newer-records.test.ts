import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { VlanInfo } from '@wakunet/bus'
import { JoinedVlans } from '../src/joined-vlans.ts'
import { settle, TestNode, vlan } from './support.ts'

const LAN = vlan('lan', { sequence: 3 })
let stateDir: string
let one: TestNode

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'wakunet-switch-'))
  one = new TestNode({ stateDir })
  one.trunkPeer.vlans.push(LAN)
  await one.start()
  await one.cli.request('switch.join', { vlan: 'lan' })
  await settle()
})

afterEach(async () => {
  await one.stop()
  await rm(stateDir, { recursive: true })
})

const newer = (fields: Partial<VlanInfo>): VlanInfo => ({ ...LAN, sequence: 4, ...fields })

async function told(news: VlanInfo): Promise<void> {
  one.trunkPeer.bus.publish('directory.changed', { vlan: news })
  await settle()
}

/** The record with which the VLAN comes back after a restart. */
async function saved(): Promise<VlanInfo> {
  // A stop waits for what is being written.
  await one.stop()
  return (await new JoinedVlans(stateDir, one.clock).load()).joined[0]!.vlan
}

describe('a newer record of a joined VLAN', () => {
  it('takes the place of the old one, for the next start too', async () => {
    const plan = { leaseSeconds: 600, tags: { mode: 'carry' } } as const
    await told(newer({ description: 'tables', ...plan }))
    assert.deepEqual(await saved(), newer({ description: 'tables', ...plan }))
  })

  it('is refused with a warning where it has another subnet', async () => {
    await told(newer({ subnet4: '10.77.0.0/24' }))
    await told(newer({ subnet6: 'fd00:7::/64' }))
    assert.deepEqual(await saved(), LAN)
    assert.equal(one.logger.messages('warn').filter((text) => text.includes('another subnet')).length, 2)
  })

  it('is none with an equal or lower sequence, or of another VLAN', async () => {
    for (const sequence of [2, 3]) await told(newer({ sequence, leaseSeconds: 600 }))
    await told(vlan('other', { sequence: 9 }))
    assert.deepEqual(await saved(), LAN)
  })

  it('is asked for when trunk-peer comes back: news may have been missed', async () => {
    one.trunkPeer.vlans.splice(0, 1, newer({ leaseSeconds: 900 }))
    await one.startTrunkPeer()
    await settle()
    assert.equal((await saved()).leaseSeconds, 900)
  })

  it('is not waited for where trunk-peer does not know the VLAN any more', async () => {
    one.trunkPeer.vlans.splice(0, 1)
    const before = one.trunkPeer.announcements
    await one.startTrunkPeer()
    await settle()
    await one.clock.advanceAsync(30_000, 1_000)
    assert.equal(one.trunkPeer.announcements, before + 1)
    assert.deepEqual(await saved(), LAN)
  })
})
