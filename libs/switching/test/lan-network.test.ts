import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ARP_REPLY, BPDU_CONFIGURATION, BPDU_FLAG_TOPOLOGY_CHANGE, encodeBpdu } from '@wakunet/ethernet'
import type { VlanDatapathInit } from '../src/index.ts'
import { DatapathNetwork, memberId } from './datapath-network.ts'
import { arp, bytesOf, ethernet, ip4, join, mac } from './guard-support.ts'
import { SimLan } from './lan-network.ts'

const GUEST = 0x99
const QUIET = 0x9a
const PLAIN_ETHERTYPE = 0x88b5
const HELLO_MAC = bytesOf('060000000001')
const BRIDGED: Partial<VlanDatapathInit> = { guards: { isBridged: true }, lan: { helloMac: HELLO_MAC } }

/** Members 1 and 2 bridge one LAN, with a guest behind the first bridge; 3 and 4 are elsewhere. */
function setup(init: Partial<VlanDatapathInit> = BRIDGED) {
  const network = new DatapathNetwork(4, init)
  const lan = new SimLan(network)
  lan.plugTap(1, 0)
  lan.plugTap(2, 1)
  const guest = lan.plugStation(0)
  network.run(5_000)
  network.taken()
  return { network, lan, guest }
}

let marks = 0
const texts = (frames: readonly Uint8Array[], mark: string) =>
  frames.filter((frame) => Buffer.from(frame.subarray(14)).toString().startsWith(mark)).length

/** Everybody, or one station, hears a frame with a mark of its own. */
function marked(source: number, destination?: number): { mark: string; frame: Uint8Array } {
  const mark = `mark ${++marks}.`
  const payload = bytesOf(Buffer.from(mark.padEnd(46, ' ')).toString('hex'))
  const to = destination === undefined ? {} : { destination: mac(destination) }
  return { mark, frame: ethernet(source, PLAIN_ETHERTYPE, payload, to) }
}

const forwarders = (network: DatapathNetwork) =>
  [1, 2].filter((n) => !network.dead.has(n) && network.at(n).lan?.isForwarding(network.nowMs) === true)

type Scene = ReturnType<typeof setup>

/** How often members 3 and 4 hear a broadcast of the guest, and the guest one of member 3, within a second. */
function copies({ network, guest }: Scene): number[] {
  const up = marked(GUEST)
  guest.send(up.frame)
  network.run(1_000)
  const down = marked(3)
  guest.heard.length = 0
  network.send(3, down.frame)
  network.run(1_000)
  const heard = [3, 4].map((n) => texts(network.delivered(n), up.mark))
  return [...heard, texts(guest.heard, down.mark)]
}

