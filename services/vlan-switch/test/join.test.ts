import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { WakunetError } from '@wakunet/interface'
import { settle, TestNode, vlan } from './support.ts'

let one: TestNode

beforeEach(async () => {
  one = new TestNode({ maxVlans: 3 })
  one.trunkPeer.vlans.push(
    vlan('lan', { subnet4: '10.20.0.0/20' }),
    vlan('games'),
    vlan('music'),
    vlan('news'),
  )
  await one.start()
})

afterEach(() => one.stop())

const join = (request: { vlan: string; address4?: string; interface?: string; mtu?: number }) =>
  one.cli.request('switch.join', request)

async function refused(promise: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof WakunetError)
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  })
}

describe('join', () => {
  it('makes an interface named after the VLAN, with addresses in its subnets, and announces it', async () => {
    const port = await join({ vlan: 'lan' })
    assert.equal(port.interface, 'wk-lan')
    assert.equal(port.state, 'up')
    assert.match(port.addresses[0]!, /^10\.20\.\d+\.\d+\/20$/)
    assert.match(port.addresses[1]!, /^fd[0-9a-f:]+\/64$/)
    assert.deepEqual(one.tap.addresses, port.addresses)
    await settle()
    assert.deepEqual(
      one.trunkPeer.announced.map(({ vlanId, mac, hostname, addressAttempt }) => [
        vlanId,
        mac,
        hostname,
        addressAttempt,
      ]),
      [[port.vlanId, port.mac, 'host-01', 0]],
    )
    assert.deepEqual(one.trunkPeer.subnets.at(-1), ['10.20.0.0/20', vlan('lan').subnet6])
  })

  it('takes a manual address, and announces it as one', async () => {
    const port = await join({ vlan: 'lan', address4: '10.20.0.7/20' })
    assert.deepEqual([port.addresses[0], port.addressMode], ['10.20.0.7/20', 'manual'])
    await settle()
    assert.equal(one.trunkPeer.announced[0]!.addressAttempt, 65_535)
  })

  it('refuses an address outside the subnet of the VLAN', async () => {
    await refused(
      join({ vlan: 'lan', address4: '10.99.0.7/20' }),
      'ERR_ADDRESS_OUTSIDE_SUBNET',
      /10\.20\.0\.0\/20/,
    )
    assert.deepEqual(one.switch.list(), [])
  })

  it('refuses a VLAN that nobody knows', async () => {
    await refused(join({ vlan: 'nowhere' }), 'ERR_VLAN_NOT_FOUND', /nowhere/)
  })

  it('refuses a VLAN that is joined', async () => {
    await join({ vlan: 'lan' })
    await refused(join({ vlan: vlan('lan').id }), 'ERR_VLAN_ALREADY_JOINED', /lan .* joined already/)
    assert.equal(one.taps.length, 1)
  })

  it('refuses two joins of one VLAN at the same time, but one', async () => {
    const results = await Promise.allSettled([join({ vlan: 'lan' }), join({ vlan: 'lan' })])
    assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
    assert.equal(one.switch.list().length, 1)
  })

  it('refuses an interface name that is taken, by the kernel or by another VLAN', async () => {
    one.takenNames.add('eth0')
    await refused(join({ vlan: 'lan', interface: 'eth0' }), 'ERR_INTERFACE_NAME_TAKEN', /eth0/)
    await join({ vlan: 'lan', interface: 'wk-x' })
    await refused(
      join({ vlan: 'games', interface: 'wk-x' }),
      'ERR_INTERFACE_NAME_TAKEN',
      /belongs to the VLAN lan/,
    )
    assert.equal(one.switch.list().length, 1)
  })

  it('finds another name by itself where it may choose', async () => {
    const distinct = `wk-lan-${vlan('lan').id.slice(0, 4)}`
    one.takenNames.add('wk-lan')
    assert.equal((await join({ vlan: 'lan' })).interface, distinct)
    await one.cli.request('switch.leave', { vlan: 'lan' })
    one.takenNames.add(distinct).add('wk-lan-2')
    assert.equal((await join({ vlan: 'lan' })).interface, 'wk-lan-3')
  })

  it('refuses a name that no interface can have', async () => {
    await refused(join({ vlan: 'lan', interface: 'a b' }), 'ERR_INTERFACE_NAME_INVALID', /a b/)
  })

  it('refuses an MTU over that of the VLAN', async () => {
    await refused(join({ vlan: 'lan', mtu: 9_000 }), 'ERR_USAGE', /9000 .* 1400/)
    assert.equal((await join({ vlan: 'lan', mtu: 1_300 })).mtu, 1_300)
  })

  it('refuses one more VLAN than the limit', async () => {
    for (const name of ['lan', 'games', 'music']) await join({ vlan: name })
    await refused(join({ vlan: 'news' }), 'ERR_VLAN_LIMIT', /3 VLANs are joined/)
    await one.cli.request('switch.leave', { vlan: 'music' })
    await join({ vlan: 'news' })
  })

  it('leaves nothing behind when the interface cannot be made', async () => {
    one.tapError = new WakunetError('ERR_TUN_DEVICE_MISSING', 'no /dev/net/tun')
    await refused(join({ vlan: 'lan' }), 'ERR_TUN_DEVICE_MISSING', /tun/)
    assert.deepEqual(one.switch.list(), [])
    await settle()
    assert.deepEqual(one.trunkPeer.announced, [])
    one.tapError = null
    await join({ vlan: 'lan' })
  })

  it('keeps off an automatic address that a member has already', async () => {
    const { addresses } = await join({ vlan: 'lan' })
    await one.cli.request('switch.leave', { vlan: 'lan' })
    one.trunkPeer.members = [
      {
        nodeId: 'ff'.repeat(16),
        peerId: 'peer-ffff',
        bootNonce: '00'.repeat(8),
        mac: '02:00:00:00:00:01',
        addresses: [addresses[0]!],
        addressAttempt: 0,
        hostname: 'early',
        rttMs: null,
      },
    ]
    const again = await join({ vlan: 'lan' })
    assert.notEqual(again.addresses[0], addresses[0])
  })

  it('says so when trunk-peer is not there', async () => {
    await one.trunkPeer.bus.stop()
    await refused(join({ vlan: 'lan' }), 'ERR_BUS_NO_RESPONDER', /./)
  })
})

