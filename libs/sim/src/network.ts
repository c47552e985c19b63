import { ID_BYTES } from '@wakunet/interface'
import {
  createDecodedRecord,
  decodeRecord,
  encodeEnvelope,
  envelopeBytes,
  idKey,
  RECORD_FLAG_CONTROL,
} from '@wakunet/record'
import { pathCostOfRtt } from '@wakunet/switching'
import { EventQueue } from './event-queue.ts'
import type { Random } from './random.ts'
import { SharedAdvertisements } from './shared-advertisements.ts'
import { SimNode } from './sim-node.ts'
import type { Edge } from './topology.ts'
import { TreeWatch } from './tree-watch.ts'

/** What a record costs beside its own bytes: IPv4 and UDP headers, the trunk's counter and tag. */
export const TRUNK_OVERHEAD_BYTES = 60

export interface NetworkInit {
  readonly nodes: number
  readonly edges: readonly Edge[]
  /** Most trunks of a node that the link state uses. */
  readonly maxNeighbours: number
  /** One-way delay of a trunk: each has one between these, and as much jitter again as a tenth of it. */
  readonly delayMs: readonly [number, number]
  /** How long the ends of a trunk take to notice that it is up or down. */
  readonly detectMs: readonly [number, number]
  /** Part of the control records that is lost. Probes are spared, so that what is missing is the switches' fault. */
  readonly loss: number
  readonly onDeliver: (node: SimNode, probe: number) => void
  readonly onLoop: (a: number, b: number) => void
}

/** A trunk between two nodes. */
export interface SimLink {
  readonly a: SimNode
  readonly b: SimNode
  readonly delayMs: number
  up: boolean
  /** Grows whenever it goes up or down: what was under way before does not arrive. */
  incarnation: number
  /** Its port in the tree at each end; 0 where the end does not know of it. */
  portOfA: number
  portOfB: number
  /** Both ends send frames over it. */
  isOpen: boolean
}

/** Nodes, the trunks among them, and what is under way. */
export class SimNetwork {
  readonly queue = new EventQueue()
  readonly nodes: SimNode[] = []
  readonly links: SimLink[] = []
  readonly watch: TreeWatch
  controlBits = 0
  controlRecords = 0
  controlLost = 0
  readonly #init: NetworkInit
  readonly #random: Random
  readonly #byKey = new Map<number, SimNode>()
  readonly #linksOf: SimLink[][] = []
  readonly #linkOf = new Map<number, SimLink>()
  readonly #record = createDecodedRecord()
  #openLinks = 0
  #components: number | null = null

  constructor(init: NetworkInit, random: Random) {
    this.#init = init
    this.#random = random
    this.watch = new TreeWatch(init.nodes)
    const vlanId = random.bytes(ID_BYTES)
    const { keep } = new SharedAdvertisements()
    const output = { send: this.#transmit, deliver: init.onDeliver }
    for (let index = 0; index < init.nodes; index++) {
      const nodeId = random.bytes(ID_BYTES)
      const node = new SimNode(
        { index, nodeId, vlanId, maxNeighbours: init.maxNeighbours, keep },
        output,
        random,
      )
      this.nodes.push(node)
      this.#linksOf.push([])
      if (this.#byKey.has(idKey(nodeId, 0))) throw new Error('two simulated nodes share a key')
      this.#byKey.set(idKey(nodeId, 0), node)
    }
    for (const [a, b] of init.edges) this.#addLink(this.nodes[a]!, this.nodes[b]!)
  }

  #addLink(a: SimNode, b: SimNode): void {
    const delayMs = this.#random.between(...this.#init.delayMs)
    const link = { a, b, delayMs, up: false, incarnation: 0, portOfA: 0, portOfB: 0, isOpen: false }
    this.links.push(link)
    this.#linksOf[a.index]!.push(link)
    this.#linksOf[b.index]!.push(link)
    this.#linkOf.set(this.#pairKey(a, b), link)
  }

  #pairKey(a: SimNode, b: SimNode): number {
    return Math.min(a.index, b.index) * this.nodes.length + Math.max(a.index, b.index)
  }

