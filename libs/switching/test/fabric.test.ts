import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeEnvelope, encodeRecordHeader, RECORD_HEADER_BYTES, writeFrameHeader } from '@wakunet/record'
import {
  bridgeIdOf,
  type ControlBpdu,
  encodeAdvertisement,
  encodeControlBpdu,
  type FabricDrop,
} from '../src/index.ts'
import { BROADCAST, FabricNetwork, frameOf, macHex, nonceOf, VLAN } from './fabric-network.ts'
import { nodeId } from './tree-network.ts'

const NO_HINT = { flags: 0, gsoType: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 }

function line(nodes: number): FabricNetwork {
  const network = new FabricNetwork()
  for (let i = 0; i < nodes; i++) network.addNode()
  for (let i = 1; i < nodes; i++) network.connect(i - 1, i)
  network.run(3_000)
  return network
}

function ring(nodes: number): FabricNetwork {
  const network = line(nodes)
  network.connect(nodes - 1, 0)
  network.run(3_000)
  return network
}

interface Fields {
  readonly from?: number
  readonly ingress?: number
  readonly nonce?: Uint8Array
  readonly egress?: number | null
  readonly sequence?: number
  readonly hopLimit?: number
  readonly epoch?: number
  readonly control?: boolean
}

/** A lane message with a record of one frame or control message, for a node. */
function message(fields: Fields, body: Uint8Array): Uint8Array {
  const { from = 0, ingress = from, egress = null, control = false } = fields
  const record = new Uint8Array(RECORD_HEADER_BYTES + 12 + body.length)
  encodeRecordHeader(record, 0, {
    hopLimit: fields.hopLimit ?? 64,
    frameCount: 1,
    epoch: fields.epoch ?? 0,
    sequence: fields.sequence ?? 1_000_000,
    bootNonce: fields.nonce ?? nonceOf(ingress),
    vlanId: VLAN,
    ingress: nodeId(ingress),
    egress: egress === null ? null : nodeId(egress),
    control,
  })
  writeFrameHeader(record, RECORD_HEADER_BYTES, body.length, NO_HINT)
  record.set(body, RECORD_HEADER_BYTES + 12)
  return new Uint8Array(Buffer.concat([encodeEnvelope([nodeId(from)]), record]))
}

