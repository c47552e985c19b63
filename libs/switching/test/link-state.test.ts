import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom, testSeed } from '@wakunet/testing'
import {
  encodeAdvertisement,
  encodeDigests,
  encodeRequest,
  encodeSummary,
  flowOf,
  LinkState,
  MAX_OUTBOX_MESSAGES,
  MAX_SUMMARY_ENTRIES,
} from '../src/index.ts'
import { LinkNetwork, spreadId } from './link-network.ts'

const RUNS = Number(process.env.WAKUNET_RUNS ?? 20)

function randomNetwork(random: () => number, nodes: number, loss = 0): LinkNetwork {
  const network = new LinkNetwork({ random, loss })
  for (let i = 0; i < nodes; i++) network.addNode()
  for (let i = 0; i < nodes; i++) network.connect(i, (i + 1) % nodes, 1 + Math.floor(random() * 4))
  for (let i = 0; i < 2 * nodes; i++) {
    const [a, b] = [Math.floor(random() * nodes), Math.floor(random() * nodes)]
    if (a !== b) network.connect(a, b, 1 + Math.floor(random() * 4))
  }
  return network
}

/** Every node knows every distance, and following next hops gets there at that cost. */
function assertShortest(network: LinkNetwork, context: string): void {
  for (let from = 0; from < network.states.length; from++)
    for (let to = 0; to < network.states.length; to++) {
      if (from === to || !network.alive[from]) continue
      const expected = network.oracleDistance(from, to)
      const distance = network.states[from]!.distanceTo(spreadId(to), 0, network.nowMs)
      assert.equal(distance, expected, `${from} to ${to}, ${context}`)
      const way = network.walk(from, to, from * 31 + to)
      assert.equal(way === null, expected === null, `${from} to ${to}, ${context}`)
      if (way !== null) assert.equal(costOf(network, way), expected, `${way}, ${context}`)
    }
}

/** The same within ten seconds: where much is lost, a neighbour may be missed for a moment at any time. */
function assertSoonShortest(network: LinkNetwork, context: string): void {
  const untilMs = network.nowMs + 10_000
  for (;;) {
    try {
      assertShortest(network, context)
      return
    } catch (error) {
      if (network.nowMs >= untilMs) throw error
      network.run(network.nowMs + 500)
    }
  }
}

function costOf(network: LinkNetwork, way: readonly number[]): number {
  let cost = 0
  for (let i = 1; i < way.length; i++) {
    const ends = [way[i - 1], way[i]]
    cost += network.links.find(({ a, b, up }) => up && ends.includes(a) && ends.includes(b))!.cost
  }
  return cost
}

