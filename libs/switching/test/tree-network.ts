import {
  type ControlBpdu,
  decodeControlBpdu,
  encodeControlBpdu,
  SpanningTree,
  type SpanningTreeInit,
  type TreeAction,
} from '../src/index.ts'

/** A node id that begins with `rank`, so that a lower rank makes a better bridge. */
export function nodeId(rank: number): Uint8Array {
  const id = new Uint8Array(16).fill(0x5a)
  id[0] = rank >>> 8
  id[1] = rank
  return id
}

/** Steps of one run that no healthy network needs. */
const MAX_STEPS = 100_000

interface Link {
  readonly a: number
  readonly b: number
  readonly portOfA: number
  readonly portOfB: number
  up: boolean
  delayMs: () => number
}

interface Pending {
  readonly atMs: number
  readonly order: number
  readonly link: Link
  readonly to: number
  readonly bpdu: Uint8Array
}

export interface TreeNetworkInit {
  readonly random: () => number
  /** One-way delay of one message; messages of a link overtake each other where it varies. */
  readonly delayMs?: () => number
  /** Probability that a message is lost. */
  readonly loss?: number
  readonly tree?: Partial<SpanningTreeInit>
  /** Takes the numbers out of the handshake: every agreement counts for the latest proposal, as in 802.1D-2004. */
  readonly unnumbered?: boolean
  /** Called after every single message and tick. */
  readonly afterStep?: (network: TreeNetwork) => void
}

/** Spanning trees of many nodes over links with delay, loss and disorder, on one virtual clock. */
export class TreeNetwork {
  nowMs = 0
  sent = 0
  readonly trees: SpanningTree[] = []
  readonly links: Link[] = []
  readonly flushes: { node: number; exceptPort: number; atMs: number }[] = []
  readonly #init: TreeNetworkInit
  readonly #alive: boolean[] = []
  #pending: Pending[] = []
  #order = 0
  #ports = 0
  /** Number that each port sent last. */
  readonly #numbers = new Map<number, number>()

  constructor(init: TreeNetworkInit) {
    this.#init = init
  }

  addNode(rank = this.trees.length): number {
    this.trees.push(this.#newTree(rank))
    this.#alive.push(true)
    return this.trees.length - 1
  }

  #newTree(rank: number): SpanningTree {
    const firstNumber = Math.floor(this.#init.random() * 2 ** 32)
    return new SpanningTree({
      nodeId: nodeId(rank),
      firstNumber,
      isGranted: () => true,
      ...this.#init.tree,
    })
  }

  connect(a: number, b: number, cost = 10): number {
    const ports = this.#ports
    this.#ports += 2
    const delayMs = this.#init.delayMs ?? (() => 1)
    this.links.push({ a, b, portOfA: ports + 1, portOfB: ports + 2, up: false, delayMs })
    this.up(this.links.length - 1, cost)
    return this.links.length - 1
  }

  up(index: number, cost = 10): void {
    const link = this.links[index]!
    if (link.up) return
    link.up = true
    const { a, b, portOfA, portOfB } = link
    this.#do(a, this.trees[a]!.addPort(portOfA, { kind: 'trunk', cost, neighbour: this.#id(b) }, this.nowMs))
    this.#do(b, this.trees[b]!.addPort(portOfB, { kind: 'trunk', cost, neighbour: this.#id(a) }, this.nowMs))
  }

  #id(node: number): Uint8Array {
    return this.trees[node]!.bridgeId.subarray(2)
  }

  /** Both ends notice `skewMs` apart at the most. */
  down(index: number): void {
    const link = this.links[index]!
    if (!link.up) return
    link.up = false
    this.#pending = this.#pending.filter((message) => message.link !== link)
    this.#do(link.a, this.trees[link.a]!.removePort(link.portOfA, this.nowMs))
    this.#step()
    this.#do(link.b, this.trees[link.b]!.removePort(link.portOfB, this.nowMs))
    this.#step()
  }

  setCost(node: number, port: number, cost: number): void {
    this.#do(node, this.trees[node]!.setCost(port, cost, this.nowMs))
    this.#step()
  }

  setPriority(node: number, priority: number): void {
    this.#do(node, this.trees[node]!.setPriority(priority, this.nowMs))
    this.#step()
  }

  kill(node: number): void {
    for (const [i, link] of this.links.entries()) if (link.a === node || link.b === node) this.down(i)
    this.#alive[node] = false
  }