  get nowMs(): number {
    return this.queue.nowMs
  }

  get aliveNodes(): SimNode[] {
    return this.nodes.filter(({ alive }) => alive)
  }

  linksOf(node: SimNode): readonly SimLink[] {
    return this.#linksOf[node.index]!
  }

  // --- what happens to nodes and trunks ------------------------------------------------------------------

  start(node: SimNode): void {
    node.start(this.#random, this.nowMs)
    for (const link of this.linksOf(node))
      if (link.a === node) link.portOfA = 0
      else link.portOfB = 0
    this.#components = null
    this.#after(node)
    for (const link of this.linksOf(node)) this.linkUp(link)
  }

  /** The node is gone from one moment to the next; its neighbours notice one after the other. */
  crash(node: SimNode): void {
    for (const link of this.linksOf(node)) this.linkDown(link)
    node.alive = false
    this.#components = null
  }

  linkUp(link: SimLink): void {
    if (link.up || !link.a.alive || !link.b.alive) return
    this.#components = null
    link.up = true
    link.incarnation++
    const cost = pathCostOfRtt(2 * link.delayMs)
    this.#notice(link, (node, peer) =>
      node.fabric.addTrunk({ id: peer.nodeId, bootNonce: peer.bootNonce, cost }, this.nowMs),
    )
  }

  linkDown(link: SimLink): void {
    if (!link.up) return
    this.#components = null
    link.up = false
    link.incarnation++
    this.watch.remove(link.a.index, link.b.index)
    this.#noteOpen(link, false)
    this.#notice(link, (node, peer) => node.fabric.removeTrunk(peer.nodeId, this.nowMs))
  }

