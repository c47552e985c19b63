import { type LinkNeighbour, LinkState, type LinkStateInit } from '../src/index.ts'
import { nodeId } from './tree-network.ts'

export interface TestLink {
  readonly a: number
  readonly b: number
  readonly cost: number
  up: boolean
}

interface Pending {
  readonly atMs: number
  readonly from: number
  readonly to: number
  readonly messages: readonly Uint8Array[]
}

export interface LinkNetworkInit {
  readonly random: () => number
  readonly loss?: number
  readonly state?: Partial<LinkStateInit>
}

/** A node id whose first byte is spread over the buckets of the digests. */
export function spreadId(node: number): Uint8Array {
  const id = nodeId(node)
  id[0] = (node * 37) & 0xff
  id[1] = node
  id[2] = node >>> 8
  return id
}

/** Link states of many nodes over links with delay and loss; a spanning tree is made for them by hand. */
export class LinkNetwork {
  nowMs = 0
  bits = 0
  readonly links: TestLink[] = []
  readonly states: LinkState[] = []
  readonly alive: boolean[] = []
  readonly #boots: number[] = []
  readonly #init: LinkNetworkInit
  readonly #neighbours: Map<number, LinkNeighbour>[] = []
  #pending: Pending[] = []

  constructor(init: LinkNetworkInit) {
    this.#init = init
  }

  addNode(): number {
    const node = this.states.length
    this.#boots.push(0)
    this.alive.push(true)
    this.#neighbours.push(new Map())
    this.states.push(this.#newState(node, 1_000))
    return node
  }

  #newState(node: number, firstSequence: number): LinkState {
    const bootNonce = new Uint8Array(8).fill(node)
    bootNonce[0] = ++this.#boots[node]!
    const send = (to: LinkNeighbour, messages: readonly Uint8Array[]) => this.#transmit(node, to, messages)
    const init = { nodeId: spreadId(node), bootNonce, firstSequence, send, ...this.#init.state }
    return new LinkState(init, this.nowMs)
  }

  connect(a: number, b: number, cost = 10): void {
    this.links.push({ a, b, cost, up: false })
    this.up(this.links.length - 1)
  }

  up(index: number): void {
    const link = this.links[index]!
    const { a, b, cost } = link
    if (link.up || !this.alive[a] || !this.alive[b] || this.#neighbours[a]!.has(b)) return
    link.up = true
    this.#neighbours[a]!.set(b, this.states[a]!.addNeighbour(spreadId(b), cost, this.nowMs)!)
    this.#neighbours[b]!.set(a, this.states[b]!.addNeighbour(spreadId(a), cost, this.nowMs)!)
    this.#plant()
  }

  down(index: number): void {
    const link = this.links[index]!
    if (!link.up) return
    link.up = false
    for (const [node, peer] of [
      [link.a, link.b],
      [link.b, link.a],
    ] as const) {
      this.states[node]!.removeNeighbour(this.#neighbours[node]!.get(peer)!, this.nowMs)
      this.#neighbours[node]!.delete(peer)
    }
    this.#pending = this.#pending.filter(
      ({ from, to }) => !(from === link.a && to === link.b) && !(from === link.b && to === link.a),
    )
    this.#plant()
  }

  kill(node: number): void {
    for (const [i, link] of this.links.entries()) if (link.a === node || link.b === node) this.down(i)
    this.alive[node] = false
  }

  /** Starts a killed node anew. */
  restart(node: number, firstSequence: number): void {
    this.alive[node] = true
    this.states[node] = this.#newState(node, firstSequence)
    for (const [i, link] of this.links.entries()) if (link.a === node || link.b === node) this.up(i)
  }

  /** Gives every component a spanning tree. */
  #plant(): void {
    const parent = this.states.map((_, i) => i)
    const find = (node: number): number => (parent[node] === node ? node : find(parent[node]!))
    for (const { a, b, up } of this.links) {
      if (!up) continue
      const inTree = find(a) !== find(b)
      if (inTree) parent[find(a)] = find(b)
      this.states[a]!.setInTree(this.#neighbours[a]!.get(b)!, inTree, this.nowMs)
      this.states[b]!.setInTree(this.#neighbours[b]!.get(a)!, inTree, this.nowMs)
    }
  }

  #transmit(from: number, to: LinkNeighbour, messages: readonly Uint8Array[]): void {
    for (const { length } of messages) this.bits += 8 * length
    if (this.#init.random() < (this.#init.loss ?? 0)) return
    const peer = [...this.#neighbours[from]!].find(([, neighbour]) => neighbour === to)
    if (peer === undefined) return
    const atMs = this.nowMs + 5 + Math.floor(this.#init.random() * 20)
    this.#pending.push({ atMs, from, to: peer[0], messages })
  }

  run(untilMs: number): void {
    for (let step = 0; ; step++) {
      if (step > 1_000_000) throw new Error(`no end at ${this.nowMs} ms`)
      let atMs = Number.POSITIVE_INFINITY
      for (const message of this.#pending) atMs = Math.min(atMs, message.atMs)
      for (const [node, state] of this.states.entries())
        if (this.alive[node]) atMs = Math.min(atMs, state.nextTickMs(this.nowMs))
      if (atMs > untilMs) break
      this.nowMs = Math.max(this.nowMs, atMs)
      this.#step()
    }
    this.nowMs = untilMs
  }

  #step(): void {
    const due = this.#pending.filter(({ atMs }) => atMs <= this.nowMs)
    this.#pending = this.#pending.filter(({ atMs }) => atMs > this.nowMs)
    for (const { from, to, messages } of due) {
      const neighbour = this.#neighbours[to]!.get(from)
      if (neighbour === undefined) continue
      for (const message of messages)
        this.states[to]!.receive(neighbour, message, 0, message.length, this.nowMs)
    }
    for (const [node, state] of this.states.entries()) {
      if (!this.alive[node]) continue
      if (state.nextTickMs(this.nowMs) <= this.nowMs) state.tick(this.nowMs)
      state.flush(this.nowMs)
    }
  }

  /** Cost of the shortest way over the links that are up, the simple way. */
  oracleDistance(from: number, to: number): number | null {
    const distances = this.states.map(() => Number.POSITIVE_INFINITY)
    distances[from] = 0
    for (let round = 0; round < this.states.length; round++)
      for (const { a, b, cost, up } of this.links) {
        if (!up) continue
        distances[b] = Math.min(distances[b]!, distances[a]! + cost)
        distances[a] = Math.min(distances[a]!, distances[b]! + cost)
      }
    return distances[to] === Number.POSITIVE_INFINITY ? null : distances[to]!
  }

  /** Follows next hops; the nodes on the way, or null where it ends before its goal. */
  walk(from: number, to: number, flow: number): number[] | null {
    const way = [from]
    for (let at = from; at !== to; ) {
      const hop = this.states[at]!.nextHop(spreadId(to), 0, flow, this.nowMs)
      const next = [...this.#neighbours[at]!].find(([, neighbour]) => neighbour === hop)
      if (next === undefined || way.length > this.states.length) return null
      at = next[0]
      way.push(at)
    }
    return way
  }
}
