import type { AddressPlan } from '@wakunet/addressing'
import { addressFaults } from './address-faults.ts'
import { SimNetwork } from './network.ts'
import { Probes } from './probes.ts'
import { Random } from './random.ts'
import type { SimNode } from './sim-node.ts'
import { makeTopology, type Topology } from './topology.ts'

export interface SimulationInit {
  readonly nodes: number
  readonly seed: number
  readonly topology?: Topology
  /** Most trunks of a node. Default 32. */
  readonly connectionLimit?: number
  /** One-way delay of a trunk. Default 2 to 40. */
  readonly delayMs?: readonly [number, number]
  /** How long the ends of a trunk take to notice that it is up, or was closed. Default 0 to 50. */
  readonly detectMs?: readonly [number, number]
  /** How long they take where nothing says so: a cable was cut, a host lost its power. Default 100 to 700. */
  readonly silentMs?: readonly [number, number]
  /** Part of the control records that is lost. Default 0. */
  readonly loss?: number
  /** Whether members have addresses, and give them to hosts. Default true up to `MAX_ADDRESSING_NODES`. */
  readonly addressing?: boolean
}

/** Everybody knows the leases of everybody, so that time and memory grow with the square of the members. */
export const MAX_ADDRESSING_NODES = 1_024

/** Longest that any network may take to heal before it counts as broken. */
const MAX_CONVERGENCE_MS = 30_000
/** After that the link state is everywhere and nothing is on its way. */
const SETTLE_MS = 2_500
/** Where messages are lost, some must be found missing and sent again first. */
const LOSSY_SETTLE_MS = 10_000
const START_MS = 200
const FLIGHT_MS = 3_000
const BROADCASTS = 3
const UNICASTS = 12
/** Violations that are described; all are counted. */
const MAX_DESCRIBED = 20
const MAX_FDB_ENTRIES = 16_384

/** A pool with half as many addresses again as there are stations, so that stations that do not know of each other meet. */
function planFor(nodes: number): AddressPlan {
  const stations = 3 * nodes + 16
  const hostOf = (number: number) => `10.${64 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`
  return {
    subnet4: '10.64.0.0/12',
    subnet6: 'fd00:57:4b::/64',
    mtu: 1_400,
    pool4: { first: hostOf(16), last: hostOf(16 + Math.ceil(1.5 * stations)) },
  }
}

function maxNeighbours(topology: Topology | undefined, nodes: number, limit: number): number {
  if (topology === 'mesh') return Math.min(64, nodes)
  return Math.min(64, Math.max(2, topology === 'relayed' ? limit + 10 : limit))
}

/** A network, the events that befall it, and the invariants that must hold meanwhile. */
export class Simulation {
  readonly network: SimNetwork
  readonly random: Random
  readonly probes = new Probes()
  /** Milliseconds from each event to a tree that spans everything again. */
  readonly convergenceMs: number[] = []
  /** Milliseconds until a station that has moved is reachable where it is. */
  readonly movesMs: number[] = []
  /** Faults of addresses and leases. */
  addressConflicts = 0
  violations = 0
  readonly described: string[] = []
  readonly #settleMs: number

  constructor(init: SimulationInit) {
    this.random = new Random(init.seed)
    const hasAddresses = init.addressing ?? init.nodes <= MAX_ADDRESSING_NODES
    this.#settleMs = (init.loss ?? 0) > 0 ? LOSSY_SETTLE_MS : SETTLE_MS
    const limit = init.connectionLimit ?? 32
    this.network = new SimNetwork(
      {
        nodes: init.nodes,
        edges: makeTopology(init.topology ?? 'random', init.nodes, limit, this.random),
        maxNeighbours: maxNeighbours(init.topology, init.nodes, limit),
        plan: hasAddresses ? planFor(init.nodes) : null,
        delayMs: init.delayMs ?? [2, 40],
        detectMs: init.detectMs ?? [0, 50],
        silentMs: init.silentMs ?? [100, 700],
        loss: init.loss ?? 0,
        onDeliver: (node, probe) => this.probes.deliver(node, probe),
        onLoop: (a, b) => this.violate(`trunk ${a} to ${b} closes a forwarding loop`),
      },
      this.random,
    )
  }

