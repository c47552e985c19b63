import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { DATA_VALID, GSO_TCPV4, GSO_UDP_L4, NEEDS_CSUM } from '@wakunet/interface'
import type { RecordHeader } from '@wakunet/record'
import fc from 'fast-check'
import { TCP_HINT, tcpSuperFrame, UDP_HINT, udpSuperFrame } from './super-frames.ts'
import {
  BROADCAST,
  bytesOf,
  frame,
  joinedNodes,
  laneMessage,
  NO_HINT,
  node,
  payloads,
  type TestNode,
  vlan,
} from './support.ts'

const LAN = vlan('lan')
let nodes: TestNode[] = []
let victim: TestNode
let attacker: TestNode
let other: TestNode
/** What was counted before the attack: the first messages of a start meet nobody yet. */
let before: Record<string, number> = {}
/** What an honest record of the attacker looks like. */
let honest: Pick<RecordHeader, 'vlanId' | 'bootNonce'>
/** What one for the victim alone looks like; its switch has sent less than that over the trunk. */
let unicast: typeof honest & Pick<RecordHeader, 'egress' | 'sequence'>

beforeEach(async () => {
  nodes = await joinedNodes(3, LAN)
  ;[victim, attacker, other] = nodes as [TestNode, TestNode, TestNode]
  honest = headerOf(attacker)
  unicast = { ...honest, egress: bytesOf(victim.trunkPeer.nodeId), sequence: 1_000 }
  before = counted()
})

afterEach(async () => {
  for (const one of nodes) await one.stop()
})

function headerOf(from: TestNode): typeof honest {
  return { vlanId: bytesOf(LAN.id), bootNonce: bytesOf(from.trunkPeer.announced[0]!.bootNonce) }
}

function send(message: Uint8Array): string[] {
  victim.trunkPeer.toSwitch(message)
  return payloads(victim.tap.takeWritten())
}

function counted(): Record<string, number> {
  const { drops, receiver } = victim.switch
  return {
    ...drops,
    ...Object.fromEntries(Object.entries(receiver.drops).map(([k, n]) => [`lane:${k}`, n])),
  }
}

/** Reasons that were counted since, with their counts. */
function dropped(): Record<string, number> {
  const since = Object.entries(counted()).map(([reason, count]) => [reason, count - before[reason]!] as const)
  return Object.fromEntries(since.filter(([, count]) => count > 0))
}

const hello = () => frame(attacker.mac, BROADCAST)

