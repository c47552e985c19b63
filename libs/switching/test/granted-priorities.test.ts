import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '@wakunet/testing'
import {
  bridgeIdOf,
  DEFAULT_BRIDGE_PRIORITY,
  GrantedPriorities,
  GuardChain,
  type SpanningTreeInit,
} from '../src/index.ts'
import { nodeId, TreeNetwork } from './tree-network.ts'

const hex = (id: Uint8Array): string => Buffer.from(id).toString('hex')
const granted = (rank: number, priority: number) => ({ nodeId: hex(nodeId(rank)), priority })

/** A ring of six in which all have the same record, or believe everything. */
function ringWith(isGranted: NonNullable<SpanningTreeInit['isGranted']>): TreeNetwork {
  const network = new TreeNetwork({ random: seededRandom(1), delayMs: () => 20, tree: { isGranted } })
  for (let i = 0; i < 6; i++) network.addNode()
  for (let i = 0; i < 6; i++) network.connect(i, (i + 1) % 6)
  network.run(2_000)
  return network
}

const rootsOf = (network: TreeNetwork): Set<string> => new Set(network.trees.map(({ rootId }) => hex(rootId)))
const bridge = (priority: number, rank: number): string => hex(bridgeIdOf(priority, nodeId(rank)))

describe('priorities that the owner of a VLAN granted', () => {
  it('are what the record says, to the node and the digit', () => {
    const priorities = new GrantedPriorities([granted(1, 4_096), granted(2, 61_440), granted(3, 0)])
    assert.deepEqual(
      [0, 1, 2, 3].map((rank) => priorities.of(nodeId(rank))),
      [DEFAULT_BRIDGE_PRIORITY, 4_096, 61_440, 0],
    )
    assert.equal(priorities.isGranted(4_096, nodeId(1)), true)
    for (const [priority, rank] of [
      [4_096, 0],
      [4_096, 2],
      [4_095, 1],
      [0, 1],
    ] as const) {
      assert.equal(priorities.isGranted(priority, nodeId(rank)), false, `${priority} of ${rank}`)
    }
    assert.equal(new GrantedPriorities().of(nodeId(1)), DEFAULT_BRIDGE_PRIORITY)
  })

  it('make the root, and follow a newer record', () => {
    const priorities = new GrantedPriorities([granted(4, 4_096)])
    const network = ringWith(priorities.treeInit(nodeId(0)).isGranted)
    const follow = (): void => {
      for (let rank = 0; rank < 6; rank++) network.setPriority(rank, priorities.of(nodeId(rank)))
    }
    follow()
    network.run(7_000)
    assert.deepEqual(rootsOf(network), new Set([bridge(4_096, 4)]))
    priorities.set([granted(2, 8_192)])
    follow()
    network.run(30_000)
    assert.ok(network.isConverged())
    assert.deepEqual(rootsOf(network), new Set([bridge(8_192, 2)]))
    priorities.set()
    follow()
    network.run(60_000)
    assert.deepEqual(rootsOf(network), new Set([bridge(DEFAULT_BRIDGE_PRIORITY, 0)]))
  })

  it('keep a node that takes one for itself from being the root of anybody else', () => {
    const priorities = new GrantedPriorities([granted(4, 4_096)])
    const network = ringWith((priority, id) => priorities.isGranted(priority, id))
    network.setPriority(3, 0)
    network.run(10_000)
    const others = network.trees.filter((_, rank) => rank !== 3).map(({ rootId }) => hex(rootId))
    assert.deepEqual(new Set(others), new Set([bridge(DEFAULT_BRIDGE_PRIORITY, 0)]))
    assert.ok(network.trees[2]!.stats.bpdusNotGranted > 0)
  })

  it('control: where every priority is believed, that node is the root', () => {
    const network = ringWith(() => true)
    network.setPriority(3, 0)
    network.run(10_000)
    assert.deepEqual(rootsOf(network), new Set([bridge(0, 3)]))
  })
})

describe('the tag policy of a record', () => {
  it('is one of the guards, absent: no tags', () => {
    const chain = (tags?: ConstructorParameters<typeof GuardChain>[0]['tagPolicy']) =>
      new GuardChain({ hashSeed: 1, ...(tags === undefined ? {} : { tagPolicy: tags }) }, 0)
    assert.deepEqual(chain().tag.policy, { mode: 'none' })
    const tags = { mode: 'filter', vids: [10, 20] } as const
    assert.deepEqual(chain(tags).tag.policy, tags)
  })
})
