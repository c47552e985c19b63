import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { encodeAnnouncement, joinSignature } from '../src/announcement/announcement.ts'
import { type AddressPlan, autoAddress4, formatIp, noSealing, parseIpv4 } from '../src/index.ts'
import { line, PLAN, type TestHost, TestNetwork, VLAN_ID } from './addressing-network.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const tiny: AddressPlan = { ...PLAN, pool4: { first: '10.20.0.10', last: '10.20.0.40' } }

/** Members that are all of one mind about every lease. */
function assertAgreed(network: TestNetwork): void {
  const tables = network.members.map(({ table }) => table)
  for (const table of tables) assert.deepEqual(table, tables[0])
}

describe('VlanAddressing', () => {
  it('every member knows the leases of all, and who and where everybody is', () => {
    const network = new TestNetwork()
    const members = [
      network.add({ mode: 'auto' }),
      network.add({ mode: 'auto', bridged: true, mtu: 1_300 }),
      network.add(),
    ]
    network.link(line(3))
    members[0]!.addressing.setTrunkAddresses(['/ip4/192.0.2.7/udp/4001', 'x'.repeat(200), 'a b'], 0)
    const host = members[2]!.addHost(1, { options: { hostName: 'Printer.local' } })
    host.discover()
    network.run(3_000)
    assertAgreed(network)
    const facts = members[2]!.addressing.memberOf(members[0]!.id)!
    assert.equal(facts.hostname, 'member1')
    assert.deepEqual(
      members[2]!.addressing.addressesOf(members[0]!.id),
      members[0]!.own.map((cidr) => cidr.split('/')[0]),
    )
    assert.deepEqual(facts.multiaddrs, ['/ip4/192.0.2.7/udp/4001'])
    const second = members[0]!.addressing.memberOf(members[1]!.id)!
    assert.deepEqual([second.bridged, second.mtu], [true, 1_300])
    assert.equal(members[0]!.addressing.memberOf(members[0]!.id), null)
    const lease = [...members[0]!.addressing.leases()].find(({ kind }) => kind === 'dhcp')!
    assert.deepEqual([lease.hostname, formatIp(lease.address)], ['printer', host.address])
    const binding = members[0]!.bindings.get(hex(parseIpv4(host.address!)!))!
    assert.equal(hex(binding.owner!), hex(members[2]!.id))
    assert.equal(members[2]!.bindings.get(hex(parseIpv4(host.address!)!))!.owner, null)
  })

  it('an automatic address is the derived one, and of two members with one the later moves', () => {
    const network = new TestNetwork()
    const vlan = hex(VLAN_ID) as Parameters<typeof autoAddress4>[1]
    const first = network.add({ mode: 'auto' })
    const node = hex(first.id) as Parameters<typeof autoAddress4>[2]
    assert.equal(first.own[0], autoAddress4(PLAN.subnet4, vlan, node, 0))
    network.run(1_000)
    const second = network.add({ mode: 'manual', manual4: first.own[0]! })
    network.link(line(2))
    network.run(2_000)
    assert.equal(second.own[0], autoAddress4(PLAN.subnet4, vlan, node, 0))
    assert.equal(first.own[0], autoAddress4(PLAN.subnet4, vlan, node, 1))
    assert.equal(first.addressing.attempt, 1)
    assertAgreed(network)
    const third = network.add({ mode: 'manual', manual4: second.own[0]! })
    network.link(line(3))
    network.run(2_000)
    assert.match(third.addressing.conflict ?? '', /^member2 .* has the address .* too; leave and join again/)
    assert.equal(second.addressing.conflict, null)
    assertAgreed(network)
  })

  it('a reservation goes before everything, for hosts and for members', () => {
    const network = new TestNetwork()
    const member = network.add({ mode: 'auto' })
    const host = member.addHost(1)
    host.discover()
    network.run(2_000)
    const taken = host.address!
    const plan: AddressPlan = {
      ...PLAN,
      reservations: [
        { mac: '02:00:00:00:00:02', address4: taken },
        { nodeId: hex(member.id), address4: '10.20.0.99' },
      ],
    }
    member.addressing.setPlan(plan, network.nowMs)
    network.run(2_000)
    assert.equal(member.own[0], '10.20.0.99/24')
    assert.notEqual(host.address, taken)
    const reserved = member.addHost(2)
    reserved.discover()
    network.run(2_000)
    assert.equal(reserved.address, taken)
  })

  it('a host with an address of the pool that it never asked for keeps it, everywhere', () => {
    const network = new TestNetwork()
    const [left, right] = [network.add(), network.add()]
    network.link(line(2))
    const squatter = left.addHost(1)
    squatter.address = '10.20.0.66'
    left.addressing.noteTapHost(parseIpv4('10.20.0.66')!, 0x020000000001, network.nowMs)
    network.run(1_000)
    const host = right.addHost(2)
    host.discover({ requestedAddress: parseIpv4('10.20.0.66')! })
    network.run(2_000)
    assert.notEqual(host.address, '10.20.0.66')
    assert.equal([...right.addressing.leases()].filter(({ kind }) => kind === 'observed').length, 1)
    squatter.isOn = false
    network.run(2_000_000)
    assert.equal([...left.addressing.leases()].filter(({ kind }) => kind === 'observed').length, 0)
  })

  it('a static host that no lease tells of is found by the probe before an offer, across the tree', () => {
    const network = new TestNetwork()
    const plan = { ...PLAN, pool4: { first: '10.20.0.10', last: '10.20.0.11' } }
    const [left, right] = [network.add({ plan }), network.add({ plan })]
    network.link(line(2))
    left.addHost(1).address = '10.20.0.10'
    const host = right.addHost(2)
    host.discover()
    network.run(3_000)
    assert.equal(host.address, '10.20.0.11')
  })

  it('a host that moves to another member keeps its address within a second, and one that is there keeps its own', () => {
    const network = new TestNetwork()
    const [left, right] = [network.add(), network.add()]
    network.link(line(2))
    const host = left.addHost(1)
    host.discover()
    network.run(2_000)
    const { address } = host
    left.hosts.splice(0)
    right.hosts.push(host)
    host.member = right
    host.reboot()
    network.run(2_500)
    assert.equal(host.address, address)
    assert.equal(host.naks, 0)
    assertAgreed(network)
    assert.equal(right.bindings.get(hex(parseIpv4(address!)!))!.owner, null)
    // Somebody elsewhere says that it is the same card, while it is here.
    const twin = left.addHost(1)
    twin.address = address
    twin.isOn = false
    twin.reboot()
    network.run(6_000)
    assert.equal(right.bindings.get(hex(parseIpv4(address!)!))!.owner, null)
    assert.equal(host.naks, 0)
  })

  it('a host that never asks moves with its address as well; who only says so gets it not, and does not try for long', () => {
    const network = new TestNetwork()
    const [left, right] = [network.add(), network.add()]
    network.link(line(2))
    const [address, mac] = [parseIpv4('10.20.0.66')!, 0x020000000001]
    const host = left.addHost(1)
    host.address = '10.20.0.66'
    left.addressing.noteTapHost(address, mac, network.nowMs)
    network.run(1_000)
    const ownerAtRight = () => right.bindings.get(hex(address))!.owner
    right.addressing.noteTapHost(address, mac, network.nowMs)
    network.run(5_000)
    assert.equal(hex(ownerAtRight()!), hex(left.id))
    const before = network.sent
    for (let i = 0; i < 10; i++) right.addressing.noteTapHost(address, mac, network.nowMs)
    network.run(500)
    assert.ok(network.sent - before <= 2, 'a digest each at the most')
    left.hosts.splice(0)
    right.hosts.push(host)
    host.member = right
    network.run(30_000)
    right.addressing.noteTapHost(address, mac, network.nowMs)
    network.run(1_000)
    assert.equal(ownerAtRight(), null)
    assertAgreed(network)
  })

  it('what a member had that vanished stays for its hosts', () => {
    const network = new TestNetwork()
    const plan = { ...PLAN, pool4: { first: '10.20.0.10', last: '10.20.0.12' } }
    const members = [network.add({ plan }), network.add({ plan })]
    network.link(line(2))
    const host = members[0]!.addHost(1)
    host.discover()
    network.run(2_000)
    network.link([])
    network.run(1_000)
    const others = [2, 3].map((number) => members[1]!.addHost(number))
    for (const other of others) {
      other.discover()
      network.run(1_000)
    }
    assert.ok(others.every(({ address }) => address !== null && address !== host.address))
    members[0]!.hosts.splice(0)
    members[1]!.hosts.push(host)
    host.member = members[1]!
    const { address } = host
    host.address = null
    host.discover()
    network.run(1_000)
    assert.equal(host.address, address)
  })

  it('a member that starts anew replaces what it said before', () => {
    const network = new TestNetwork()
    const [left, right] = [network.add(), network.add()]
    network.link(line(2))
    const host = left.addHost(1)
    host.discover()
    network.run(2_000)
    assert.equal(right.table.length, 1)
    const { address } = host
    network.restart(0, {})
    network.link(line(2))
    network.run(3_000)
    assert.equal(right.table.length, 0)
    const again = network.members[0]!.addHost(1)
    again.discover()
    network.run(2_000)
    assert.equal(again.address, address)
    assertAgreed(network)
  })

  it('a member whose clock went back is heard all the same, and its new leases are not taken for old ones', () => {
    const network = new TestNetwork()
    const [left, right] = [network.add({ mode: 'auto' }), network.add({ mode: 'auto' })]
    network.link(line(2))
    left.addHost(1).discover()
    network.run(2_000)
    const wallMs = () => network.wallMs - 3_600_000
    network.restart(0, { mode: 'auto', wallMs, firstSequence: wallMs() })
    const again = network.members[0]!
    again.addHost(2).discover()
    network.link(line(2))
    network.run(20_000)
    assertAgreed(network)
    assert.equal(right.addressing.drops.backdated, 0)
    assert.equal(right.table.filter((row) => row.endsWith(hex(again.id))).length, 3)
  })

  it('forged and backdated announcements count for nothing', () => {
    const network = new TestNetwork()
    const [left, right] = [network.add({ mode: 'auto' }), network.add({ mode: 'auto' })]
    network.link(line(2))
    network.run(1_000)
    const lie = encodeAnnouncement({
      sequence: network.wallMs,
      origin: left.id,
      publicKey: new Uint8Array(32),
      bridged: false,
      mtu: 1_400,
      sealing: noSealing(new Uint8Array(8)),
      hostname: 'liar',
      multiaddrs: [],
      leases: [],
    })
    const bytes = joinSignature(lie, new Uint8Array(64))
    right.addressing.receiveControl(bytes, 0, bytes.length, left, network.nowMs)
    assert.equal(right.addressing.drops.forged, 1)
    assert.equal(right.addressing.memberOf(left.id)!.hostname, 'member1')
    right.addressing.receiveControl(bytes, 0, bytes.length - 1, left, network.nowMs)
    assert.equal(right.addressing.drops.malformed, 1)
  })

  it('an idle VLAN says nothing but digests', () => {
    const network = new TestNetwork()
    for (let i = 0; i < 4; i++) network.add({ mode: 'auto' })
    network.link(line(4))
    network.run(20_000)
    const before = network.sent
    network.run(150_000)
    assert.equal(network.sent - before, 10 * 2 * 3)
  })
})

