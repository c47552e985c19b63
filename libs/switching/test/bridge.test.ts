import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import fc from 'fast-check'
import { Bridge, type BridgeDrop } from '../src/index.ts'
import { BROADCAST, batchOf, frameOf, id, memberInit } from './frames.ts'

const MY_MAC = 0x0200_0000_00a0
const MAC_1 = 0x0200_0000_0001
const MAC_2 = 0x0200_0000_0002
const GUEST = 0x0200_0000_0099

let bridge: Bridge

beforeEach(() => {
  bridge = new Bridge({ mac: MY_MAC }, 0)
  bridge.setMembers([memberInit(1, MAC_1), memberInit(2, MAC_2)], 0)
})

/** Frame numbers by destination: member id's first octet, 0 for the tree. */
function planOf(frames: readonly Uint8Array[], nowMs = 0): Record<number, number[]> {
  const plan = bridge.forward(batchOf(frames), nowMs)
  return Object.fromEntries(
    Array.from({ length: plan.groupCount }, (_, i) => {
      const group = plan.group(i)
      return [group.member?.id[0] ?? 0, [...group.indexes.subarray(0, group.count)]]
    }),
  )
}

function receive(frame: Uint8Array, from: number, nowMs = 0): boolean {
  const sender = bridge.members.find(id(from), 0)
  assert.ok(sender)
  return bridge.receiveFrame(frame, 0, frame.length, sender, nowMs)
}

function droppedOnly(expected: Partial<Record<BridgeDrop, number>>): void {
  const seen = Object.fromEntries(Object.entries(bridge.drops).filter(([, count]) => count > 0))
  assert.deepEqual(seen, expected)
}

describe('Bridge, frames from the TAP', () => {
  it('sends known unicast to its member, and group and unknown addresses to the tree', () => {
    const plan = planOf([
      frameOf(MY_MAC, MAC_1),
      frameOf(MY_MAC, BROADCAST),
      frameOf(MY_MAC, MAC_2),
      frameOf(MY_MAC, 0x3333_0000_0001),
      frameOf(MY_MAC, GUEST),
      frameOf(MY_MAC, MAC_1),
    ])
    assert.deepEqual(plan, { 1: [0, 5], 0: [1, 3, 4], 2: [2] })
    droppedOnly({})
  })

  it('makes one group of a batch that all goes one way', () => {
    const plan = bridge.forward(batchOf([frameOf(MY_MAC, MAC_1), frameOf(MY_MAC, MAC_1)]), 0)
    assert.equal(plan.groupCount, 1)
    assert.equal(plan.group(0).count, 2)
    assert.equal(bridge.forward(batchOf([frameOf(MY_MAC, MAC_2)]), 0).group(0).member?.id[0], 2)
  })

  it('learns where a station behind a member is, until that member is gone', () => {
    assert.ok(receive(frameOf(GUEST, BROADCAST), 2))
    assert.deepEqual(planOf([frameOf(MY_MAC, GUEST)]), { 2: [0] })
    bridge.setMembers([memberInit(1, MAC_1)], 0)
    assert.deepEqual(planOf([frameOf(MY_MAC, GUEST)]), { 0: [0] })
    assert.deepEqual(planOf([frameOf(MY_MAC, MAC_2)]), { 0: [0] })
  })

  it('does not send out what is for a station on the TAP itself', () => {
    assert.deepEqual(planOf([frameOf(GUEST, BROADCAST)]), { 0: [0] })
    assert.deepEqual(planOf([frameOf(MY_MAC, GUEST)]), {})
    droppedOnly({ 'local-destination': 1 })
  })

  it('drops group sources and reserved destinations, and counts them', () => {
    const reserved = Array.from({ length: 16 }, (_, i) => frameOf(MY_MAC, 0x0180_c200_0000 + i))
    assert.deepEqual(planOf([frameOf(BROADCAST, MAC_1), ...reserved, frameOf(MY_MAC, MAC_1)]), { 1: [17] })
    droppedOnly({ 'source-group': 1, 'reserved-destination': 16 })
  })

  it('forwards frames with the zero source and learns nothing from them', () => {
    assert.deepEqual(planOf([frameOf(0, MAC_1), frameOf(MY_MAC, 0)]), { 1: [0], 0: [1] })
    droppedOnly({})
  })

  it("drops a member's address as the source of a local frame", () => {
    assert.deepEqual(planOf([frameOf(MAC_1, BROADCAST)]), {})
    droppedOnly({ 'mac-spoofed': 1 })
  })

  it('drops everything while nobody is there, and counts it', () => {
    bridge.setMembers([], 0)
    assert.deepEqual(planOf([frameOf(MY_MAC, BROADCAST), frameOf(MY_MAC, MAC_1)]), {})
    droppedOnly({ 'no-member': 2 })
  })

  it('sends every frame of any batch exactly one way, or counts it', () => {
    const mac = fc.constantFrom(MY_MAC, MAC_1, MAC_2, GUEST, BROADCAST, 0, 0x0180_c200_0003, 0x0200_0000_0077)
    fc.assert(
      fc.property(fc.array(fc.tuple(mac, mac), { maxLength: 256 }), (pairs) => {
        const before = Object.values(bridge.drops).reduce((sum, count) => sum + count, 0)
        const plan = planOf(pairs.map(([source, destination]) => frameOf(source, destination)))
        const sent = Object.values(plan).flat()
        const dropped = Object.values(bridge.drops).reduce((sum, count) => sum + count, 0) - before
        assert.equal(new Set(sent).size, sent.length)
        assert.equal(sent.length + dropped, pairs.length)
        for (const group of Object.values(plan))
          assert.deepEqual(
            group,
            group.toSorted((a, b) => a - b),
          )
      }),
    )
  })
})