describe('a record that is refused', () => {
  it('is counted when it comes twice; a byte-identical frame in a new record is a new frame', () => {
    const message = laneMessage(attacker.trunkPeer.nodeId, honest, [hello()])
    assert.deepEqual(send(message.slice()), ['hello'])
    assert.deepEqual(send(message.slice()), [])
    assert.deepEqual(dropped(), { 'sequence-seen': 1 })
    assert.deepEqual(send(laneMessage(attacker.trunkPeer.nodeId, { ...honest, sequence: 2 }, [hello()])), [
      'hello',
    ])
  })

  it('carries control messages: they are no frames, and the same bytes as frames would pass', () => {
    const from = attacker.trunkPeer.nodeId
    assert.deepEqual(send(laneMessage(from, { ...honest, control: true }, [hello()])), [])
    assert.deepEqual(dropped(), { 'control-unknown': 1 })
    assert.deepEqual(send(laneMessage(from, { ...honest, sequence: 2 }, [hello()])), ['hello'])
  })

  it('names a VLAN that is not joined', () => {
    const wrong = { ...honest, vlanId: bytesOf(vlan('secret').id) }
    assert.deepEqual(send(laneMessage(attacker.trunkPeer.nodeId, wrong, [hello()])), [])
    assert.deepEqual(dropped(), { 'lane:vlan-unknown': 1 })
  })

  it('names a VLAN whose id shares the first 48 bits with one that is joined', () => {
    const near = bytesOf(LAN.id)
    near[15]! ^= 1
    assert.deepEqual(send(laneMessage(attacker.trunkPeer.nodeId, { ...honest, vlanId: near }, [hello()])), [])
    assert.deepEqual(dropped(), { 'lane:vlan-unknown': 1 })
  })

  it('comes from a peer that is no member', () => {
    assert.deepEqual(send(laneMessage(node(9), honest, [hello()])), [])
    assert.deepEqual(dropped(), { 'trunk-unknown': 1 })
  })

  it('has the nonce of another boot, or an epoch', () => {
    const from = attacker.trunkPeer.nodeId
    send(laneMessage(from, { ...honest, bootNonce: bytesOf('0123456789abcdef') }, [hello()]))
    send(laneMessage(from, { ...honest, epoch: 7 }, [hello()]))
    assert.deepEqual(dropped(), { 'boot-nonce': 1, epoch: 1 })
    assert.deepEqual(send(laneMessage(from, { ...honest, egress: bytesOf(node(1)) }, [hello()])), ['hello'])
  })

  it('is cut at any offset', () => {
    const message = laneMessage(attacker.trunkPeer.nodeId, honest, [hello(), hello()])
    for (let length = 0; length < message.length; length++)
      assert.deepEqual(send(message.slice(0, length)), [], `${length} bytes`)
    const counts = dropped()
    assert.equal(counts['lane:envelope'], 17)
    assert.equal(counts['lane:record-truncated'], 72)
    assert.equal(counts['lane:record-frame-truncated'], message.length - 17 - 72)
    assert.deepEqual(send(message), ['hello', 'hello'])
  })

  it('has an envelope for several', () => {
    const message = laneMessage(attacker.trunkPeer.nodeId, honest, [hello()])
    const two = Buffer.concat([Uint8Array.of(2), message.subarray(1, 17), message.subarray(1)])
    assert.deepEqual(send(new Uint8Array(two)), [])
    assert.deepEqual(dropped(), { 'lane:envelope': 1 })
  })

  it('is random bytes, or an honest record with some of them changed: nothing throws, honest traffic goes on', () => {
    const message = laneMessage(attacker.trunkPeer.nodeId, { ...honest, sequence: 50 }, [hello(), hello()])
    const changed = fc
      .array(fc.tuple(fc.nat(message.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
      .map((changes) => {
        const bytes = message.slice()
        for (const [at, value] of changes) bytes[at] = value
        return bytes
      })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), changed), (bytes) => {
        send(bytes.slice())
        assert.equal(victim.lane.stats.messagesInvalid, 0)
      }),
      { numRuns: 500 },
    )
    assert.deepEqual(
      send(laneMessage(other.trunkPeer.nodeId, headerOf(other), [frame(other.mac, BROADCAST)])),
      ['hello'],
    )
  })
})

describe('a frame that is refused', () => {
  it('has the source address of this host or of another member; the rest of its record passes', () => {
    const frames = [frame(victim.mac, BROADCAST, 'me'), frame(other.mac, BROADCAST, 'other'), hello()]
    assert.deepEqual(send(laneMessage(attacker.trunkPeer.nodeId, honest, frames)), ['hello'])
    assert.deepEqual(dropped(), { 'mac-spoofed': 2 })
  })

  it('comes from a group address, or goes to one that no bridge forwards', () => {
    const frames = [frame(BROADCAST, victim.mac), frame(attacker.mac, '01:80:c2:00:00:00'), hello()]
    assert.deepEqual(send(laneMessage(attacker.trunkPeer.nodeId, honest, frames)), ['hello'])
    assert.deepEqual(dropped(), { 'source-group': 1, 'reserved-destination': 1 })
  })

  it('is for a station behind another trunk', () => {
    const frames = [frame(attacker.mac, other.mac)]
    assert.deepEqual(send(laneMessage(attacker.trunkPeer.nodeId, honest, frames)), [])
    assert.deepEqual(dropped(), { 'split-horizon': 1 })
  })
})

