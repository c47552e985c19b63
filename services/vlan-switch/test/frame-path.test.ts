import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { FRAME_HEADER_BYTES } from '@wakunet/interface'
import { checksumIsRight, TCP_HINT, tcpSuperFrame, UDP_HINT, udpSuperFrame } from './super-frames.ts'
import {
  BROADCAST,
  bytesOf,
  frame,
  joinedNodes,
  laneMessage,
  payloads,
  type TestNode,
  vlan,
} from './support.ts'

const LAN = vlan('lan')
/** After all that the switch has sent over that trunk itself. */
const FIRST_SEQUENCE = 1_000
let nodes: TestNode[] = []

afterEach(async () => {
  for (const one of nodes) await one.stop()
})

async function pair(features: { vnetHeader: boolean; uso: boolean }): Promise<{ a: TestNode; b: TestNode }> {
  nodes = await joinedNodes(2, LAN, { features })
  const [a, b] = nodes as [TestNode, TestNode]
  return { a, b }
}

/** Sends one record with the frames, each with its hint, from `from` to `to`. */
function send(
  from: TestNode,
  to: TestNode,
  frames: readonly Uint8Array[],
  hint: typeof TCP_HINT,
  sequence = FIRST_SEQUENCE,
) {
  const header = {
    vlanId: bytesOf(LAN.id),
    bootNonce: bytesOf(from.trunkPeer.announced[0]!.bootNonce),
    egress: bytesOf(to.trunkPeer.nodeId),
    sequence,
  }
  to.trunkPeer.toSwitch(laneMessage(from.trunkPeer.nodeId, header, frames, hint))
}

/** The upper-layer payload of all frames, one behind the other. */
function joined(frames: readonly { frame: Uint8Array }[], headerBytes: number): Buffer {
  return Buffer.concat(frames.map((written) => written.frame.subarray(headerBytes)))
}

describe('a TAP without offloads', () => {
  const features = { vnetHeader: false, uso: false }

  it('gets TCP super-frames in segments with complete checksums, and nothing is lost', async () => {
    const { a, b } = await pair(features)
    const whole = tcpSuperFrame(a.mac, b.mac, 50_001)
    send(a, b, [whole], TCP_HINT)
    const written = b.tap.takeWritten()
    assert.equal(written.length, Math.ceil(50_001 / 1360))
    assert.ok(written.every((one) => one.frame.length <= 1414 && checksumIsRight(one.frame)))
    assert.ok(written.every((one) => one.header.every((byte) => byte === 0)))
    assert.deepEqual(joined(written, 54), Buffer.from(whole.subarray(54)))
    assert.equal(b.switch.counters.framesFinished, 1)
  })

  it('gets single frames with their checksum completed', async () => {
    const { a, b } = await pair(features)
    const single = tcpSuperFrame(a.mac, b.mac, 1_000)
    assert.equal(checksumIsRight(single), false)
    send(a, b, [single], { ...TCP_HINT, gsoType: 0, gsoSize: 0 })
    const [written] = b.tap.takeWritten()
    assert.equal(checksumIsRight(written!.frame), true)
    assert.equal(written!.frame.length, single.length)
  })

  it('gets frames that need nothing as they are', async () => {
    const { a, b } = await pair(features)
    a.tap.inject([frame(a.mac, BROADCAST, 'plain')])
    assert.deepEqual(payloads(b.tap.takeWritten()), ['plain'])
    assert.equal(b.switch.counters.framesFinished, 0)
  })

  it('gets more segments than one batch holds', async () => {
    const { a, b } = await pair(features)
    send(a, b, [tcpSuperFrame(a.mac, b.mac, 60_000)], { ...TCP_HINT, gsoSize: 100 })
    const written = b.tap.takeWritten()
    assert.equal(written.length, 600)
    assert.ok(written.every((one) => checksumIsRight(one.frame)))
  })
})

describe('a TAP without UDP segmentation', () => {
  const features = { vnetHeader: true, uso: false }

  it('gets UDP super-frames in segments, TCP super-frames whole, and the order stays', async () => {
    const { a, b } = await pair(features)
    const tcp = tcpSuperFrame(a.mac, b.mac, 3_000)
    const udp = udpSuperFrame(a.mac, b.mac, 3_000)
    const record = laneMessage(
      a.trunkPeer.nodeId,
      {
        vlanId: bytesOf(LAN.id),
        bootNonce: bytesOf(a.trunkPeer.announced[0]!.bootNonce),
        egress: bytesOf(b.trunkPeer.nodeId),
        sequence: FIRST_SEQUENCE,
      },
      [tcp, udp, tcp],
      TCP_HINT,
    )
    // The hints of the second frame: its header is behind the first frame.
    const at = 17 + 72 + FRAME_HEADER_BYTES + tcp.length
    record.set([UDP_HINT.flags, UDP_HINT.gsoType, UDP_HINT.gsoSize >> 8, UDP_HINT.gsoSize & 255], at + 4)
    record.set([0, UDP_HINT.csumStart, 0, UDP_HINT.csumOffset], at + 8)
    b.trunkPeer.toSwitch(record)
    const written = b.tap.takeWritten()
    assert.deepEqual(
      written.map((one) => one.frame[23]),
      [6, 17, 17, 17, 6],
    )
    assert.deepEqual(Buffer.from(written[0]!.frame), Buffer.from(tcp))
    const segments = written.slice(1, 4)
    assert.ok(segments.every((one) => checksumIsRight(one.frame) && one.header.every((byte) => byte === 0)))
    assert.deepEqual(joined(segments, 42), Buffer.from(udp.subarray(42)))
  })
})

describe('frames from the TAP', () => {
  it('of an impossible size are counted and left out', async () => {
    const { a, b } = await pair({ vnetHeader: true, uso: true })
    a.tap.inject([new Uint8Array(13), frame(a.mac, BROADCAST, 'fine'), new Uint8Array(65_558)])
    assert.deepEqual(payloads(b.tap.takeWritten()), ['fine'])
    assert.equal(a.switch.drops['frame-size'], 2)
  })
})
