import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '@wakunet/testing'
import {
  bridgeIdOf,
  type ControlBpdu,
  DEFAULT_BRIDGE_PRIORITY,
  pathCostOfRtt,
  SpanningTree,
  type TreeAction,
  type TreePortInit,
} from '../src/index.ts'
import { nodeId, TreeNetwork } from './tree-network.ts'

const ONE_WAY_MS = 20
const newNetwork = (nodes: number) => {
  const network = new TreeNetwork({ random: seededRandom(1), delayMs: () => ONE_WAY_MS })
  for (let i = 0; i < nodes; i++) network.addNode()
  return network
}

const SHAPES: Readonly<Record<string, (nodes: number) => TreeNetwork>> = {
  line: (nodes) => {
    const network = newNetwork(nodes)
    for (let i = 1; i < nodes; i++) network.connect(i - 1, i)
    return network
  },
  ring: (nodes) => {
    const network = newNetwork(nodes)
    for (let i = 0; i < nodes; i++) network.connect(i, (i + 1) % nodes)
    return network
  },
  mesh: (nodes) => {
    const network = newNetwork(nodes)
    for (let i = 0; i < nodes; i++) for (let j = 0; j < i; j++) network.connect(i, j)
    return network
  },
  random: (nodes) => {
    const random = seededRandom(nodes)
    const network = newNetwork(nodes)
    for (let i = 1; i < nodes; i++)
      for (let k = 0; k < 3; k++) network.connect(i, Math.floor(random() * i), 10 + Math.floor(random() * 90))
    return network
  },
}

/** Milliseconds until the tree spans what is connected; fails after ten seconds. */
function healingMs(network: TreeNetwork): number {
  const startMs = network.nowMs
  const healedMs = network.run(startMs + 10_000, () => network.isConverged())
  assert.ok(network.isConverged(), 'does not heal')
  return healedMs - startMs
}

describe('a spanning tree', () => {
  for (const [shape, make] of Object.entries(SHAPES)) {
    it(`spans a ${shape} of 12 in less than a second, with the best bridge as its root`, () => {
      const network = make(12)
      assert.ok(healingMs(network) < 1_000)
      network.run(network.nowMs + 2_000)
      for (const tree of network.trees) assert.deepEqual(tree.rootId, network.trees[0]!.bridgeId)
    })

    it(`heals in a ${shape} whatever link or node fails, in less than a second`, () => {
      const links = make(12).links.length
      for (let failure = 0; failure < links + 12; failure++) {
        const network = make(12)
        network.run(5_000)
        if (failure < links) network.down(failure)
        else network.kill(failure - links)
        const tookMs = healingMs(network)
        assert.ok(tookMs < 1_000, `${shape}, failure ${failure}: ${tookMs} ms`)
      }
    })
  }

  it('comes together again after a partition', () => {
    const network = newNetwork(10)
    for (let i = 0; i < 5; i++) network.connect(i, (i + 1) % 5)
    for (let i = 0; i < 5; i++) network.connect(5 + i, 5 + ((i + 1) % 5))
    const bridges = [network.connect(1, 7), network.connect(3, 9)]
    network.run(3_000)
    for (const link of bridges) network.down(link)
    healingMs(network)
    network.run(network.nowMs + 20_000)
    assert.deepEqual(network.trees[9]!.rootId, network.trees[5]!.bridgeId)
    for (const link of bridges) network.up(link)
    assert.ok(healingMs(network) < 1_000)
    network.run(network.nowMs + 1_000)
    assert.deepEqual(network.trees[9]!.rootId, network.trees[0]!.bridgeId)
  })

  it('is quiet when nothing happens: a BPDU a minute and link, and one of each root port', () => {
    const network = SHAPES.mesh!(8)
    network.run(300_000)
    const before = network.sent
    network.run(network.nowMs + 600_000)
    const perLinkAndMinute = (network.sent - before) / network.links.length / 10
    assert.ok(perLinkAndMinute <= 1.1 + 7 / 28, `${perLinkAndMinute}`)
    assert.ok(network.isConverged())
  })

  it('takes the cheaper way', () => {
    const network = newNetwork(3)
    network.connect(0, 1, 10)
    network.connect(1, 2, 10)
    const direct = network.connect(0, 2, 500)
    network.run(2_000)
    assert.equal(network.trees[2]!.rootPathCost, 20)
    network.setCost(2, network.links[direct]!.portOfB, 15)
    network.run(4_000)
    assert.equal(network.trees[2]!.rootPathCost, 15)
    assert.ok(network.isConverged())
  })

  it('follows the priority that the owner granted', () => {
    const network = SHAPES.ring!(6)
    network.run(2_000)
    network.setPriority(4, 4_096)
    network.run(5_000)
    assert.ok(network.isConverged())
    for (const tree of network.trees) assert.deepEqual(tree.rootId, bridgeIdOf(4_096, nodeId(4)))
  })

  it('lets every line of up to 40 bridges stand, and no information live longer', () => {
    const network = SHAPES.line!(41)
    network.run(20_000)
    assert.ok(network.isConverged())
    assert.deepEqual(network.trees[40]!.rootId, network.trees[0]!.bridgeId)
    const longer = SHAPES.line!(44)
    longer.run(20_000)
    assert.notDeepEqual(longer.trees[43]!.rootId, longer.trees[0]!.bridgeId)
  })
})

