import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { GSO_TCPV4, NEEDS_CSUM } from '@wakunet/interface'
import { tcpSuperFrame, virtioHeader } from './super-frames.ts'
import { BROADCAST, converge, frame, joinedNodes, payloads, settle, type TestNode, vlan } from './support.ts'

const LAN = vlan('lan')
let nodes: TestNode[] = []

afterEach(async () => {
  for (const one of nodes) await one.stop()
  nodes = []
})

async function join(count: number): Promise<TestNode[]> {
  nodes = await joinedNodes(count, LAN)
  return nodes
}

describe('three switches in one VLAN', () => {
  it('carry a broadcast to all others, once, and not back', async () => {
    const [a, b, c] = await join(3)
    a!.tap.inject([frame(a!.mac, BROADCAST, 'who has')])
    assert.deepEqual(payloads(b!.tap.takeWritten()), ['who has'])
    assert.deepEqual(payloads(c!.tap.takeWritten()), ['who has'])
    assert.deepEqual(a!.tap.takeWritten(), [])
    assert.equal(a!.trunkPeer.sent.length, 1)
    assert.deepEqual(a!.trunkPeer.sent[0]!.peers.toSorted(), [b!.trunkPeer.nodeId, c!.trunkPeer.nodeId])
    assert.equal(a!.trunkPeer.sent[0]!.record.tree, true)
    assert.equal(b!.trunkPeer.sent.length + c!.trunkPeer.sent.length, 0)
  })

  it('carry unicast to its member alone, from the first frame, as members announce their MAC address', async () => {
    const [a, b, c] = await join(3)
    b!.tap.inject([frame(b!.mac, a!.mac, 'I have')])
    assert.deepEqual(payloads(a!.tap.takeWritten()), ['I have'])
    assert.deepEqual(c!.tap.takeWritten(), [])
    assert.deepEqual(b!.trunkPeer.sent[0]!.peers, [a!.trunkPeer.nodeId])
    assert.equal(b!.trunkPeer.sent[0]!.record.tree, false)
  })

  it('send what is for an unknown station to those with a LAN behind them, then learn where it is', async () => {
    const [a, b, c] = await join(3)
    await c!.cli.request('switch.leave', { vlan: 'lan' })
    await c!.cli.request('switch.join', { vlan: 'lan', addressMode: 'none' })
    await converge([a!, b!, c!])
    const guest = '02:00:00:00:99:01'
    a!.tap.inject([frame(a!.mac, guest, '1')])
    assert.deepEqual([payloads(b!.tap.takeWritten()), payloads(c!.tap.takeWritten())], [[], ['1']])
    c!.tap.inject([frame(guest, a!.mac, '2')])
    assert.deepEqual(payloads(a!.tap.takeWritten()), ['2'])
    a!.tap.inject([frame(a!.mac, guest, '3')])
    assert.deepEqual([payloads(b!.tap.takeWritten()), payloads(c!.tap.takeWritten())], [[], ['3']])
  })

  it('keep the order of a batch that goes several ways, and lose nothing of it', async () => {
    const [a, b, c] = await join(3)
    const batch = Array.from({ length: 60 }, (_, i) =>
      frame(a!.mac, [b!.mac, BROADCAST, c!.mac, b!.mac][i % 4]!, String(i)),
    )
    a!.tap.inject(batch)
    const numbers = (one: TestNode) => payloads(one.tap.takeWritten()).map(Number)
    const expected = (of: number[]) => batch.map((_, i) => i).filter((i) => of.includes(i % 4))
    assert.deepEqual(
      numbers(b!).toSorted((x, y) => x - y),
      expected([0, 1, 3]),
    )
    assert.deepEqual(
      numbers(c!).toSorted((x, y) => x - y),
      expected([1, 2]),
    )
    assert.equal(a!.trunkPeer.sent.length, 3)
  })

  it('carry more bytes at once than fit one record', async () => {
    const [a, b] = await join(2)
    const batch = Array.from({ length: 200 }, (_, i) => frame(a!.mac, b!.mac, `frame ${i}`, 1414))
    a!.tap.inject(batch)
    assert.ok(a!.trunkPeer.sent.length > 1)
    assert.deepEqual(
      b!.tap.takeWritten().map((written) => Buffer.from(written.frame)),
      batch.map((bytes) => Buffer.from(bytes)),
    )
  })

  it('carry a super-frame whole, with its offload header built anew', async () => {
    const [a, b] = await join(2)
    const bytes = tcpSuperFrame(a!.mac, b!.mac, 20_000)
    const hint = { flags: NEEDS_CSUM, gsoType: GSO_TCPV4, gsoSize: 1360, csumStart: 34, csumOffset: 16 }
    a!.tap.inject([{ header: virtioHeader(hint, 0xffff), frame: bytes }])
    const [written] = b!.tap.takeWritten()
    assert.deepEqual(Buffer.from(written!.frame), Buffer.from(bytes))
    assert.deepEqual(Buffer.from(written!.header), Buffer.from(virtioHeader(hint, 54)))
  })

  it('know each other, and show it', async () => {
    const [a, b] = await join(2)
    const { framesIn } = a!.switch.counters
    b!.tap.inject([frame('02:00:00:00:99:01', BROADCAST)])
    const shown = await a!.cli.request('switch.show', { vlan: 'lan' })
    assert.deepEqual(
      shown.members.map(({ nodeId, hostname }) => [nodeId, hostname]),
      [[b!.trunkPeer.nodeId, 'host-02']],
    )
    const fdb = Object.fromEntries(shown.fdb.map(({ mac, nodeId }) => [mac, nodeId]))
    assert.deepEqual(fdb, {
      [a!.mac]: null,
      [b!.mac]: b!.trunkPeer.nodeId,
      '02:00:00:00:99:01': b!.trunkPeer.nodeId,
    })
    assert.equal(shown.port.members, 1)
    assert.equal(shown.port.framesIn, framesIn + 1)
    assert.equal(shown.port.fdbEntries, 3)
    assert.equal(shown.drops['mac-spoofed'], 0)
  })

  it('stop sending to a member that has left', async () => {
    const [a, b, c] = await join(3)
    await b!.cli.request('switch.leave', { vlan: 'lan' })
    await settle()
    a!.tap.inject([frame(a!.mac, BROADCAST)])
    assert.deepEqual(a!.trunkPeer.sent[0]!.peers, [c!.trunkPeer.nodeId])
    assert.equal(b!.tap.started, false)
  })

  it('start a new sequence when a member joins again, without losing a frame', async () => {
    const [a, b] = await join(2)
    a!.tap.inject([frame(a!.mac, BROADCAST, '1')])
    await a!.cli.request('switch.leave', { vlan: 'lan' })
    await a!.cli.request('switch.join', { vlan: 'lan' })
    assert.deepEqual(payloads(b!.tap.takeWritten()), ['1'])
    await converge([a!, b!])
    a!.tap.inject([frame(a!.mac, BROADCAST, '2')])
    assert.deepEqual(payloads(b!.tap.takeWritten()), ['2'])
  })

  it('keep two VLANs apart', async () => {
    const [a, b] = await join(2)
    const other = vlan('other')
    for (const one of [a!, b!]) {
      one.trunkPeer.vlans.push(other)
      await one.cli.request('switch.join', { vlan: 'other' })
    }
    await converge([a!, b!])
    const [lanTap, otherTap] = b!.taps
    a!.taps[0]!.inject([frame(a!.taps[0]!.mac, BROADCAST, 'lan')])
    a!.taps[1]!.inject([frame(a!.taps[1]!.mac, BROADCAST, 'other')])
    assert.deepEqual(payloads(lanTap!.takeWritten()), ['lan'])
    assert.deepEqual(payloads(otherTap!.takeWritten()), ['other'])
    assert.notEqual(lanTap!.mac, otherTap!.mac)
  })
})