describe('two members that bridge one LAN', () => {
  it('bring every broadcast across once; without an election twice: the control', () => {
    const scene = setup()
    assert.deepEqual(forwarders(scene.network), [1])
    assert.deepEqual(copies(scene), [1, 1, 1])
    const { lan: _, ...without } = BRIDGED
    // Upwards the forwarding databases hold the second copy: its station is on another port.
    assert.deepEqual(copies(setup(without)), [1, 1, 2])
  })

  it('bring unicast across, both ways, once', () => {
    const { network, guest } = setup()
    guest.send(marked(GUEST).frame)
    network.run(100)
    const down = marked(3, GUEST)
    network.send(3, down.frame)
    network.run(100)
    assert.equal(texts(guest.heard, down.mark), 1)
    const up = marked(GUEST, 3)
    guest.send(up.frame)
    network.run(100)
    assert.equal(texts(network.delivered(3), up.mark), 1)
  })

  it('heal within two seconds when the forwarder dies: broadcast, and unicast to a guest that says nothing', () => {
    const scene = setup()
    const { network, guest } = scene
    guest.send(marked(GUEST).frame)
    network.run(100)
    network.dead.add(1)
    for (const n of [2, 3, 4]) network.at(n).fabric.removeTrunk(memberId(1), network.nowMs)
    network.run(1_100)
    assert.deepEqual(forwarders(network), [2])
    network.run(1_000)
    const down = marked(3, GUEST)
    network.send(3, down.frame)
    network.run(100)
    assert.equal(texts(guest.heard, down.mark), 1)
    assert.deepEqual(copies(scene), [1, 1, 1])
  })

  it('both forward while the LAN is in two parts, and a frame of the moment they are joined does not stay', () => {
    const scene = setup()
    const { network, lan, guest } = scene
    const lonely = lan.plugStation(1)
    for (let trial = 0; trial < 10; trial++) {
      lan.isCut = true
      network.run(1_500 + trial * 37)
      assert.deepEqual(forwarders(network), [1, 2])
      lonely.heard.length = 0
      const across = marked(GUEST)
      guest.send(across.frame)
      network.run(200)
      assert.equal(texts(lonely.heard, across.mark), 1, 'over the VLAN')
      lan.isCut = false
      const looping = marked(GUEST)
      guest.send(looping.frame)
      network.run(1_000)
      assert.deepEqual(forwarders(network), [1])
      network.taken()
      guest.heard.length = 0
      lonely.heard.length = 0
      network.run(1_000)
      const left = [network.delivered(3), network.delivered(4), guest.heard, lonely.heard]
      assert.deepEqual(
        left.map((frames) => texts(frames, looping.mark)),
        [0, 0, 0, 0],
      )
      // A copy of that frame may have said that the guest is behind member 2: its next one opens a contest.
      guest.send(marked(GUEST).frame)
      network.run(500)
      assert.deepEqual(copies(scene), [1, 1, 1])
    }
  })

  it('find a silent station that was behind the VLAN a moment ago, and is on the LAN now', () => {
    const address = '10.0.0.153'
    const { network, lan } = setup()
    const isAsked = (frame: Uint8Array) =>
      frame[12] === 0x08 &&
      frame[13] === 0x06 &&
      frame[21] === 1 &&
      Buffer.compare(frame.subarray(38, 42), ip4(address)) === 0
    const reply = (asker: Uint8Array) =>
      arp(QUIET, address, '0.0.0.0', { operation: ARP_REPLY, destination: asker })
    const quiet = lan.plugStation(1, (frame) => (isAsked(frame) ? reply(frame.slice(6, 12)) : null))
    lan.isCut = true
    network.run(2_000)
    // Bridge 0 hears it through member 2, the VLAN and member 1.
    quiet.send(arp(QUIET, address, '10.0.0.1'))
    network.run(500)
    lan.isCut = false
    network.run(3_000)
    assert.deepEqual(forwarders(network), [1])
    const down = marked(3, QUIET)
    network.send(3, down.frame)
    network.run(500)
    assert.equal(texts(quiet.heard, down.mark), 1)
  })

  it('are no part of the spanning tree of the LAN, whatever root it claims', () => {
    const scene = setup()
    const { network, guest } = scene
    const root = Buffer.from(network.at(3).fabric.tree.rootId).toString('hex')
    const best = new Uint8Array(8)
    const bpdu = encodeBpdu({
      type: BPDU_CONFIGURATION,
      flags: BPDU_FLAG_TOPOLOGY_CHANGE,
      rootId: best,
      rootPathCost: 0,
      bridgeId: best,
      portId: 1,
      messageAgeMs: 0,
      maxAgeMs: 20_000,
      helloMs: 2_000,
      forwardDelayMs: 15_000,
    })
    const payload = join(Uint8Array.of(0x42, 0x42, 0x03), bpdu)
    const frame = ethernet(GUEST, payload.length, payload, { destination: bytesOf('0180c2000000') })
    network.taken()
    for (let i = 0; i < 50; i++) {
      guest.send(frame)
      network.run(100)
    }
    for (const n of [1, 2, 3, 4]) {
      assert.equal(Buffer.from(network.at(n).fabric.tree.rootId).toString('hex'), root)
      assert.ok(!network.delivered(n).some((heard) => heard[14] === 0x42), 'crosses no trunk')
    }
    assert.ok(!guest.heard.some((heard) => heard[14] === 0x42 && heard[6] !== 0x02), 'nor is one answered')
    assert.deepEqual(forwarders(network), [1])
    assert.deepEqual(copies(scene), [1, 1, 1])
  })

  it('say nothing but hellos on a LAN that the other serves', () => {
    const { network, guest } = setup()
    network.own(2)
    guest.send(marked(GUEST).frame)
    network.run(300_000)
    const own = network.own(2)
    assert.ok(own.length > 100)
    assert.ok(own.every((frame) => frame[12] === 0x88 && frame[13] === 0xb6))
    assert.ok(network.at(2).drops['lan-silent'] > 0, 'the querier, for one')
  })

  it('believe no hello that comes from a member', () => {
    const { network } = setup()
    network.run(1_000)
    const forged = network.own(2).find((frame) => frame[12] === 0x88 && frame[13] === 0xb6)!
    const stolen = forged.slice()
    stolen.set(mac(3), 6)
    stolen.set(memberId(0), 40)
    // Member 3 takes what its TAP says for a hello itself, so its switch is passed by.
    network.at(3).sendToTree(stolen)
    network.run(100)
    assert.equal(network.at(1).drops['lan-forged'], 1)
    assert.deepEqual(forwarders(network), [1])
  })
})