describe('Bridge, frames from trunks', () => {
  it('takes what is for this host, for the group, or for nobody known', () => {
    assert.ok(receive(frameOf(MAC_1, MY_MAC), 1))
    assert.ok(receive(frameOf(MAC_1, BROADCAST), 1))
    assert.ok(receive(frameOf(MAC_1, GUEST), 1))
    droppedOnly({})
  })

  it('never hands on what is for a station behind a trunk', () => {
    assert.equal(receive(frameOf(MAC_1, MAC_2), 1), false)
    assert.equal(receive(frameOf(MAC_1, MAC_1), 1), false)
    droppedOnly({ 'split-horizon': 2 })
  })

  it("drops a source that is this node's or another member's; unpinned, the theft would work", () => {
    assert.equal(receive(frameOf(MY_MAC, BROADCAST), 1), false)
    assert.equal(receive(frameOf(MAC_2, BROADCAST), 1), false)
    droppedOnly({ 'mac-spoofed': 2 })
    assert.deepEqual(planOf([frameOf(MY_MAC, MAC_2)]), { 2: [0] })

    bridge.setMembers([memberInit(1, MAC_1), memberInit(2, null)], 0)
    assert.ok(receive(frameOf(MAC_2, BROADCAST), 1))
    bridge.tick(400)
    assert.deepEqual(planOf([frameOf(MY_MAC, MAC_2)]), { 1: [0] })
  })

  it('drops group sources and reserved destinations', () => {
    assert.equal(receive(frameOf(BROADCAST, MY_MAC), 1), false)
    assert.equal(receive(frameOf(MAC_1, 0x0180_c200_0000), 1), false)
    droppedOnly({ 'source-group': 1, 'reserved-destination': 1 })
  })

  it('bounds what one member can make it learn', () => {
    bridge = new Bridge({ mac: MY_MAC, fdb: { maxEntriesPerPort: 5 } }, 0)
    bridge.setMembers([memberInit(1, MAC_1), memberInit(2, MAC_2)], 0)
    for (let i = 0; i < 50; i++) assert.ok(receive(frameOf(0x0200_0001_0000 + i, BROADCAST), 1))
    assert.equal(bridge.fdbSize, 3 + 5)
    assert.equal(bridge.fdbStats.refusedPortFull, 45)
    assert.ok(receive(frameOf(GUEST + 1000, BROADCAST), 2))
    assert.deepEqual(planOf([frameOf(MY_MAC, GUEST + 1000)]), { 2: [0] })
  })
})

describe('Bridge, membership', () => {
  it('does not bind the address of this node or of another member to whoever announces it', () => {
    bridge.setMembers([memberInit(1, MY_MAC), memberInit(2, MAC_2), memberInit(3, MAC_2)], 0)
    assert.equal(bridge.stats.macsRefused, 2)
    assert.equal(receive(frameOf(MY_MAC, BROADCAST), 1), false)
    assert.deepEqual(planOf([frameOf(MY_MAC, MAC_2)]), { 2: [0] })
    assert.deepEqual(planOf([frameOf(MY_MAC, MY_MAC)]), {})
  })

  it('binds an address that was that of another as soon as it is free', () => {
    bridge.setMembers([memberInit(1, MAC_1), memberInit(2, MAC_2), memberInit(3, MAC_2)], 0)
    bridge.changeMembers([], [id(2)], 0)
    assert.deepEqual(planOf([frameOf(MY_MAC, MAC_2)]), { 3: [0] })
    assert.equal(receive(frameOf(MAC_2, BROADCAST), 1), false)
    assert.equal(bridge.stats.macsRefused, 1)
  })

  it('lets a member change its address, and another take the old one', () => {
    bridge.setMembers([memberInit(1, GUEST), memberInit(2, MAC_1)], 0)
    assert.deepEqual(planOf([frameOf(MY_MAC, GUEST), frameOf(MY_MAC, MAC_1)]), { 1: [0], 2: [1] })
    assert.equal(bridge.stats.macsRefused, 0)
  })

  it('shows the forwarding database with the member and the age of each entry', () => {
    receive(frameOf(GUEST, BROADCAST), 2, 1000)
    const entries = [...bridge.fdbEntries(5000, 100)].map(({ mac, member, ageMs }) => [
      mac,
      member?.id[0] ?? 0,
      ageMs,
    ])
    assert.deepEqual(entries, [
      [MY_MAC, 0, 5000],
      [MAC_1, 1, 5000],
      [MAC_2, 2, 5000],
      [GUEST, 2, 4000],
    ])
  })

  it('forgets aged stations when swept', () => {
    receive(frameOf(GUEST, BROADCAST), 2, 0)
    assert.equal(bridge.fdbSize, 4)
    bridge.sweep(300_001)
    assert.equal(bridge.fdbSize, 3)
  })
})