  #notice(link: SimLink, run: (node: SimNode, peer: SimNode) => void): void {
    const { a, b, incarnation } = link
    for (const [node, peer] of [
      [a, b],
      [b, a],
    ] as const)
      this.queue.after(this.#random.between(...this.#init.detectMs), () => {
        if (link.incarnation !== incarnation || !node.alive) return
        run(node, peer)
        const port = node.fabric.trunks.find(peer.nodeId, 0)?.port ?? 0
        if (node === a) link.portOfA = port
        else link.portOfB = port
        this.#after(node)
      })
  }

  /** Runs something at a node, as its TAP would. */
  at(node: SimNode, run: () => void): void {
    run()
    this.#after(node)
  }

  /** Plans the node's next tick, and looks at its ports where they have changed. */
  #after(node: SimNode): void {
    if (node.treeRevision !== node.fabric.tree.revision) {
      node.treeRevision = node.fabric.tree.revision
      this.#look(node)
    }
    const tickMs = Math.max(this.nowMs, node.fabric.nextTickMs(this.nowMs))
    if (tickMs >= node.tickMs) return
    node.tickMs = tickMs
    const { fabric } = node
    this.queue.at(tickMs, () => {
      if (node.tickMs !== tickMs || node.fabric !== fabric || !node.alive) return
      node.tickMs = Number.POSITIVE_INFINITY
      fabric.tick(this.nowMs)
      this.#after(node)
    })
  }

  /** All ports of a node change at one moment, so what has closed comes before what has opened. */
  #look(node: SimNode): void {
    const opened: SimLink[] = []
    for (const link of this.linksOf(node)) {
      if (!link.up) continue
      const { a, b, portOfA, portOfB } = link
      const forwards = a.fabric.tree.isForwarding(portOfA) && b.fabric.tree.isForwarding(portOfB)
      if (forwards) opened.push(link)
      else this.watch.remove(a.index, b.index)
      this.#noteOpen(link, forwards && a.fabric.tree.isOpen(portOfA) && b.fabric.tree.isOpen(portOfB))
    }
    for (const { a, b } of opened) if (!this.watch.add(a.index, b.index)) this.#init.onLoop(a.index, b.index)
  }

  #noteOpen(link: SimLink, isOpen: boolean): void {
    if (link.isOpen === isOpen) return
    link.isOpen = isOpen
    this.#openLinks += isOpen ? 1 : -1
  }

  // --- what is under way -----------------------------------------------------------------------------------

  /** Takes a lane message of a node and brings its record to each of the peers in the envelope. */
  readonly #transmit = (from: SimNode, parts: readonly Uint8Array[]): void => {
    const head = parts[0]!
    const peers = head[0]!
    const message = messageFrom(from, parts, envelopeBytes(peers))
    const isControl = (message[envelopeBytes(1) + 1]! & RECORD_FLAG_CONTROL) !== 0
    for (let i = 0; i < peers; i++) {
      const to = this.#byKey.get(idKey(head, envelopeBytes(i)))
      const link = to === undefined ? undefined : this.#linkOf.get(this.#pairKey(from, to))
      if (to === undefined || link === undefined) throw new Error('a record for somebody without a trunk')
      if (isControl) this.#countControl(message.length)
      if (!link.up) continue
      if (isControl && this.#init.loss > 0 && this.#random.unit() < this.#init.loss) this.controlLost++
      // Whoever receives frames may write into them; control is only read.
      else this.#carry(link, to, isControl || peers === 1 ? message : message.slice())
    }
  }

  #countControl(messageBytes: number): void {
    this.controlRecords++
    this.controlBits += 8 * (messageBytes - envelopeBytes(1) + TRUNK_OVERHEAD_BYTES)
  }

  #carry(link: SimLink, to: SimNode, message: Uint8Array): void {
    const { incarnation, delayMs } = link
    this.queue.after(delayMs * (1 + 0.1 * this.#random.unit()), () => {
      if (link.incarnation !== incarnation || !to.alive) return
      const verdict = decodeRecord(message, this.#record, envelopeBytes(1))
      if (verdict !== 'ok') throw new Error(`a switch sent a record that is refused: ${verdict}`)
      to.receive(this.#record, 1, this.nowMs)
      this.#after(to)
    })
  }

  // --- what should be ----------------------------------------------------------------------------------------

  /** The nodes that a node is connected to by any way, itself included. */
  componentOf(node: SimNode): Set<number> {
    const seen = new Set([node.index])
    const front = [node]
    for (let next = front.pop(); next !== undefined; next = front.pop())
      for (const link of this.linksOf(next)) {
        const other = link.a === next ? link.b : link.a
        if (!link.up || seen.has(other.index)) continue
        seen.add(other.index)
        front.push(other)
      }
    return seen
  }

  /** Whether the trunks that frames go over span whatever is connected. */
  isConverged(): boolean {
    this.#components ??= this.#countComponents()
    return this.aliveCount - this.#openLinks === this.#components
  }

  get aliveCount(): number {
    let count = 0
    for (const { alive } of this.nodes) if (alive) count++
    return count
  }

  #countComponents(): number {
    const seen = new Set<number>()
    let components = 0
    for (const node of this.nodes) {
      if (!node.alive || seen.has(node.index)) continue
      components++
      for (const index of this.componentOf(node)) seen.add(index)
    }
    return components
  }
}

/** The message as the far end's lane hands it out: who it is from, and the record. */
function messageFrom(from: SimNode, parts: readonly Uint8Array[], skip: number): Uint8Array {
  let length = envelopeBytes(1) - skip
  for (const part of parts) length += part.length
  const message = new Uint8Array(length)
  message.set(encodeEnvelope([from.nodeId]))
  let at = envelopeBytes(1)
  for (const [i, part] of parts.entries()) {
    const bytes = i === 0 ? part.subarray(skip) : part
    message.set(bytes, at)
    at += bytes.length
  }
  return message
}