describe('a fabric', () => {
  it('passes on no flood that every receiver would drop, so that trunks have room for others; off, all of it', () => {
    for (const isOn of [true, false]) {
      const network = new FabricNetwork()
      for (let i = 0; i < 3; i++) network.addNode({ isStormGuarded: () => isOn })
      network.connect(0, 1)
      network.connect(1, 2)
      network.run(3_000)
      for (let i = 0; i < 40; i++) {
        network.forward(0, ...Array.from({ length: 50 }, () => frameOf(BROADCAST, macHex(0), 'flood')))
        network.run(1)
      }
      network.run(10)
      assert.equal(network.delivered[2]!.length >= 2_000, !isOn)
      assert.ok(network.delivered[2]!.length >= 1_000)
      assert.equal(network.fabrics[1]!.drops['tree-rate'] > 0, isOn)
    }
  })

  it('follows a new cost when it has told it, so that no frame is sent back to where it came from', () => {
    const network = ring(3)
    const next = (from: number, to: number) =>
      network.fabrics[from]!.linkState.nextHop(nodeId(to), 0, 0, network.nowMs)?.id
    // Until a node may say nothing more for a while.
    for (let i = 0; i < 10; i++) {
      network.fabrics[0]!.setTrunkCost(nodeId(2), 10 + (i % 2), network.nowMs)
      network.run(300)
    }
    network.fabrics[0]!.setTrunkCost(nodeId(1), 100, network.nowMs)
    assert.deepEqual(next(0, 1), nodeId(1))
    network.run(3_000)
    assert.deepEqual([next(0, 1), next(2, 1)], [nodeId(2), nodeId(1)])
  })

  it('knows everywhere at once that a trunk is gone, whatever costs did before and whatever the tree does then', () => {
    const network = ring(8)
    const [lost, far] = [1, 3]
    const next = () => network.fabrics[far]!.linkState.nextHop(nodeId(0), 0, 0, network.nowMs)?.id
    assert.deepEqual(next(), nodeId(2))
    // News of costs may use up what a node may say in a second, but not all of it.
    for (let i = 0; i < 10; i++) {
      network.fabrics[lost]!.setTrunkCost(nodeId(2), 10 + (i % 2), network.nowMs)
      network.run(300)
    }
    const before = network.fabrics[lost]!.linkState.stats.advertised
    network.disconnect(0, lost)
    network.run(25)
    assert.deepEqual(next(), nodeId(4))
    assert.equal(network.fabrics[lost]!.linkState.stats.advertised, before + 1)
    assert.ok(network.fabrics.every(({ linkState }) => linkState.stats.rateLimited === 0))
  })

  it('brings a broadcast to every member once, over the trunks of the tree', () => {
    const network = ring(5)
    network.forward(2, frameOf(BROADCAST, macHex(2), 'hello'))
    network.run(100)
    assert.deepEqual(network.delivered, [['hello'], ['hello'], [], ['hello'], ['hello']])
    const seen = network.fabrics.map(({ drops }) => drops['sequence-seen'])
    assert.deepEqual(seen, [0, 0, 0, 0, 0])
  })

  it('takes the shortest way for unicast, not the tree', () => {
    const network = ring(5)
    network.forward(2, frameOf(macHex(3), macHex(2), 'next door'), frameOf(macHex(0), macHex(2), 'two away'))
    network.run(100)
    assert.deepEqual(network.delivered[3], ['next door'])
    assert.deepEqual(network.delivered[0], ['two away'])
    assert.equal(
      network.fabrics.reduce((sum, { stats }) => sum + stats.transits, 0),
      1,
    )
  })

  it('learns where a station behind a member is, and sends there alone', () => {
    const network = line(4)
    const station = '0200deadbeef'
    network.forward(3, frameOf(BROADCAST, station, 'who'))
    network.run(10)
    network.forward(0, frameOf(station, macHex(0), 'you'))
    network.run(10)
    assert.deepEqual(network.delivered, [['who'], ['who'], ['who'], ['you']])
  })

  it('heals when a trunk breaks, and forgets who cannot be reached', () => {
    const network = ring(5)
    network.disconnect(0, 1)
    network.run(2_000)
    network.forward(0, frameOf(BROADCAST, macHex(0), 'all'), frameOf(macHex(1), macHex(0), 'one'))
    network.run(10)
    assert.deepEqual(
      network.delivered.map((texts) => texts.length),
      [0, 2, 1, 1, 1],
    )
    network.disconnect(1, 2)
    network.run(2_000)
    network.forward(0, frameOf(macHex(1), macHex(0), 'lost'))
    assert.equal(network.fabrics[0]!.drops['no-route'], 1)
    network.run(120_000)
    assert.equal(network.fabrics[0]!.linkState.database.size, 4)
  })

  it('passes a record on with a hop less, and not any more when there is none', () => {
    const network = line(3)
    const frame = frameOf(BROADCAST, macHex(0), 'far')
    network.receive(1, message({ hopLimit: 2 }, frame))
    assert.equal(network.pending.length, 1)
    assert.equal(network.pending[0]!.message[17 + 2], 1)
    network.receive(1, message({ hopLimit: 1, sequence: 1_000_001 }, frame))
    assert.equal(network.pending.length, 1)
    assert.equal(network.fabrics[1]!.drops['hop-limit'], 1)
    assert.deepEqual(network.delivered[1], ['far', 'far'])
  })

  it('gives other control messages to whom they are for, from neighbours and over the tree', () => {
    const network = line(3)
    const [, middle] = network.fabrics
    middle!.sendControl(middle!.trunks.find(nodeId(0), 0)!, Uint8Array.of(3, 1, 9), network.nowMs)
    network.run(10)
    assert.deepEqual(
      network.control[0]!.map(({ type }) => type),
      [3],
    )
    network.receive(1, message({ control: true }, Uint8Array.of(4, 1)))
    network.run(10)
    assert.deepEqual(
      network.control.map((got) => got.map(({ type }) => type)),
      [[3], [4], [4]],
    )
  })

  it('sends the first control message at once, those soon after it in one record, and what is in haste takes them along', () => {
    const network = line(2)
    const [fabric] = network.fabrics
    const trunk = fabric!.trunks.find(nodeId(1), 0)!
    network.run(1_000)
    const say = (n: number) => fabric!.sendControl(trunk, Uint8Array.of(3, 1, n), network.nowMs)
    const records = () => fabric!.stats.controlRecordsSent
    const before = records()
    say(0)
    assert.equal(records(), before + 1)
    for (let n = 1; n < 100; n++) say(n)
    assert.equal(records(), before + 1)
    assert.equal(fabric!.nextTickMs(network.nowMs), network.nowMs + 20)
    network.run(30)
    assert.equal(records(), before + 2)
    assert.equal(network.control[1]!.length, 100)
    network.run(100)
    say(100)
    say(101)
    fabric!.setPriority(1, network.nowMs)
    network.run(15)
    assert.equal(network.control[1]!.length, 102)
  })

  it('sends several messages to a neighbour in one record', () => {
    const network = line(2)
    network.run(200_000)
    const before = network.fabrics[0]!.stats.controlRecordsSent
    network.fabrics[0]!.setTrunkCost(nodeId(1), 500, network.nowMs)
    assert.ok(network.fabrics[0]!.stats.controlRecordsSent - before <= 1)
  })
})

