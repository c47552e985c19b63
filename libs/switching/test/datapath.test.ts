import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ARP_REPLY, IGMP_V3_REPORT, RECORD_TO_EXCLUDE } from '@wakunet/ethernet'
import { igmpFrame, REPORTS4 } from '../src/multicast/group-frames.ts'
import { nodeIdOf } from '../src/spanning-tree/vector.ts'
import { DatapathNetwork, memberId } from './datapath-network.ts'
import { arp, ethernet, ip4, ipv4, linkLocal, mac, macNumber, udp } from './guard-support.ts'

const GROUP = ip4('239.1.2.3')
const GROUP_MAC = Uint8Array.of(0x01, 0x00, 0x5e, 0x01, 0x02, 0x03)
/** A station that belongs to nobody's TAP itself. */
const GUEST = 0x99
const hex = (n: number) => Buffer.from(memberId(n)).toString('hex')

const stream = (from: number) =>
  ipv4(from, 17, udp(5_000, 5_000), {
    source: `10.0.0.${from}`,
    destination: '239.1.2.3',
    destinationMac: GROUP_MAC,
  })
const unicast = (from: number, to: number) =>
  ethernet(from, 0x88b5, new Uint8Array(46), { destination: mac(to) })
const joinReport = (from: number) =>
  igmpFrame({ mac: mac(from), address4: ip4(`10.0.0.${from}`), address6: linkLocal(from) }, REPORTS4, {
    type: IGMP_V3_REPORT,
    records: [{ type: RECORD_TO_EXCLUDE, group: GROUP, sources: [] }],
  })