describe('link state', () => {
  it('finds the shortest ways of any graph, after any changes, as the simple way does', () => {
    for (let run = 0; run < RUNS; run++) {
      const random = seededRandom(testSeed + run)
      const network = randomNetwork(random, 4 + Math.floor(random() * 8))
      for (let change = 0; change < 6; change++) {
        network.run(network.nowMs + 2_500)
        assertShortest(network, `run ${run}, change ${change}; TEST_SEED=${testSeed}`)
        const link = Math.floor(random() * network.links.length)
        if (network.links[link]!.up) network.down(link)
        else network.up(link)
      }
    }
  })

  it('finds them in spite of losing a fifth of what is sent', () => {
    for (let run = 0; run < RUNS / 2; run++) {
      const random = seededRandom(testSeed - run)
      const network = randomNetwork(random, 8, 0.2)
      network.run(3_000)
      for (let i = 0; i < 4; i++) network.down(Math.floor(random() * network.links.length))
      network.run(network.nowMs + 100_000)
      assertSoonShortest(network, `run ${run}; TEST_SEED=${testSeed}`)
    }
  })

  it('forgets who cannot be reached after a minute, and nobody brings them back', () => {
    const network = randomNetwork(seededRandom(3), 8)
    network.run(5_000)
    network.kill(7)
    network.run(10_000)
    assert.equal(network.states[0]!.database.size, 8)
    assert.equal([...network.states[0]!.reachable(network.nowMs)].length, 6)
    network.run(100_000)
    for (const state of network.states.slice(0, 7)) assert.equal(state.database.size, 7)
    network.run(400_000)
    for (const state of network.states.slice(0, 7)) assert.equal(state.database.size, 7)
  })

  it('makes both parts of a divided network know all again', () => {
    const network = new LinkNetwork({ random: seededRandom(1) })
    for (let i = 0; i < 12; i++) network.addNode()
    for (let i = 0; i < 6; i++) network.connect(i, (i + 1) % 6)
    for (let i = 0; i < 6; i++) network.connect(6 + i, 6 + ((i + 1) % 6))
    network.connect(2, 8)
    const bridge = network.links.length - 1
    network.run(5_000)
    network.down(bridge)
    network.run(200_000)
    assert.equal(network.states[0]!.database.size, 6)
    network.up(bridge)
    network.run(network.nowMs + 2_000)
    assertShortest(network, 'healed')
  })

  it('believes a node that has started anew, even where its clock went back', () => {
    for (const firstSequence of [50_000, 10]) {
      const network = randomNetwork(seededRandom(9), 6)
      network.run(5_000)
      network.kill(2)
      network.run(6_000)
      network.restart(2, firstSequence)
      network.run(15_000)
      assertShortest(network, `from ${firstSequence}`)
      const origin = network.states[0]!.database.find(spreadId(2), 0)!
      assert.equal(origin.bootNonce[0], 2)
    }
  })

  it('sends next to nothing while nothing happens, and no more with more members', () => {
    const perNode = [6, 24].map((nodes) => {
      const network = randomNetwork(seededRandom(4), nodes)
      network.run(60_000)
      const before = network.bits
      network.run(660_000)
      return (network.bits - before) / 600 / nodes
    })
    for (const bitsPerSecond of perNode) assert.ok(bitsPerSecond < 15, `${perNode}`)
  })

  it('takes one of several equal ways, the same for the same pair, and all of them for many', () => {
    const network = new LinkNetwork({ random: seededRandom(1) })
    for (let i = 0; i < 42; i++) network.addNode()
    for (let i = 1; i <= 40; i++) {
      network.connect(0, i)
      network.connect(i, 41)
    }
    network.run(3_000)
    const used = new Set<number>()
    for (let i = 0; i < 1_000; i++) {
      const flow = flowOf(spreadId(i), 0, spreadId(41), 0)
      const way = network.walk(0, 41, flow)!
      assert.deepEqual(network.walk(0, 41, flow), way)
      assert.equal(way.length, 3)
      used.add(way[1]!)
    }
    assert.equal(used.size, 40)
  })

  it('does not count a trunk that one end alone advertises', () => {
    const { state, hear } = lone()
    hear(encodeAdvertisement(spreadId(1), NONCE, 5, [{ id: spreadId(2), cost: 1 }]))
    assert.equal(state.distanceTo(spreadId(1), 0, 0), null)
    hear(encodeAdvertisement(spreadId(1), NONCE, 6, sorted([spreadId(0), spreadId(2)])))
    assert.equal(state.distanceTo(spreadId(1), 0, 0), 10)
    hear(encodeAdvertisement(spreadId(2), NONCE, 5, []))
    assert.equal(state.distanceTo(spreadId(2), 0, 0), null)
    hear(encodeAdvertisement(spreadId(2), NONCE, 6, [{ id: spreadId(1), cost: 500 }]))
    assert.equal(state.distanceTo(spreadId(2), 0, 0), 510)
  })
})

const NONCE = new Uint8Array(8).fill(9)
const sorted = (ids: Uint8Array[]) => ids.sort((a, b) => Buffer.compare(a, b)).map((id) => ({ id, cost: 1 }))

/** One node with one neighbour, node 1, and what it sends there. */
function lone(maxOrigins = 100) {
  const sent: Uint8Array[] = []
  const state = new LinkState(
    {
      nodeId: spreadId(0),
      bootNonce: NONCE,
      firstSequence: 1_000,
      maxOrigins,
      send: (_, messages) => sent.push(...messages),
    },
    0,
  )
  const neighbour = state.addNeighbour(spreadId(1), 10, 0)!
  const hear = (message: Uint8Array, nowMs = 0) => {
    state.receive(neighbour, message, 0, message.length, nowMs)
    neighbour.flushMs = 0
    state.flush(nowMs)
  }
  return { state, neighbour, hear, sent }
}