  /** Something is not as it must be. */
  violate(what: string, count = 1): void {
    this.violations += count
    if (this.described.length < MAX_DESCRIBED)
      this.described.push(`${Math.round(this.network.nowMs)} ms: ${what}`)
  }

  /** Starts all nodes in a short time. @returns how long the tree took to span them after that */
  start(): number {
    const { network } = this
    for (const node of network.nodes)
      network.queue.at(this.random.between(0, START_MS), () => network.start(node))
    network.queue.run(START_MS)
    const tookMs = this.#converge()
    this.run(this.#settleMs)
    return tookMs
  }

  run(ms: number): void {
    this.network.queue.run(this.network.nowMs + ms)
  }

  /** Something happens; frames are sent into the middle of it; then all must be well again. */
  disturb(event: () => void): void {
    event()
    for (let i = 0; i < BROADCASTS; i++)
      this.network.queue.after(this.random.between(0, 500), () => this.#broadcast(false))
    this.convergenceMs.push(this.#converge())
    this.run(this.#settleMs)
    this.checkDelivery()
  }

  #converge(): number {
    const { network } = this
    const startMs = network.nowMs
    // Nobody has noticed yet at the very moment of the event.
    if (network.queue.run(startMs + MAX_CONVERGENCE_MS, () => network.isConverged()))
      return network.nowMs - startMs
    this.violate(`the tree does not span the network after ${MAX_CONVERGENCE_MS} ms`)
    return MAX_CONVERGENCE_MS
  }

  /** Every broadcast reaches every connected member once, every unicast its goal, and no table is too large. */
  checkDelivery(): void {
    const before = { ...this.#counts() }
    for (let i = 0; i < BROADCASTS; i++) this.#broadcast(true)
    for (let i = 0; i < UNICASTS; i++) this.#unicast()
    this.run(FLIGHT_MS)
    const missed = this.probes.settle()
    if (missed > 0) this.violate(`${missed} copies of probes did not arrive`, missed)
    const after = this.#counts()
    if (after.duplicates > before.duplicates)
      this.violate('a probe arrived twice', after.duplicates - before.duplicates)
    if (after.strayed > before.strayed)
      this.violate('a probe came to somebody else', after.strayed - before.strayed)
    this.#checkTables()
  }

  /** No address is at two hosts that can reach each other, all of which have one, and everybody knows the same leases. */
  checkAddresses(): void {
    const faults = addressFaults(this.network)
    for (const fault of faults) this.violate(fault)
    this.addressConflicts += faults.length
  }

  #counts(): { duplicates: number; strayed: number } {
    return { duplicates: this.probes.duplicates, strayed: this.probes.strayed }
  }

  #broadcast(mustArrive: boolean): void {
    const alive = this.network.aliveNodes
    if (alive.length === 0) return
    const sender = this.random.pick(alive)
    const expected = this.network.componentOf(sender)
    expected.delete(sender.index)
    this.#send(sender, null, this.probes.expect(expected, mustArrive))
  }

  #unicast(): void {
    const alive = this.network.aliveNodes
    if (alive.length < 2) return
    const sender = this.random.pick(alive)
    const goal = this.random.pick(alive)
    if (goal === sender || !this.network.componentOf(sender).has(goal.index)) return
    this.#send(sender, goal.mac, this.probes.expect(new Set([goal.index]), true))
  }

  #send(from: SimNode, to: number | null, probe: number): void {
    this.network.at(from, () => from.probe(probe, to, this.network.nowMs))
  }

  #checkTables(): void {
    const { nodes } = this.network
    for (const { alive, index, fabric } of nodes) {
      if (!alive) continue
      const members = nodes.length
      if (fabric.linkState.database.size > members)
        this.violate(`node ${index} knows more origins than exist`)
      if (fabric.bridge.members.size >= members) this.violate(`node ${index} has more members than exist`)
      if (fabric.bridge.fdbSize > MAX_FDB_ENTRIES + members)
        this.violate(`node ${index} has too many addresses`)
    }
  }

  /** Control traffic of a node while nothing happens, in bits a second; waits until the hellos have become rare. */
  measureIdle(waitMs: number, measureMs: number): number {
    this.run(waitMs)
    const before = this.network.controlBits
    this.run(measureMs)
    return ((this.network.controlBits - before) * 1000) / measureMs / this.network.aliveCount
  }
}