describe('a fabric refuses', () => {
  const frame = frameOf(BROADCAST, macHex(0), 'x')
  const cases: [FabricDrop, string, Fields][] = [
    ['trunk-unknown', 'what comes from no trunk', { from: 2, ingress: 0 }],
    ['epoch', 'a key epoch', { epoch: 1 }],
    ['own-record', 'what it has sent itself', { ingress: 1 }],
    ['ingress-unknown', 'members that nobody has advertised', { ingress: 77 }],
    ['boot-nonce', 'another boot nonce than the one advertised', { nonce: nonceOf(50) }],
    ['control-hop', 'control that could have gone further', { control: true, egress: 1, hopLimit: 2 }],
    ['control-hop', 'control of somebody else', { control: true, egress: 1, hopLimit: 1, ingress: 2 }],
    ['control-hop', 'control for somebody else', { control: true, egress: 2, hopLimit: 1 }],
  ]
  for (const [reason, what, fields] of cases)
    it(`${what}: ${reason}`, () => {
      const network = line(2)
      network.receive(1, message(fields, frame))
      assert.equal(network.fabrics[1]!.drops[reason], 1)
      assert.deepEqual(network.delivered[1], [])
      network.receive(1, message({}, frame))
      assert.deepEqual(network.delivered[1], ['x'])
    })

  it('what comes over a trunk that does not forward, and still takes it over the one that does', () => {
    const network = ring(3)
    // Node 2 has its root port towards node 0; the trunk to node 1 is blocked at one end.
    const [blocked] = network.fabrics[2]!.trunks.all
    assert.equal(network.fabrics[2]!.tree.isForwarding(blocked!.port), false)
    const copy = (from: number) => message({ from, ingress: 0, sequence: 9_000 }, frame)
    network.receive(2, copy(1))
    assert.equal(network.fabrics[2]!.drops['tree-blocked'], 1)
    network.receive(2, copy(0))
    assert.deepEqual(network.delivered[2], ['x'])
  })

  it('a record that it has seen, or that is too old to know', () => {
    const network = line(2)
    network.receive(1, message({ sequence: 50_000 }, frame))
    network.receive(1, message({ sequence: 50_000 }, frame))
    network.receive(1, message({ sequence: 20_000 }, frame))
    assert.deepEqual(network.delivered[1], ['x'])
    assert.equal(network.fabrics[1]!.drops['sequence-seen'], 1)
    assert.equal(network.fabrics[1]!.drops['sequence-old'], 1)
  })

  it('spanning tree and link state of anybody but the neighbour', () => {
    const network = line(2)
    const best = bridgeIdOf(32_768, new Uint8Array(16))
    const bpdu = encodeControlBpdu({ ...CLAIM, rootId: best, bridgeId: best })
    network.receive(1, message({ control: true }, bpdu))
    const forged = encodeAdvertisement(nodeId(9), nonceOf(9), 5, [])
    network.receive(1, message({ control: true, sequence: 1_000_001 }, forged))
    assert.equal(network.fabrics[1]!.drops['control-unknown'], 2)
    assert.equal(network.fabrics[1]!.linkState.database.find(nodeId(9), 0), null)
    assert.notDeepEqual(network.fabrics[1]!.tree.rootId, best)
  })

  it('control messages that do not decode', () => {
    const network = line(2)
    const cut = encodeControlBpdu(CLAIM).subarray(0, 57)
    network.receive(1, message({ control: true, egress: 1, hopLimit: 1 }, cut))
    assert.equal(network.fabrics[1]!.drops['control-malformed'], 1)
  })

  it('to send a record back where it came from', () => {
    const network = line(3)
    // Node 0 believes that node 2 is behind node 1; node 1 gets a record for node 0 from node 0.
    network.receive(1, message({ ingress: 2, from: 0, egress: 0 }, frame))
    assert.equal(network.fabrics[1]!.drops['no-route'], 1)
  })
})

const CLAIM: ControlBpdu = {
  role: 'designated',
  topologyChange: false,
  proposal: true,
  learning: false,
  forwarding: false,
  messageAge: 0,
  maxAge: 20,
  helloMs: 2_000,
  rootPathCost: 0,
  rootId: bridgeIdOf(32_768, nodeId(0)),
  bridgeId: bridgeIdOf(32_768, nodeId(0)),
  portId: 1,
  number: 1,
  agreedNumber: 0,
}

describe('a fabric whose TAP leads to a LAN', () => {
  it('carries no frames of it while another member serves it', () => {
    const network = line(2)
    const [fabric] = network.fabrics
    fabric!.setTapForwarding(false, network.nowMs)
    network.forward(0, frameOf(BROADCAST, macHex(0), 'out'))
    network.forward(1, frameOf(BROADCAST, macHex(1), 'in'))
    network.run(10)
    assert.deepEqual(network.delivered, [[], []])
    assert.equal(fabric!.drops['lan-blocked'], 2)
  })

  it('makes all members forget its addresses when it begins to serve it, and when it is the only one again', () => {
    const network = line(2)
    const [fabric, other] = network.fabrics
    const known = other!.bridge.fdbSize
    for (const wasServing of [false, true]) {
      fabric!.setTapForwarding(true, network.nowMs)
      network.run(3_000)
      network.forward(0, frameOf(BROADCAST, '0200deadbeef', 'who'))
      network.run(10)
      assert.equal(other!.bridge.fdbSize, known + 1)
      if (!wasServing) fabric!.setTapForwarding(false, network.nowMs)
      fabric!.setTapForwarding(true, network.nowMs)
      network.run(100)
      assert.equal(other!.bridge.fdbSize, known)
    }
  })
})
