import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { WakunetError } from '@wakunet/interface'
import { FakeClock } from '@wakunet/testing'
import { JoinedVlans } from '../src/joined-vlans.ts'
import {
  BROADCAST,
  converge,
  FakeNetwork,
  frame,
  joinedNodes,
  node,
  payloads,
  settle,
  TestNode,
  vlan,
} from './support.ts'

const LAN = vlan('lan')
let stateDir: string
let nodes: TestNode[] = []

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'wakunet-switch-'))
})

afterEach(async () => {
  for (const one of nodes) await one.stop()
  nodes = []
  await rm(stateDir, { recursive: true })
})

function make(init: ConstructorParameters<typeof TestNode>[0] = {}): TestNode {
  const one = new TestNode({ stateDir, ...init })
  one.trunkPeer.vlans.push(LAN)
  nodes.push(one)
  return one
}

async function joinedOnce(): Promise<TestNode> {
  const one = make()
  await one.start()
  await one.cli.request('switch.join', { vlan: 'lan' })
  await settle()
  return one
}

describe('start', () => {
  it('works before trunk-peer is there, which then hears everything', async () => {
    await (await joinedOnce()).stop()
    const one = make()
    await one.startSwitch()
    assert.equal(one.switch.status.portsUp, 1)
    assert.deepEqual(one.trunkPeer.announced, [])
    await one.startTrunkPeer()
    await settle()
    assert.deepEqual(
      one.trunkPeer.announced.map(({ vlanId, addresses }) => [vlanId, addresses]),
      [[LAN.id, one.switch.list()[0]!.addresses]],
    )
    assert.deepEqual(one.trunkPeer.subnets.at(-1), [LAN.subnet4, LAN.subnet6])
  })

  it('reaches a trunk-peer whose first words were lost, by trying again', async () => {
    await (await joinedOnce()).stop()
    const one = make()
    await one.startSwitch()
    await settle()
    await one.trunkPeer.bus.start()
    await settle()
    assert.equal(one.trunkPeer.announcements, 0)
    await one.clock.advanceAsync(10_000, 500)
    await settle()
    assert.equal(one.trunkPeer.announcements, 1)
  })

  it('brings back what was joined, with the same name and addresses', async () => {
    const first = make()
    await first.start()
    const before = await first.cli.request('switch.join', { vlan: 'lan', interface: 'wk-mine', mtu: 1300 })
    await first.stop()
    const again = make()
    await again.startSwitch()
    const [after] = again.switch.list()
    assert.deepEqual(
      [after!.interface, after!.addresses, after!.mtu, after!.mac, after!.addressMode],
      [before.interface, before.addresses, 1300, before.mac, 'auto'],
    )
    assert.equal(again.tap.started, true)
    assert.deepEqual(again.tap.addresses, after!.addresses)
  })

  it('does not bring back what was left', async () => {
    const one = await joinedOnce()
    await one.cli.request('switch.leave', { vlan: LAN.ref })
    await one.stop()
    const again = make()
    await again.startSwitch()
    assert.deepEqual(again.switch.list(), [])
  })

  it('fails on a damaged list, keeps it aside, and begins anew the next time', async () => {
    await (await joinedOnce()).stop()
    const path = join(stateDir, 'joined-vlans.json')
    await writeFile(path, (await readFile(path, 'utf8')).replace('wk-lan', 'wk-xan'))
    const one = make()
    await assert.rejects(one.startSwitch(), { code: 'ERR_STATE_DAMAGED' })
    await one.startSwitch()
    assert.deepEqual(one.switch.list(), [])
  })

  it('comes up with an interface that cannot be opened, says why, and opens it later', async () => {
    await (await joinedOnce()).stop()
    const one = make()
    one.tapError = new WakunetError('ERR_MISSING_PRIVILEGE', 'needs CAP_NET_ADMIN')
    await one.startSwitch()
    const [port] = one.switch.list()
    assert.deepEqual([port!.state, port!.lastError], ['failed', 'needs CAP_NET_ADMIN'])
    assert.equal(one.switch.status.portsFailed, 1)
    one.tapError = null
    await one.clock.advanceAsync(60_000, 1_000)
    assert.equal(one.switch.list()[0]!.state, 'up')
    assert.equal(one.switch.list()[0]!.lastError, null)
  })
})

describe('stop', () => {
  it('closes every interface and leaves no timer', async () => {
    const one = await joinedOnce()
    await one.stop()
    assert.equal(one.tap.started, false)
    assert.equal(one.clock.pendingTimers, 0)
    await one.stop()
  })
})

describe('a start that fails half-way', () => {
  it('leaves nothing open', async () => {
    const entry = { mtu: 1400, address4: null, addressAttempt: 0 }
    const one = make()
    await new JoinedVlans(stateDir, one.clock).save({
      nodeId: node(1),
      joined: [
        { ...entry, vlan: LAN, interface: 'wk-lan' },
        { ...entry, vlan: vlan('tiny', { subnet4: '10.0.0.0/31' }), interface: 'wk-tiny' },
      ],
    })
    await assert.rejects(one.startSwitch(), { code: 'ERR_ADDRESS_INVALID' })
    assert.deepEqual(
      one.taps.map((tap) => [tap.name, tap.started]),
      [['wk-lan', false]],
    )
    assert.equal(one.clock.pendingTimers, 0)
    assert.deepEqual(one.switch.list(), [])
  })
})