describe('a datapath', () => {
  it('answers ARP for a bound address at the host that asks; without the proxy everybody hears the question', () => {
    for (const isOn of [true, false]) {
      const network = new DatapathNetwork(3, { neighbourProxy: isOn })
      for (const n of [1, 2, 3])
        network.at(n).bind(ip4('10.0.0.2'), macNumber(2), n === 2 ? null : memberId(2), network.nowMs)
      network.send(1, arp(1, '10.0.0.1', '10.0.0.2'))
      const [reply] = network.own(1)
      assert.equal(reply?.[21], isOn ? ARP_REPLY : undefined)
      if (isOn) assert.deepEqual(reply!.subarray(22, 28), mac(2))
      assert.deepEqual([network.delivered(2).length, network.delivered(3).length], isOn ? [0, 0] : [1, 1])
    }
  })

  it('sends a stream to those who asked for it; without snooping to everybody', () => {
    for (const snooping of [true, false]) {
      const network = new DatapathNetwork(4, { multicast: { snooping } })
      network.send(3, joinReport(3))
      network.run(500)
      network.taken()
      network.send(1, stream(1))
      const got = [2, 3, 4].map((n) => network.delivered(n).length)
      assert.deepEqual(got, snooping ? [0, 1, 0] : [1, 1, 1])
      assert.equal(network.sentFrames, snooping ? 1 : 3)
    }
  })

  it('drops a stream that nobody wants at its source', () => {
    const network = new DatapathNetwork(3)
    network.send(1, stream(1))
    assert.equal(network.sentFrames, 0)
    assert.equal(network.at(1).drops['multicast-unwanted'], 1)
  })

  it('does not let IGMP cross a trunk, and keeps DHCP for the switch', () => {
    const network = new DatapathNetwork(2)
    network.send(
      1,
      joinReport(1),
      ipv4(1, 17, dhcpRequest(1), { source: '0.0.0.0', destination: '255.255.255.255' }),
    )
    assert.deepEqual(network.delivered(2), [])
    assert.equal(network.kept.length, 1)
  })

  it('keeps out members that speak in the name of its own station; where nobody looks they are heard', () => {
    const isFromStation = (bytes: Uint8Array, at: number) => bytes[at + 29] === 1
    for (const isOn of [true, false]) {
      const network = new DatapathNetwork(2, isOn ? { isFromStation } : {})
      const answer = ipv4(1, 17, udp(53, 40_000), {
        source: '10.0.0.1',
        destination: '10.0.0.2',
        destinationMac: mac(2),
      })
      network.send(1, answer)
      assert.equal(network.delivered(2).length, isOn ? 0 : 1)
      assert.equal(network.at(2).drops['station-forged'], isOn ? 1 : 0)
    }
  })

  it('keeps out what claims the address of another, at the receiver too; with the guard off it comes through', () => {
    for (const isOn of [true, false]) {
      const network = new DatapathNetwork(3)
      network.at(1).guards.switch('arp', isOn)
      // The attacker's own switch does not stop him.
      network.at(3).guards.switch('arp', false)
      for (const n of [1, 2, 3])
        network.at(n).bind(ip4('10.0.0.2'), macNumber(2), n === 2 ? null : memberId(2), network.nowMs)
      network.send(3, arp(3, '10.0.0.2', '10.0.0.1', { operation: ARP_REPLY, destination: mac(1) }))
      assert.equal(network.delivered(1).length, isOn ? 0 : 1)
      assert.equal(network.at(1).guards.drops['arp-spoofed'], isOn ? 1 : 0)
    }
  })

  it('finds a station that moved to another member within a second, by the frames that it sends', () => {
    const network = new DatapathNetwork(3)
    network.send(2, arp(GUEST, '10.0.0.99', '10.0.0.99'))
    network.send(1, unicast(1, GUEST))
    assert.equal(network.delivered(2).filter((frame) => frame[12] === 0x88).length, 1)
    network.send(3, arp(GUEST, '10.0.0.99', '10.0.0.99'))
    network.run(600)
    network.taken()
    network.send(1, unicast(1, GUEST))
    assert.equal(network.delivered(3).length, 1)
    assert.equal(network.delivered(2).length, 0)
  })

  it('leaves a MAC address with the station that answers where it was, whatever another member sends', () => {
    const network = new DatapathNetwork(3)
    network.send(2, arp(GUEST, '10.0.0.99', '10.0.0.99'))
    for (let i = 0; i < 50; i++) {
      network.send(3, unicast(GUEST, 1))
      // The station is asked over its own member's TAP, and answers.
      if (network.delivered(2).some((frame) => frame[13] === 0x06)) network.send(2, unicast(GUEST, 1))
      network.run(100)
    }
    network.taken()
    network.send(1, unicast(1, GUEST))
    assert.equal(network.delivered(2).length, 1)
    assert.equal(network.delivered(3).length, 0)
    assert.ok(network.at(1).fabric.bridge.drops['mac-held'] > 0)
  })

  it('leaves the MAC address of a member with it (L2); with the guard off the last frame wins', () => {
    for (const isOn of [true, false]) {
      const network = new DatapathNetwork(3)
      network.at(1).guards.switch('mac', isOn)
      // The attacker's own switch does not stop him.
      network.at(3).guards.switch('mac', false)
      network.send(3, unicast(2, 1))
      network.taken()
      network.send(1, unicast(1, 2))
      assert.deepEqual(
        [2, 3].map((n) => network.delivered(n).length),
        isOn ? [1, 0] : [0, 1],
      )
      assert.equal(network.at(1).fabric.bridge.drops['mac-spoofed'], isOn ? 1 : 0)
    }
  })

  it('lets no member become root by a priority that nobody granted (L7); with the guard off it does', () => {
    for (const isOn of [true, false]) {
      const network = new DatapathNetwork(3)
      for (const n of [1, 2]) network.at(n).guards.switch('root', isOn)
      network.at(3).setPriority(0, network.nowMs)
      network.run(5_000)
      const roots = [1, 2].map((n) => nodeIdOf(network.at(n).fabric.tree.rootId))
      assert.deepEqual(roots, [memberId(isOn ? 1 : 3), memberId(isOn ? 1 : 3)])
      assert.equal(network.at(1).guards.drops['bpdu-root'] > 0, isOn)
    }
  })

  it('sends unicast for a station that nobody knows to the members that bridge, and to nobody else', () => {
    const network = new DatapathNetwork(4)
    const facts = (bridging: readonly number[]) =>
      new Map([2, 3, 4].map((n) => [hex(n), { bridged: bridging.includes(n), mtu: 1_400 }]))
    network.at(1).setMemberFacts(facts([3]))
    network.send(1, unicast(1, GUEST))
    assert.deepEqual(
      [2, 3, 4].map((n) => network.delivered(n).length),
      [0, 1, 0],
    )
    network.at(1).setMemberFacts(facts([]))
    network.send(1, unicast(1, GUEST))
    assert.deepEqual(
      [2, 3, 4].map((n) => network.delivered(n).length),
      [0, 0, 0],
    )
    assert.equal(network.at(1).drops['unknown-unicast'], 1)
  })

  it('tells the sender of a packet that a member cannot take, and sends it on where it can', () => {
    const network = new DatapathNetwork(2)
    const large = ipv4(1, 17, udp(1, 2, new Uint8Array(2_000)), {
      source: '10.0.0.1',
      destination: '10.0.0.2',
      destinationMac: mac(2),
      fragment: 0x4000,
    })
    network.at(1).setMemberFacts(new Map([[hex(2), { bridged: false, mtu: 1_400 }]]))
    network.send(1, large)
    const [tooBig] = network.own(1)
    assert.deepEqual([tooBig![34], tooBig![35], (tooBig![40]! << 8) | tooBig![41]!], [3, 4, 1_400])
    assert.equal(network.delivered(2).length, 0)
    network.at(1).setMemberFacts(new Map([[hex(2), { bridged: false, mtu: 9_000 }]]))
    network.send(1, large)
    assert.equal(network.delivered(2).length, 1)
  })

  it('limits a storm at the receiver, and lets unicast through meanwhile; with the guard off all of it comes', () => {
    for (const isOn of [true, false]) {
      const network = new DatapathNetwork(3)
      network.at(1).guards.switch('storm', isOn)
      for (const n of [2, 3]) network.at(n).guards.switch('storm', false)
      for (let i = 0; i < 20; i++)
        network.send(3, ...Array.from({ length: 100 }, () => ethernet(3, 0x88b5, new Uint8Array(46))))
      network.send(2, unicast(2, 1))
      const [storm, honest] = [3, 2].map((n) => network.delivered(1).length && n)
      assert.ok(storm !== undefined && honest !== undefined)
      assert.equal(network.at(1).guards.drops['storm-broadcast'] > 1_500, isOn)
    }
  })
})

/** DHCPDISCOVER of a station, behind its UDP header. */
function dhcpRequest(station: number): Uint8Array {
  const message = new Uint8Array(300)
  message.set([1, 1, 6, 0])
  message.set(mac(station), 28)
  message.set([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255], 236)
  return udp(68, 67, message)
}
