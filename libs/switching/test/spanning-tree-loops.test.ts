import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom, testSeed } from '@wakunet/testing'
import { TreeNetwork } from './tree-network.ts'

const RUNS = Number(process.env.WAKUNET_RUNS ?? 60)
const shuffled = (count: number, random: () => number) => {
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  return order
}

/** A random graph that stays connected without any one node: a ring and chords, ranks in random order. */
function randomNetwork(random: () => number, loss: number, unnumbered = false): TreeNetwork {
  const network = new TreeNetwork({
    random,
    loss,
    unnumbered,
    delayMs: () => 1 + Math.floor(random() ** 3 * 400),
    afterStep: (self) => assert.ok(!self.hasLoop(), `a loop at ${self.nowMs} ms`),
  })
  const nodes = 3 + Math.floor(random() * 8)
  for (const rank of shuffled(nodes, random)) network.addNode(rank)
  const cost = () => [10, 10, 20, 300][Math.floor(random() * 4)]!
  for (let i = 0; i < nodes; i++) network.connect(i, (i + 1) % nodes, cost())
  for (let i = 0; i < nodes; i++) {
    const [a, b] = [Math.floor(random() * nodes), Math.floor(random() * nodes)]
    if (a !== b) network.connect(a, b, cost())
  }
  return network
}

/** Links go down and up, costs change, roots die, at any moment. */
function disturb(network: TreeNetwork, random: () => number): void {
  for (let i = 0; i < 12; i++) {
    network.run(network.nowMs + Math.floor(random() * 600))
    const link = Math.floor(random() * network.links.length)
    const { a, portOfA, up } = network.links[link]!
    const kind = Math.floor(random() * 4)
    if (kind === 0) network.setCost(a, portOfA, 1 + Math.floor(random() * 500))
    else if (kind === 1) network.setPriority(a, [32_768, 4_096, 61_440][Math.floor(random() * 3)]!)
    else if (up) network.down(link)
    else network.up(link)
  }
}

describe('a network of spanning trees', () => {
  it('never forwards in a loop, whatever order and delay messages have, and converges', () => {
    for (let run = 0; run < RUNS; run++) {
      const random = seededRandom(testSeed + run)
      const network = randomNetwork(random, 0)
      disturb(network, random)
      network.run(network.nowMs + 30_000)
      assert.ok(network.isConverged(), `run ${run}; replay with TEST_SEED=${testSeed}`)
    }
  })

  it('never forwards in a loop where a third of the messages is lost, and converges', () => {
    for (let run = 0; run < RUNS; run++) {
      const random = seededRandom(testSeed ^ (run + 1_000_000))
      const network = randomNetwork(random, 0.33)
      disturb(network, random)
      network.run(network.nowMs + 200_000, () => network.isConverged())
      assert.ok(network.isConverged(), `run ${run}; replay with TEST_SEED=${testSeed}`)
    }
  })

  it('does forward in a loop once any old agreement counts, which is what the numbers are for', () => {
    assert.throws(() => {
      for (let run = 0; run < 2_000; run++) {
        const random = seededRandom(testSeed + run)
        const network = randomNetwork(random, 0, true)
        disturb(network, random)
      }
    }, /a loop at/)
  })
})