const newTree = (init: Partial<ConstructorParameters<typeof SpanningTree>[0]> = {}) =>
  new SpanningTree({ nodeId: nodeId(100), firstNumber: 0, ...init })

const claim = (rank: number, fields: Partial<ControlBpdu> = {}): ControlBpdu => ({
  role: 'designated',
  topologyChange: false,
  proposal: true,
  learning: false,
  forwarding: false,
  messageAge: 0,
  maxAge: 20,
  helloMs: 1_000,
  rootPathCost: 0,
  rootId: bridgeIdOf(DEFAULT_BRIDGE_PRIORITY, nodeId(rank)),
  bridgeId: bridgeIdOf(DEFAULT_BRIDGE_PRIORITY, nodeId(rank)),
  portId: 1,
  number: 7,
  agreedNumber: 0,
  ...fields,
})
const trunkTo = (rank: number): TreePortInit => ({ kind: 'trunk', cost: 10, neighbour: nodeId(rank) })
const sent = (actions: readonly TreeAction[]) =>
  actions.flatMap((action) => (action.kind === 'send' ? [action.bpdu] : []))

describe('a port', () => {
  it('agrees to a better proposal at once and forwards; a worse one gets the better claim', () => {
    const tree = newTree()
    tree.addPort(1, trunkTo(1), 0)
    const [agreement] = sent(tree.receive(1, claim(1), 0))
    assert.deepEqual([agreement?.role, agreement?.agreedNumber], ['root', 7])
    assert.equal(tree.port(1)?.state, 'forwarding')

    const best = newTree({ nodeId: nodeId(0) })
    best.addPort(1, trunkTo(1), 0)
    const [answer] = sent(best.receive(1, claim(1), 0))
    assert.deepEqual([answer?.role, answer?.proposal], ['designated', true])
    assert.equal(best.port(1)?.state, 'discarding')
  })

  it('forwards as designated only with an agreement to its own number', () => {
    const tree = newTree({ nodeId: nodeId(0) })
    const [proposal] = sent(tree.addPort(1, trunkTo(1), 0))
    const agreement = claim(1, { role: 'root', proposal: false })
    tree.receive(1, { ...agreement, agreedNumber: proposal!.number + 1 }, 0)
    assert.equal(tree.isForwarding(1), false)
    tree.receive(1, { ...agreement, agreedNumber: proposal!.number }, 0)
    assert.equal(tree.isForwarding(1), true)
  })

  it('ignores what is older than what it has heard', () => {
    const tree = newTree()
    tree.addPort(1, trunkTo(1), 0)
    tree.receive(1, claim(1, { number: 9 }), 0)
    tree.receive(1, claim(1, { number: 8, rootPathCost: 500 }), 0)
    assert.equal(tree.rootPathCost, 10)
    assert.equal(tree.stats.bpdusStale, 1)
    tree.receive(1, claim(1, { number: 10, rootPathCost: 500 }), 0)
    assert.equal(tree.rootPathCost, 510)
  })

  it('forgets what it has heard after three hello times', () => {
    const tree = newTree()
    tree.addPort(1, trunkTo(1), 0)
    tree.receive(1, claim(1), 0)
    assert.ok(tree.nextTickMs() <= 3_000)
    tree.tick(2_999)
    assert.equal(tree.rootPort, 1)
    tree.tick(3_000)
    assert.equal(tree.rootPort, null)
    assert.equal(tree.isForwarding(1), false)
  })

  it('refuses a BPDU of another node than the neighbour, and priorities that nobody granted', () => {
    const tree = newTree()
    tree.addPort(1, trunkTo(1), 0)
    tree.receive(1, claim(2), 0)
    assert.equal(tree.stats.bpdusForeign, 1)
    tree.receive(1, claim(1, { rootId: bridgeIdOf(0, nodeId(1)) }), 0)
    assert.equal(tree.stats.bpdusNotGranted, 1)
    assert.equal(tree.rootPort, null)

    const trusting = newTree({ isGranted: () => true })
    trusting.addPort(1, trunkTo(1), 0)
    trusting.receive(1, claim(1, { rootId: bridgeIdOf(0, nodeId(1)) }), 0)
    assert.equal(trusting.rootPort, 1)
  })

  it('with root guard never leads to the root; without it does', () => {
    const tree = newTree()
    tree.addPort(1, { ...trunkTo(1), rootGuard: true }, 0)
    tree.receive(1, claim(1), 0)
    assert.equal(tree.port(1)?.role, 'alternate')
    assert.equal(tree.isForwarding(1), false)
    assert.equal(tree.rootPort, null)
    assert.equal(tree.stats.rootGuarded, 1)
    tree.setRootGuard(1, false, 1)
    assert.equal(tree.rootPort, 1)
  })

  it('sends 32 at once and 16 a second, the newest, however often things change', () => {
    const tree = newTree({ nodeId: nodeId(0) })
    tree.addPort(1, trunkTo(1), 0)
    tree.addPort(2, trunkTo(2), 0)
    const bpdus: ControlBpdu[] = []
    for (let i = 0; i < 100; i++)
      for (const action of tree.setPriority(i % 2 === 0 ? 1 : 2, 0))
        if (action.kind === 'send' && action.port === 1) bpdus.push(action.bpdu)
    assert.equal(bpdus.length, 31)
    const later = sent(tree.tick(1_000))
    assert.ok(later.every((bpdu) => bpdu.rootId[1] === 2))
  })

  it('reads 64 BPDUs at once and 32 a second; the rest of a flood costs nothing', () => {
    const tree = newTree()
    tree.addPort(1, trunkTo(1), 0)
    for (let i = 0; i < 1_000; i++) tree.receive(1, claim(1, { number: 7 + i }), 0)
    assert.equal(tree.stats.bpdusFlooded, 1_000 - 64)
    tree.receive(1, claim(1, { number: 2_000 }), 1_000)
    assert.equal(tree.stats.bpdusFlooded, 1_000 - 64)
  })

  it('is forgotten with its neighbour, and counts what still comes', () => {
    const tree = newTree()
    tree.addPort(1, trunkTo(1), 0)
    tree.receive(1, claim(1), 0)
    tree.removePort(1, 0)
    assert.equal(tree.rootPort, null)
    assert.equal(tree.portCount, 0)
    tree.receive(1, claim(1), 0)
    assert.equal(tree.stats.bpdusNoPort, 1)
  })
})