describe('a partition', () => {
  it('of halves that both lease ends without two hosts on one address, and the same for everybody', () => {
    const scenario = fc.record({
      size: fc.integer({ min: 2, max: 5 }),
      cut: fc.nat(3),
      before: fc.array(fc.nat(20), { maxLength: 4 }),
      during: fc.array(fc.tuple(fc.nat(20), fc.nat(2_000)), { minLength: 4, maxLength: 14 }),
      auto: fc.boolean(),
      losses: fc.infiniteStream(fc.nat(4)),
    })
    let conflicts = 0
    fc.assert(
      fc.property(scenario, ({ size, cut, before, during, auto, losses }) => {
        const network = new TestNetwork()
        let isLossy = true
        network.loses = () => isLossy && losses.next().value === 0
        for (let i = 0; i < size; i++) network.add({ plan: tiny, mode: auto ? 'auto' : 'none' })
        network.link(line(size))
        const hosts: TestHost[] = []
        const start = (at: number) => {
          const host = network.members[at % size]!.addHost(hosts.length + 1)
          hosts.push(host)
          host.discover()
        }
        for (const at of before) start(at)
        network.run(2_000)
        const edge = cut % (size - 1)
        network.link(line(size).filter(([a]) => a !== edge))
        for (const [at, waitMs] of during) {
          start(at)
          network.run(waitMs)
        }
        network.run(3_000)
        conflicts += network.duplicates.length
        const healthy = hosts.filter(({ address }) => address !== null).length
        network.link(line(size))
        isLossy = false
        // Losers are told by the carrier; what is left finds out when it renews.
        network.run(20_000)
        assert.deepEqual(network.duplicates, [])
        assertAgreed(network)
        assert.equal(hosts.filter(({ address }) => address !== null).length, healthy)
        for (const { addressing } of network.members) assert.equal(addressing.conflict, null)
      }),
      { numRuns: 25 },
    )
    // Else nothing was put to the test.
    assert.ok(conflicts > 0)
  })

  it('the one who came later is re-addressed within a second, the one who was there first stays', () => {
    const network = new TestNetwork()
    const [left, right] = [network.add(), network.add()]
    network.link([])
    const requestedAddress = parseIpv4('10.20.0.50')!
    const first = left.addHost(1, { options: { requestedAddress } })
    first.discover()
    network.run(1_500)
    const second = right.addHost(2, { options: { requestedAddress } })
    second.discover()
    network.run(1_500)
    assert.equal(first.address, '10.20.0.50')
    assert.equal(second.address, '10.20.0.50')
    network.link(line(2))
    network.run(1_000)
    assert.equal(first.address, '10.20.0.50')
    assert.equal(second.naks, 1)
    assert.equal(right.readdresses, 1)
    assert.equal(left.readdresses, 0)
    network.run(500)
    assert.notEqual(second.address, null)
    assert.deepEqual(network.duplicates, [])
  })
})
