import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeGossipRequest, gossipKind } from '@wakunet/gossip'
import { MemberList } from '@wakunet/testing'
import fc from 'fast-check'
import { CONTROL_MULTICAST_REPORT } from '../src/control/message.ts'
import {
  decodeMulticastReport,
  encodeMulticastReport,
  type MulticastReport,
  type ReportedGroup,
} from '../src/control/multicast-report.ts'
import { REPORT_DIGEST_MS, ReportExchange } from '../src/multicast/report-exchange.ts'

interface Node {
  readonly id: Uint8Array
}

const idOf = (n: number) => new Uint8Array(16).fill(n + 1)
const groupOf = (n: number): ReportedGroup => ({
  address: Uint8Array.of(239, 0, n >>> 8, n),
  exclude: true,
  sources: [],
})

/** Switches on a graph of trunks that lose messages; time moves in steps of 10 ms, and a message takes one. */
class Network {
  readonly nodes: Node[]
  readonly exchanges: ReportExchange<Node>[] = []
  readonly known: Map<Node, MulticastReport>[] = []
  sent = 0
  nowMs = 0
  #queue: { from: number; to: Node; message: Uint8Array }[] = []
  #loss: () => boolean

  constructor(size: number, loss: () => boolean = () => false, firstSequence = 1_000) {
    this.nodes = Array.from({ length: size }, (_, i) => ({ id: idOf(i) }))
    this.#loss = loss
    for (let i = 0; i < size; i++) {
      this.known.push(new Map())
      this.exchanges.push(this.newExchange(i, firstSequence))
    }
  }

  newExchange(i: number, firstSequence: number): ReportExchange<Node> {
    const send = (to: Node, message: Uint8Array) => {
      this.sent++
      if (!this.#loss()) this.#queue.push({ from: i, to, message })
    }
    const onReport = (member: Node, report: MulticastReport) => this.known[i]!.set(member, report)
    const init = { nodeId: idOf(i), firstSequence, send, onReport }
    const exchange = new ReportExchange<Node>(init, this.nowMs)
    const others = this.nodes.filter((_, j) => j !== i)
    exchange.setMembers(new MemberList(others), this.nowMs)
    return exchange
  }

  link(edges: readonly (readonly [number, number])[]): void {
    for (const [i, exchange] of this.exchanges.entries()) {
      const peers = edges.flatMap(([a, b]) => (a === i ? [this.nodes[b]!] : b === i ? [this.nodes[a]!] : []))
      exchange.setNeighbours(peers, this.nowMs)
    }
  }

  run(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end; this.nowMs += 10) {
      const queue = this.#queue
      this.#queue = []
      for (const { from, to, message } of queue) {
        const target = this.exchanges[this.nodes.indexOf(to)]!
        target.receive(message, 0, message.length, this.nodes[from]!, this.nowMs)
      }
      for (const exchange of this.exchanges)
        if (exchange.dueMs(this.nowMs) <= this.nowMs) exchange.tick(this.nowMs)
    }
  }

  groupsOf(i: number, at: number): number[] {
    return (this.known[at]!.get(this.nodes[i]!)?.groups ?? []).map(({ address }) => address[3]!)
  }

  /** Whether all have the same reports and digests. */
  get isSettled(): boolean {
    const first = JSON.stringify(this.exchanges[0]!.digest)
    return this.exchanges.every(({ digest }) => JSON.stringify(digest) === first)
  }
}

const line = (size: number) => Array.from({ length: size - 1 }, (_, i) => [i, i + 1] as const)