describe('offload hints that lie', () => {
  const lies = {
    'segments too small': { ...TCP_HINT, gsoSize: 8 },
    'segments over the MTU': { ...TCP_HINT, gsoSize: 4_000 },
    'the wrong type': { ...TCP_HINT, gsoType: GSO_UDP_L4 },
    'no type at all': NO_HINT,
    'no checksum to complete': { ...TCP_HINT, flags: 0 },
    'a checksum outside the frame': { ...TCP_HINT, csumStart: 65_000 },
    'a checksum in the wrong place': { ...TCP_HINT, csumOffset: 6 },
  }
  for (const [name, hint] of Object.entries(lies))
    it(`are refused and counted: ${name}`, () => {
      const bytes = tcpSuperFrame(attacker.mac, victim.mac, 20_000)
      victim.trunkPeer.toSwitch(laneMessage(attacker.trunkPeer.nodeId, honest, [bytes], hint))
      assert.deepEqual(victim.tap.takeWritten(), [])
      const [reason, ...more] = Object.entries(dropped())
      assert.match(reason![0], /^offload-/)
      assert.equal(reason![1], 1)
      assert.deepEqual(more, [])
    })

  it('are not learned from: a frame that is dropped teaches no address', () => {
    const bytes = tcpSuperFrame('02:00:00:00:99:01', victim.mac, 20_000)
    victim.trunkPeer.toSwitch(
      laneMessage(attacker.trunkPeer.nodeId, honest, [bytes], { ...TCP_HINT, gsoSize: 8 }),
    )
    assert.equal(victim.switch.list()[0]!.fdbEntries, 3)
  })

  it('that tell the truth pass (the negative control), for TCP and UDP', () => {
    const from = attacker.trunkPeer.nodeId
    const tcp = tcpSuperFrame(attacker.mac, victim.mac, 20_000)
    const udp = udpSuperFrame(attacker.mac, victim.mac, 20_000)
    victim.trunkPeer.toSwitch(laneMessage(from, unicast, [tcp], TCP_HINT))
    victim.trunkPeer.toSwitch(laneMessage(from, { ...unicast, sequence: 1_001 }, [udp], UDP_HINT))
    const written = victim.tap.takeWritten()
    assert.equal(written.length, 2)
    assert.deepEqual([...written[0]!.header], [1, GSO_TCPV4, 54, 0, 80, 5, 34, 0, 16, 0, 0, 0])
    assert.deepEqual([...written[1]!.header], [1, GSO_UDP_L4, 42, 0, 20, 5, 34, 0, 6, 0, 0, 0])
    assert.deepEqual(dropped(), {})
  })

  it('with undefined flags refuse the whole record', () => {
    for (const flags of [DATA_VALID, NEEDS_CSUM | 4, 0x80])
      victim.trunkPeer.toSwitch(
        laneMessage(attacker.trunkPeer.nodeId, honest, [hello()], { ...NO_HINT, flags }),
      )
    assert.deepEqual(dropped(), { 'lane:record-frame-hint': 3 })
  })
})

describe('limits', () => {
  it('hold when a member sends from ever new addresses: its own table fills, others go on', () => {
    const from = attacker.trunkPeer.nodeId
    for (let sequence = 1; sequence <= 30; sequence++) {
      const frames = Array.from({ length: 100 }, (_, i) => {
        const number = (sequence * 100 + i).toString(16).padStart(4, '0')
        return frame(`02:99:00:00:${number.slice(0, 2)}:${number.slice(2)}`, BROADCAST)
      })
      victim.trunkPeer.toSwitch(laneMessage(from, { ...honest, sequence }, frames))
    }
    assert.equal(victim.switch.tables.fdbEntries, 3 + 1_024)
    assert.equal(victim.switch.counters.macsRefused, 3_000 - 1_024)
    victim.tap.takeWritten()
    const guest = frame('02:88:00:00:00:01', BROADCAST)
    send(laneMessage(other.trunkPeer.nodeId, headerOf(other), [guest]))
    assert.equal(victim.switch.tables.fdbEntries, 3 + 1_024 + 1)
  })

  it('are counted when the kernel takes no more', () => {
    const frames = Array.from({ length: 250 }, () => frame(attacker.mac, victim.mac))
    for (let sequence = 1_001; sequence <= 1_005; sequence++)
      victim.trunkPeer.toSwitch(laneMessage(attacker.trunkPeer.nodeId, { ...unicast, sequence }, frames))
    assert.deepEqual(dropped(), { 'tap-full': 1_250 - 1_024 })
    assert.ok(victim.switch.list()[0]!.framesDropped >= 226)
  })
})