describe('a port of a LAN', () => {
  const lan = (fields: Partial<TreePortInit> = {}): TreePortInit => ({ kind: 'lan', cost: 10, ...fields })

  it('forwards at once while only hosts are there, and stops at the first BPDU', () => {
    const tree = newTree()
    tree.addPort(1, lan({ edge: true }), 0)
    assert.equal(tree.isForwarding(1), true)
    tree.receive(1, claim(200), 0)
    assert.equal(tree.port(1)?.edge, false)
    tree.receive(1, claim(1), 1)
    assert.deepEqual([tree.port(1)?.role, tree.port(1)?.state], ['root', 'forwarding'])
  })

  it('becomes an edge port after three seconds of silence, or forwards by the forward delay', () => {
    const quiet = newTree()
    quiet.addPort(1, lan(), 0)
    assert.equal(quiet.isForwarding(1), false)
    quiet.tick(3_000)
    assert.deepEqual([quiet.port(1)?.edge, quiet.isForwarding(1)], [true, true])

    const slow = newTree({ nodeId: nodeId(0) })
    slow.addPort(1, lan({ autoEdge: false }), 0)
    const states = [14_999, 15_000, 29_999, 30_000].map((nowMs) => {
      slow.tick(nowMs)
      return slow.port(1)?.state
    })
    assert.deepEqual(states, ['discarding', 'learning', 'learning', 'forwarding'])
  })

  it('has one designated bridge: the second member on the same LAN does not forward', () => {
    const [one, two] = [newTree({ nodeId: nodeId(1) }), newTree({ nodeId: nodeId(2) })]
    one.addPort(1, lan(), 0)
    two.addPort(1, lan(), 0)
    for (let nowMs = 0; nowMs <= 40_000; nowMs += 500) {
      const said = [...sent(one.tick(nowMs)), ...sent(two.tick(nowMs))]
      for (const bpdu of said)
        for (const tree of [one, two]) if (tree.bridgeId !== bpdu.bridgeId) tree.receive(1, bpdu, nowMs)
      assert.ok(!(one.isForwarding(1) && two.isForwarding(1) && two.port(1)?.role === 'designated'))
    }
    assert.equal(one.isForwarding(1), true)
    assert.equal(two.port(1)?.role, 'root')
  })

  it('with BPDU guard is switched off by a BPDU; without it is not', () => {
    const tree = newTree()
    tree.addPort(1, lan({ edge: true, bpduGuard: true }), 0)
    tree.receive(1, claim(1), 0)
    assert.deepEqual([tree.port(1)?.role, tree.port(1)?.state], ['disabled', 'discarding'])
    assert.equal(tree.rootPort, null)
    assert.equal(tree.nextTickMs(), Number.POSITIVE_INFINITY)
    tree.receive(1, claim(1), 1)
    assert.equal(tree.stats.bpduGuarded, 1)
    tree.addPort(1, lan(), 2)
    tree.receive(1, claim(1), 2)
    assert.equal(tree.rootPort, 1)
  })
})