describe('ReportExchange', () => {
  it('brings a change to every member in a moment, over as many trunks as it takes', () => {
    const network = new Network(10)
    network.link(line(10))
    network.run(1_000)
    network.exchanges[0]!.setOwn(false, [groupOf(5)], network.nowMs)
    network.run(200)
    for (let at = 1; at < 10; at++) assert.deepEqual(network.groupsOf(0, at), [5])
    network.exchanges[0]!.setOwn(true, [], network.nowMs)
    network.run(200)
    for (let at = 1; at < 10; at++) {
      assert.deepEqual(network.groupsOf(0, at), [])
      assert.equal(network.known[at]!.get(network.nodes[0]!)?.router, true)
    }
  })

  it('says nothing but digests while nothing changes, and nothing of who never wanted anything', () => {
    const network = new Network(6)
    network.link(line(6))
    network.exchanges[0]!.setOwn(false, [groupOf(1)], 0)
    network.run(2_000)
    const before = network.sent
    network.exchanges[0]!.setOwn(false, [groupOf(1)], network.nowMs)
    network.run(10 * REPORT_DIGEST_MS)
    assert.equal(network.sent - before, 10 * 2 * 5)
    assert.deepEqual(
      network.exchanges.map(({ size }) => size),
      [1, 1, 1, 1, 1, 1],
    )
  })

  it('becomes equal again whatever was lost, on any graph', () => {
    const scenario = fc.record({
      size: fc.integer({ min: 2, max: 7 }),
      extra: fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { maxLength: 5 }),
      changes: fc.array(fc.tuple(fc.nat(6), fc.nat(20)), { maxLength: 12 }),
      losses: fc.infiniteStream(fc.nat(2)),
    })
    fc.assert(
      fc.property(scenario, ({ size, extra, changes, losses }) => {
        let isLossy = true
        const network = new Network(size, () => isLossy && (losses.next().value ?? 0) === 0)
        const extras = extra.filter(([a, b]) => a < size && b < size && a !== b)
        network.link([...line(size), ...extras])
        for (const [node, group] of changes) {
          network.exchanges[node % size]!.setOwn(false, [groupOf(group)], network.nowMs)
          network.run(300)
        }
        isLossy = false
        // A digest for each step of the longest way, and one more.
        network.run((size + 1) * REPORT_DIGEST_MS)
        assert.ok(network.isSettled)
        for (const [i, last] of [...new Map(changes.map(([node, group]) => [node % size, group]))])
          for (let at = 0; at < size; at++) if (at !== i) assert.deepEqual(network.groupsOf(i, at), [last])
      }),
      { numRuns: 15 },
    )
  })

  it('a new trunk makes both ends equal at once', () => {
    const network = new Network(4)
    network.link([
      [0, 1],
      [2, 3],
    ])
    for (let i = 0; i < 4; i++) network.exchanges[i]!.setOwn(false, [groupOf(i)], 0)
    network.run(5_000)
    assert.deepEqual(network.groupsOf(0, 3), [])
    network.link(line(4))
    network.run(500)
    assert.ok(network.isSettled)
    assert.deepEqual(network.groupsOf(0, 3), [0])
  })

  it('what a node said before it started anew is replaced, also where its clock went back', () => {
    for (const firstSequence of [2_000_000, 1]) {
      const network = new Network(3)
      network.link(line(3))
      network.exchanges[0]!.setOwn(false, [groupOf(1)], 0)
      network.run(1_000)
      network.exchanges[0] = network.newExchange(0, firstSequence)
      network.link(line(3))
      network.run(REPORT_DIGEST_MS + 2_000)
      assert.deepEqual(network.groupsOf(0, 2), [], `${firstSequence}`)
      network.exchanges[0].setOwn(false, [groupOf(2)], network.nowMs)
      network.run(2_000)
      assert.deepEqual(network.groupsOf(0, 2), [2])
    }
  })

  it('a forged report of a node is taken back by that node', () => {
    const network = new Network(3)
    network.link(line(3))
    network.exchanges[0]!.setOwn(false, [groupOf(1)], 0)
    network.run(1_000)
    const forged = encodeMulticastReport({ sequence: 5_000_000, origin: idOf(0), router: false, groups: [] })
    network.exchanges[1]!.receive(forged, 0, forged.length, network.nodes[2]!, network.nowMs)
    assert.deepEqual(network.groupsOf(0, 1), [])
    network.run(1_000)
    for (const at of [1, 2]) assert.deepEqual(network.groupsOf(0, at), [1])
  })

  it('forgets who left, and drops what somebody says who is no member', () => {
    const network = new Network(2)
    network.link(line(2))
    network.exchanges[1]!.setOwn(false, [groupOf(1)], 0)
    network.run(500)
    assert.equal(network.exchanges[0]!.size, 1)
    network.exchanges[0]!.setMembers(new MemberList([]), network.nowMs)
    assert.equal(network.exchanges[0]!.size, 0)
    assert.deepEqual(network.exchanges[0]!.digest, { high: 0, low: 0 })
    const message = encodeMulticastReport({ sequence: 9, origin: idOf(1), router: true, groups: [] })
    network.exchanges[0]!.receive(message, 0, message.length, network.nodes[1]!, 0)
    assert.equal(network.exchanges[0]!.drops['unknown-member'], 1)
    network.exchanges[0]!.receive(message.subarray(1), 0, message.length - 1, network.nodes[1]!, 0)
    assert.equal(network.exchanges[0]!.drops.malformed, 1)
  })

  it('bounds what one origin and one neighbour can cause, and what this node itself says', () => {
    const network = new Network(3)
    network.link(line(3))
    network.run(100)
    const exchange = network.exchanges[1]!
    for (let i = 0; i < 100; i++) {
      const report = encodeMulticastReport({
        sequence: 10_000 + i,
        origin: idOf(0),
        router: i % 2 === 0,
        groups: [],
      })
      exchange.receive(report, 0, report.length, network.nodes[0]!, network.nowMs)
    }
    assert.equal(exchange.drops.rate, 92)
    const request = encodeGossipRequest(CONTROL_MULTICAST_REPORT, [idOf(0)])
    const before = network.sent
    for (let i = 0; i < 1000; i++)
      exchange.receive(request, 0, request.length, network.nodes[2]!, network.nowMs)
    assert.ok(network.sent - before <= 256)
    assert.ok(exchange.drops['sync-rate'] >= 744)
    const reports = new Set<Uint8Array>()
    const send = (_: Node, message: Uint8Array) => {
      if (gossipKind(CONTROL_MULTICAST_REPORT, message, 0, message.length) === 'document')
        reports.add(message)
    }
    const flapping = new ReportExchange<Node>(
      { nodeId: idOf(8), firstSequence: 1, send, onReport: () => {} },
      0,
    )
    flapping.setNeighbours([network.nodes[0]!], 0)
    for (let now = 0; now < 10_000; now += 10) {
      flapping.setOwn(false, [groupOf(now / 10)], now)
      flapping.tick(now)
    }
    assert.ok(reports.size >= 12 && reports.size <= 14, `${reports.size}`)
    const last = decodeMulticastReport([...reports].at(-1)!)
    assert.ok(last!.sequence <= 14)
  })
})