describe('leave and show', () => {
  it('refuse what is not joined, and say what is', async () => {
    await refused(
      one.cli.request('switch.leave', { vlan: 'lan' }),
      'ERR_VLAN_NOT_JOINED',
      /no VLAN is joined/,
    )
    await join({ vlan: 'games' })
    await refused(one.cli.request('switch.show', { vlan: 'lan' }), 'ERR_VLAN_NOT_JOINED', /joined are: games/)
  })

  it('refuse a name that two joined VLANs have; the id says which', async () => {
    one.trunkPeer.vlans.push({ ...vlan('again'), name: 'lan' })
    await join({ vlan: vlan('lan').id })
    await join({ vlan: vlan('again').id })
    await refused(
      one.cli.request('switch.show', { vlan: 'lan' }),
      'ERR_VLAN_NAME_AMBIGUOUS',
      /2 joined VLANs/,
    )
    const left = await one.cli.request('switch.leave', { vlan: vlan('again').id })
    assert.equal(left.vlanId, vlan('again').id)
  })

  it('take the interface away and the VLAN out of the announcement', async () => {
    await join({ vlan: 'lan' })
    const left = await one.cli.request('switch.leave', { vlan: 'lan' })
    assert.deepEqual(left, { vlanId: vlan('lan').id, interface: 'wk-lan' })
    assert.equal(one.tap.started, false)
    await settle()
    assert.deepEqual(one.trunkPeer.announced, [])
    assert.deepEqual((await one.cli.request('switch.list', {})).ports, [])
  })
})