describe('limits of link state', () => {
  it('an origin is heard 8 times at once and once a second', () => {
    const { state, hear } = lone()
    for (let i = 1; i <= 100; i++) hear(encodeAdvertisement(spreadId(5), NONCE, i, []))
    assert.equal(state.stats.rateLimited, 100 - 9)
    hear(encodeAdvertisement(spreadId(5), NONCE, 200, []), 1_000)
    assert.equal(state.stats.rateLimited, 100 - 9)
  })

  it('a node advertises 4 times at once and once a second, whatever flaps', () => {
    const { state, neighbour } = lone()
    for (let nowMs = 0; nowMs <= 10_000; nowMs += 10) {
      state.setCost(neighbour, 1 + (nowMs % 1_000), nowMs)
      state.tick(nowMs)
    }
    assert.ok(state.stats.advertised <= 1 + 4 + 10, `${state.stats.advertised}`)
  })

  it('a full table refuses new origins while all can be reached, or gives up one that cannot', () => {
    const { state, hear } = lone(3)
    hear(encodeAdvertisement(spreadId(1), NONCE, 1, sorted([spreadId(0), spreadId(2)])))
    hear(encodeAdvertisement(spreadId(2), NONCE, 1, sorted([spreadId(1)])))
    assert.equal(state.distanceTo(spreadId(2), 0, 0), 11)
    hear(encodeAdvertisement(spreadId(3), NONCE, 1, []))
    assert.equal(state.stats.refusedFull, 1)
    hear(encodeAdvertisement(spreadId(1), NONCE, 2, sorted([spreadId(0)])))
    assert.equal(state.distanceTo(spreadId(2), 0, 0), null)
    hear(encodeAdvertisement(spreadId(3), NONCE, 1, []))
    assert.equal(state.database.find(spreadId(2), 0), null)
    assert.ok(state.database.find(spreadId(3), 0))
    for (let i = 4; i < 200; i++) hear(encodeAdvertisement(spreadId(i), NONCE, 1, []))
    assert.equal(state.database.size, 3)
  })

  it('a node has at most 64 neighbours', () => {
    const { state } = lone()
    for (let i = 2; i < 100; i++) state.addNeighbour(spreadId(i), 10, 0)
    assert.equal(state.neighbours.length, 64)
    assert.equal(state.stats.neighboursRefused, 35)
  })

  it('an outbox that nobody empties is bounded', () => {
    const { neighbour } = lone()
    for (let i = 0; i < MAX_OUTBOX_MESSAGES + 10; i++) neighbour.post(NONCE)
    assert.equal(neighbour.outbox.length, MAX_OUTBOX_MESSAGES)
    assert.equal(neighbour.dropped, 10)
  })

  it('a neighbour that asks all the time is answered at its rate', () => {
    const { state, hear, sent } = lone()
    const request = encodeRequest(Array.from({ length: MAX_SUMMARY_ENTRIES }, () => spreadId(0)))
    for (let i = 0; i < 100; i++) hear(request)
    assert.equal(sent.length, 1_024)
    for (let i = 0; i < 100; i++) hear(encodeDigests('digest', Uint32Array.of(i, 1)))
    assert.equal(sent.length, 1_024 + 4)
    assert.ok(state.stats.syncRateLimited > 100)
  })

  it('malformed messages are counted and change nothing', () => {
    const { state, hear, sent } = lone()
    const advertisement = encodeAdvertisement(spreadId(5), NONCE, 1, [])
    hear(advertisement.subarray(0, 30))
    hear(encodeDigests('digest', Uint32Array.of(1, 2)).subarray(0, 11))
    hear(encodeRequest([spreadId(1)]).subarray(0, 8))
    hear(encodeSummary(spreadId(1), spreadId(1), []).subarray(0, 30))
    hear(Uint8Array.of(2, 1, 9, 0))
    assert.equal(state.stats.malformed, 5)
    assert.equal(state.database.size, 1)
    assert.equal(sent.length, 0)
  })

  it('a node that hears of an own advertisement which it never made makes a newer one', () => {
    const { state, hear } = lone()
    hear(encodeAdvertisement(spreadId(0), NONCE, 7_000, []))
    state.tick(100)
    assert.equal(state.database.find(spreadId(0), 0)?.sequence, 7_001)
    hear(encodeAdvertisement(spreadId(0), NONCE, Number.MAX_SAFE_INTEGER, []))
    state.tick(5_000)
    state.tick(10_000)
    assert.ok(state.database.find(spreadId(0), 0)!.sequence <= Number.MAX_SAFE_INTEGER)
  })

  it('a bucket of more origins than a summary holds is compared in parts', () => {
    const [one, two] = [lone(1_000), lone(1_000)]
    const ids = Array.from({ length: 300 }, (_, i) => {
      const id = new Uint8Array(16).fill(1)
      id[1] = i >> 8
      id[2] = i & 0xff
      return id
    })
    const star = { id: spreadId(1), neighbours: ids.slice(0, 63) }
    for (const { hear } of [one, two])
      hear(encodeAdvertisement(star.id, NONCE, 1, sorted([spreadId(0), ...star.neighbours])))
    // A chain behind the neighbour, so that all 300 are reached; `two` lacks every third.
    for (const [i, id] of ids.entries()) {
      const around =
        i < 63
          ? [star.id, ...(ids[i + 63] ? [ids[i + 63]!] : [])]
          : [ids[i - 63]!, ...(ids[i + 63] ? [ids[i + 63]!] : [])]
      const advertisement = encodeAdvertisement(id, NONCE, 1, sorted(around))
      one.hear(advertisement)
      if (i % 3 !== 0) two.hear(advertisement)
    }
    two.sent.length = 0
    // `one` gets an empty digest's buckets, and says all that it has.
    one.hear(encodeDigests('buckets', new Uint32Array(128)))
    assert.ok(one.sent.length >= 3)
    for (const summary of one.sent) two.hear(summary)
    const requested = two.sent.reduce((sum, message) => sum + (message[2] === 5 ? message[3]! : 0), 0)
    assert.ok(requested >= 100, `${requested}`)
    assert.ok(two.sent.every((message) => message[2] === 5))
  })
})