describe('a stop while somebody joins', () => {
  it('ends the join and leaves no interface', async () => {
    const one = make()
    await one.start()
    one.trunkPeer.resolving = Promise.withResolvers<void>()
    const joining = one.cli.request('switch.join', { vlan: 'lan' })
    await settle()
    const refused = assert.rejects(joining)
    await one.switch.stop()
    one.trunkPeer.resolving.resolve()
    await settle()
    await one.cli.stop()
    await refused
    assert.deepEqual(one.taps, [])
    assert.deepEqual(one.switch.list(), [])
  })
})

describe('an interface that goes away', () => {
  it('is opened again, more and more slowly, with its counters and members kept', async () => {
    const [a, b] = await joinedNodes(2, LAN)
    nodes.push(a!, b!)
    a!.tap.inject([frame(a!.mac, BROADCAST, '1')])
    const failed = b!.tap
    const framesBefore = b!.switch.counters.framesIn
    assert.ok(framesBefore > 0)
    failed.fail()
    assert.equal(b!.switch.list()[0]!.state, 'failed')
    assert.match(b!.switch.list()[0]!.lastError!, /gone/)
    a!.tap.inject([frame(a!.mac, BROADCAST, 'lost')])
    assert.equal(b!.switch.drops['port-down'], 1)

    await b!.clock.advanceAsync(60_000, 500)
    assert.equal(b!.switch.list()[0]!.state, 'up')
    assert.notEqual(b!.tap, failed)
    assert.deepEqual(b!.tap.addresses, failed.addresses)
    a!.tap.inject([frame(a!.mac, BROADCAST, '2')])
    assert.deepEqual(payloads(b!.tap.takeWritten()), ['2'])
    assert.ok(b!.switch.counters.framesIn >= framesBefore + 1)
    assert.equal(b!.switch.counters.tapFailures, 1)
  })

  it('is not tried faster and faster: attempts are bounded by the backoff', async () => {
    const one = await joinedOnce()
    one.tapError = new WakunetError('ERR_SYSTEM_CALL', 'no')
    one.tap.fail()
    const before = one.taps.length
    await one.clock.advanceAsync(600_000, 1_000)
    const attempts = one.taps.length - before
    assert.ok(attempts >= 8 && attempts <= 60, `${attempts} attempts in ten minutes`)
  })
})

describe('the bus', () => {
  it('may go away: traffic goes on', async () => {
    const [a, b] = await joinedNodes(2, LAN)
    nodes.push(a!, b!)
    await a!.bus.stop()
    await b!.bus.stop()
    await a!.clock.advanceAsync(60_000, 1_000)
    a!.tap.inject([frame(a!.mac, b!.mac, 'still there')])
    assert.deepEqual(payloads(b!.tap.takeWritten()), ['still there'])
    assert.equal(a!.switch.status.busConnected, false)
  })

  it('is told everything anew when it comes back, and when trunk-peer restarts', async () => {
    const one = await joinedOnce()
    const before = one.trunkPeer.announcements
    await one.bus.stop()
    await one.bus.start()
    await settle()
    assert.equal(one.trunkPeer.announcements, before + 1)
    one.trunkPeer.announced = []
    one.trunkPeer.bus.publish('trunk.started', { nodeId: one.trunkPeer.nodeId, peerId: 'peer-1234' })
    await settle()
    assert.equal(one.trunkPeer.announced.length, 1)
  })
})

describe('another identity of the node', () => {
  it('rebuilds every interface with the MAC and address that follow from it', async () => {
    const one = await joinedOnce()
    const [before] = one.switch.list()
    one.trunkPeer.nodeId = node(7)
    one.trunkPeer.bus.publish('trunk.started', { nodeId: node(7), peerId: 'peer-1234' })
    await settle()
    const [after] = one.switch.list()
    assert.equal(one.switch.status.nodeId, node(7))
    assert.notEqual(after!.mac, before!.mac)
    assert.notDeepEqual(after!.addresses, before!.addresses)
    assert.equal(one.trunkPeer.announced[0]!.mac, after!.mac)
    assert.equal(one.switch.status.portsUp, 1)
  })
})

describe('an address that another member has, too', () => {
  it('is left to who chose it; the other moves, everywhere', async () => {
    const network = new FakeNetwork()
    const clock = new FakeClock()
    const a = make({ network, clock, nodeId: node(1), stateDir: null })
    const b = make({ network, clock, nodeId: node(2), stateDir: null })
    for (const one of [a, b]) await one.start()
    const { addresses } = await b.cli.request('switch.join', { vlan: 'lan' })
    await a.cli.request('switch.join', { vlan: 'lan', address4: addresses[0]! })
    await converge([a, b])
    assert.equal(a.switch.list()[0]!.addresses[0], addresses[0])
    const moved = b.switch.list()[0]!
    assert.notEqual(moved.addresses[0], addresses[0])
    assert.deepEqual(b.tap.addresses, moved.addresses)
    assert.deepEqual(b.trunkPeer.announced[0]!.addresses, moved.addresses)
    assert.equal(b.trunkPeer.announced[0]!.addressAttempt, 1)
    assert.equal(b.switch.counters.addressMoves, 1)
  })
})
