import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseCidr } from '@wakunet/addressing'
import { type HostNetwork, hostNetworks, overlapOf } from '../src/index.ts'
import { settle, TestNode, vlan } from './support.ts'

const LAN = vlan('lan', { subnet4: '10.42.0.0/20', subnet6: 'fd00:1:2:3::/64' })
const HOME: HostNetwork = { interface: 'eth0', network: '10.42.1.0/24' }

describe('the networks of the host', () => {
  it('are networks, and none of loopback', () => {
    for (const { interface: name, network } of hostNetworks()) {
      assert.notEqual(name, 'lo')
      parseCidr(network)
    }
  })

  it('overlap a VLAN whichever of both is larger, in either family, and not by an interface of ours', () => {
    const on = (network: string, name = 'eth0') => overlapOf(LAN, [{ interface: name, network }], ['wk-lan'])
    for (const network of ['10.42.1.0/24', '10.0.0.0/8', '10.42.15.255/32', 'fd00:1:2:3::/64', 'fd00::/8'])
      assert.equal(on(network)?.network, network)
    for (const network of ['10.41.0.0/16', '10.42.16.0/20', 'fd00:1:2:4::/64', '192.168.0.0/24'])
      assert.equal(on(network), null, network)
    assert.equal(on('10.42.1.0/24', 'wk-lan'), null)
  })
})

describe('a VLAN that overlaps a network of the host', () => {
  const start = async (t: { after: (fn: () => Promise<void>) => void }): Promise<TestNode> => {
    const one = new TestNode({ hostNetworks: () => [HOME] })
    t.after(() => one.stop())
    one.trunkPeer.vlans.push(LAN)
    await one.start()
    return one
  }

  it('is not joined, and says what to do', async (t) => {
    const one = await start(t)
    await assert.rejects(one.cli.request('switch.join', { vlan: 'lan' }), {
      code: 'ERR_SUBNET_OVERLAP',
      message: /10\.42\.0\.0\/20, overlaps 10\.42\.1\.0\/24.*eth0.*--subnet.*--bridge.*--allow-overlap/,
    })
    assert.deepEqual(one.taps, [])
    assert.deepEqual(one.switch.list(), [])
  })

  it('is joined where somebody takes the risk, or where the interface has no address', async (t) => {
    for (const request of [{ allowOverlap: true }, { addressMode: 'none' }] as const) {
      const one = await start(t)
      await one.cli.request('switch.join', { vlan: 'lan', ...request })
      await settle()
      assert.equal(one.switch.list().length, 1)
    }
  })
})