describe('a topology change', () => {
  it('reaches every node once a second at the most, and flushes all ports but the one it came from', () => {
    const network = SHAPES.line!(4)
    network.run(10_000)
    network.flushes.length = 0
    network.connect(0, network.addNode(), 10)
    network.run(network.nowMs + 5_000)
    for (let node = 0; node < 4; node++) {
      const flushes = network.flushes.filter((flush) => flush.node === node)
      assert.ok(flushes.length >= 1 && flushes.length <= 4, `node ${node}: ${flushes.length}`)
    }
  })

  it('is none in a VLAN when a trunk begins to forward, only when a LAN does', () => {
    const tree = newTree({ trunkTopologyChanges: false })
    tree.addPort(1, trunkTo(1), 0)
    const actions = tree.receive(1, claim(1), 0)
    assert.ok(actions.every(({ kind }) => kind !== 'flush'))
    tree.addPort(2, { kind: 'lan', autoEdge: false }, 0)
    tree.tick(15_000)
    tree.receive(1, claim(1), 15_000)
    const onLan = tree.tick(30_000)
    assert.deepEqual(
      onLan.filter(({ kind }) => kind === 'flush'),
      [{ kind: 'flush', exceptPort: 2 }],
    )
  })

  it('is heard once a second from one neighbour, so that a flood of them flushes no more', () => {
    const tree = newTree()
    tree.addPort(1, trunkTo(1), 0)
    tree.receive(1, claim(1), 0)
    let flushes = 0
    for (let nowMs = 0; nowMs < 10_000; nowMs += 40)
      for (const action of tree.receive(1, claim(1, { topologyChange: true }), nowMs))
        if (action.kind === 'flush') flushes++
    assert.equal(flushes, 10)
  })
})

describe('pathCostOfRtt', () => {
  it('grows with the round trip in wide steps', () => {
    const costs = [0.3, 2, 5, 20, 50, 100, 300, 1_000].map(pathCostOfRtt)
    assert.deepEqual(costs, [10, 20, 50, 120, 300, 700, 2_000, 6_000])
  })
})
