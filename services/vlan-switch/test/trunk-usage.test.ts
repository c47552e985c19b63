import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { PayloadOf } from '@wakunet/bus'
import { converge, frame, joinedNodes, settle, type TestNode, vlan } from './support.ts'

let nodes: TestNode[] = []

afterEach(async () => {
  for (const one of nodes) await one.stop()
})

describe('what trunks are used for', () => {
  it('is told to trunk-peer: the edges of the tree at once, traffic within seconds', async () => {
    nodes = await joinedNodes(3, vlan('lan'))
    const [a, b] = nodes as [TestNode, TestNode, TestNode]
    const told: PayloadOf<'switch.trunks.used'>[] = []
    b.trunkPeer.bus.subscribe('switch.trunks.used', (payload) => void told.push(payload))
    // The tree of three nodes has two edges: node 1 is its root.
    await converge(nodes, 12_000)
    const quiet = told.at(-1)!
    assert.equal(quiet.lane, 'vlan-switch')
    assert.deepEqual(
      quiet.trunks.map(({ nodeId, tree }) => [nodeId, tree]),
      [[a.trunkPeer.nodeId, true]],
    )
    for (let i = 0; i < 20; i++) b.tap.inject([frame(b.mac, nodes[2]!.mac, 'busy', 1_000)])
    b.clock.advance(2_000)
    await settle()
    const busy = told.at(-1)!.trunks.find(({ nodeId }) => nodeId === nodes[2]!.trunkPeer.nodeId)
    assert.equal(busy?.tree, false)
    assert.ok(busy!.bytesPerSecond > 1_000)
  })
})