  /** Runs until `untilMs`, or until `isDone` after some message. @returns when that was */
  run(untilMs: number, isDone: () => boolean = () => false): number {
    for (let steps = 0; !isDone(); steps++) {
      if (steps > MAX_STEPS) throw new Error(`no end at ${this.nowMs} ms`)
      const next = this.#next()
      const tick = this.#nextTick()
      const atMs = Math.max(this.nowMs, Math.min(next?.atMs ?? Infinity, tick.atMs))
      if (atMs > untilMs) break
      this.nowMs = atMs
      if (next !== null && next.atMs <= tick.atMs) this.#deliver(next)
      else this.#do(tick.node, this.trees[tick.node]!.tick(this.nowMs))
      this.#step()
    }
    if (!isDone()) this.nowMs = untilMs
    return this.nowMs
  }

  #step(): void {
    this.#init.afterStep?.(this)
  }

  #next(): Pending | null {
    let best: Pending | null = null
    for (const message of this.#pending)
      if (
        best === null ||
        message.atMs < best.atMs ||
        (message.atMs === best.atMs && message.order < best.order)
      )
        best = message
    return best
  }

  #nextTick(): { node: number; atMs: number } {
    let best = { node: 0, atMs: Number.POSITIVE_INFINITY }
    for (const [node, tree] of this.trees.entries()) {
      const atMs = this.#alive[node] ? tree.nextTickMs() : Number.POSITIVE_INFINITY
      if (atMs < best.atMs) best = { node, atMs }
    }
    return best
  }

  #deliver(message: Pending): void {
    this.#pending.splice(this.#pending.indexOf(message), 1)
    const { link, to } = message
    const bpdu = decodeControlBpdu(message.bpdu)
    if (bpdu === null) throw new Error('a tree sent a malformed BPDU')
    const port = to === link.a ? link.portOfA : link.portOfB
    const agreedNumber =
      this.#init.unnumbered && bpdu.agreedNumber !== 0 ? (this.#numbers.get(port) ?? 0) : bpdu.agreedNumber
    this.#do(to, this.trees[to]!.receive(port, { ...bpdu, agreedNumber }, this.nowMs))
  }

  #do(node: number, actions: readonly TreeAction[]): void {
    for (const action of actions) {
      if (action.kind === 'send') this.#transmit(node, action.port, action.bpdu)
      if (action.kind === 'flush')
        this.flushes.push({ node, exceptPort: action.exceptPort, atMs: this.nowMs })
    }
  }

  #transmit(node: number, port: number, bpdu: ControlBpdu): void {
    const link = this.links.find(({ portOfA, portOfB }) => portOfA === port || portOfB === port)!
    this.#numbers.set(port, bpdu.number)
    if (!link.up || this.#init.random() < (this.#init.loss ?? 0)) return
    this.sent++
    this.#pending.push({
      atMs: this.nowMs + link.delayMs(),
      order: this.#order++,
      link,
      to: node === link.a ? link.b : link.a,
      bpdu: encodeControlBpdu(bpdu),
    })
  }

  /** Links over which frames pass: both ends forward. */
  activeLinks(): Link[] {
    return this.links.filter(
      ({ a, b, portOfA, portOfB, up }) =>
        up && this.trees[a]!.isForwarding(portOfA) && this.trees[b]!.isForwarding(portOfB),
    )
  }

  hasLoop(): boolean {
    return !unite(this.trees.length, this.activeLinks()).isForest
  }

  /** Frames reach everybody who is connected at all, on one way only. */
  isConverged(): boolean {
    const active = unite(this.trees.length, this.activeLinks())
    const physical = unite(
      this.trees.length,
      this.links.filter(({ up }) => up),
    )
    return active.isForest && active.components === physical.components
  }
}

/** Union-find over the links: components, and whether there is no cycle. */
function unite(nodes: number, links: readonly { a: number; b: number }[]) {
  const parent = Array.from({ length: nodes }, (_, i) => i)
  const find = (node: number): number => {
    let top = node
    while (parent[top] !== top) top = parent[top]!
    return top
  }
  let components = nodes
  let isForest = true
  for (const { a, b } of links) {
    const [x, y] = [find(a), find(b)]
    if (x === y) isForest = false
    else {
      parent[x] = y
      components--
    }
  }
  return { components, isForest }
}
