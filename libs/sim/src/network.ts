import type { AddressPlan } from '@wakunet/addressing'
import { ID_BYTES } from '@wakunet/interface'
import {
  createDecodedRecord,
  decodeRecord,
  envelopeBytes,
  idKey,
  RECORD_FIELD,
  RECORD_FLAG_CONTROL,
} from '@wakunet/record'
import { pathCostOfRtt } from '@wakunet/switching'
import { EventQueue } from './event-queue.ts'
import type { Random } from './random.ts'
import { SharedAdvertisements } from './shared-advertisements.ts'
import { SharedAnnouncements } from './shared-announcements.ts'
import { drawIdentity } from './sim-identity.ts'
import { type Ending, type LinkEnd, SimLink } from './sim-link.ts'
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
  /** Addresses of the VLAN; null for a VLAN whose members have none. */
  readonly plan: AddressPlan | null
  /** One-way delay of a trunk: each has one between these, and as much jitter again as a tenth of it. */
  readonly delayMs: readonly [number, number]
  /** How long the ends of a trunk take to notice that it is up, or was closed. */
  readonly detectMs: readonly [number, number]
  /** The same where nothing says so. */
  readonly silentMs: readonly [number, number]
  /** Part of the control records that is lost. Probes are spared, so that what is missing is the switches' fault. */
  readonly loss: number
  readonly onDeliver: (node: SimNode, probe: number) => void
  readonly onLoop: (a: number, b: number) => void
}

/** Round trips that the two ends of a trunk have measured differ by as much as this part. */
const RTT_SPREAD = 0.3

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
  /** The trunks of each node, by the key of the node at the other end. */
  readonly #ends: Map<number, LinkEnd>[] = []
  readonly #record = createDecodedRecord()
  #openLinks = 0
  #alive = 0
  #components: number | null = null

  constructor(init: NetworkInit, random: Random) {
    this.#init = init
    this.#random = random
    this.watch = new TreeWatch(init.nodes)
    const vlanId = random.bytes(ID_BYTES)
    const { keep } = new SharedAdvertisements()
    const { read } = new SharedAnnouncements()
    const output = {
      send: this.#transmit,
      deliver: init.onDeliver,
      later: this.#later,
      nowMs: () => this.nowMs,
    }
    const macs = new Map<number, number>()
    const { plan, maxNeighbours } = init
    const macOf = (nodeId: Uint8Array) => macs.get(idKey(nodeId, 0)) ?? null
    for (let index = 0; index < init.nodes; index++) {
      const identity = drawIdentity(vlanId, random)
      macs.set(idKey(identity.nodeId, 0), identity.mac)
      this.nodes.push(
        new SimNode({ index, identity, vlanId, macOf, plan, maxNeighbours, keep, read }, output, random),
      )
      this.#ends.push(new Map())
    }
    if (macs.size < init.nodes) throw new Error('two simulated nodes share a key')
    for (const [a, b, relay] of init.edges) this.#addLink(this.nodes[a]!, this.nodes[b]!, relay ?? null)
  }

  #addLink(a: SimNode, b: SimNode, relay: number | null): void {
    const legMs = () => this.#random.between(...this.#init.delayMs)
    const delayMs = relay === null ? legMs() : legMs() + legMs()
    const cost = () => pathCostOfRtt(2 * delayMs * this.#random.between(1, 1 + RTT_SPREAD))
    const link = new SimLink({ a, b, costs: [cost(), cost()], delayMs, relay })
    this.links.push(link)
    this.#ends[a.index]!.set(idKey(b.nodeId, 0), link.a)
    this.#ends[b.index]!.set(idKey(a.nodeId, 0), link.b)
  }

  get nowMs(): number {
    return this.queue.nowMs
  }

  get aliveNodes(): SimNode[] {
    return this.nodes.filter(({ alive }) => alive)
  }

  /** The node's ends of its trunks. */
  endsOf(node: SimNode): Iterable<LinkEnd> {
    return this.#ends[node.index]!.values()
  }

  // --- what happens to nodes and trunks ------------------------------------------------------------------

  start(node: SimNode): void {
    if (!node.alive) this.#alive++
    node.start(this.#random, this.nowMs)
    for (const end of this.endsOf(node)) end.reset()
    this.#components = null
    this.#after(node)
    for (const { link } of this.endsOf(node)) this.linkUp(link)
  }

  /** The node is gone from one moment to the next; its neighbours notice one after the other. */
  stop(node: SimNode, ending: Ending): void {
    for (const { link } of this.endsOf(node)) this.linkDown(link, ending)
    if (node.alive) this.#alive--
    node.alive = false
    this.#components = null
  }

  linkUp(link: SimLink): void {
    const { a, b } = link
    if (link.up || !a.node.alive || !b.node.alive) return
    this.#components = null
    link.up = true
    link.incarnation++
    this.#notice(link, this.#init.detectMs, ({ node, cost }, { node: peer }) =>
      node.fabric.addTrunk({ id: peer.nodeId, bootNonce: peer.bootNonce, cost }, this.nowMs),
    )
  }

  linkDown(link: SimLink, ending: Ending): void {
    if (!link.up) return
    this.#components = null
    link.up = false
    link.incarnation++
    this.watch.remove(link.a.node.index, link.b.node.index)
    this.#noteOpen(link, false)
    const inMs = ending === 'close' ? this.#init.detectMs : this.#init.silentMs
    this.#notice(link, inMs, ({ node }, { node: peer }) => node.fabric.removeTrunk(peer.nodeId, this.nowMs))
  }

  /** What ends with a trunk: of a virtual link, all that run over the same peer, which has crashed. */
  sharingFate(link: SimLink): readonly SimLink[] {
    return link.relay === null ? [link] : this.links.filter(({ relay }) => relay === link.relay)
  }

  #notice(link: SimLink, inMs: readonly [number, number], run: (end: LinkEnd, other: LinkEnd) => void): void {
    const { a, b, incarnation } = link
    for (const end of [a, b])
      this.queue.after(this.#random.between(...inMs), () => {
        if (link.incarnation !== incarnation || !end.node.alive) return
        run(end, end.other)
        end.port = end.node.fabric.trunks.find(end.other.node.nodeId, 0)?.port ?? 0
        end.node.treeRevision = -1
        this.#after(end.node)
      })
  }

  /** Runs something at a node, as its TAP would. */
  at(node: SimNode, run: () => void): void {
    run()
    this.#after(node)
  }

  readonly #later = (node: SimNode, run: (nowMs: number) => void): void => {
    const { datapath } = node
    this.queue.after(0, () => {
      if (node.alive && node.datapath === datapath) this.at(node, () => run(this.nowMs))
    })
  }

  /** Plans the node's next tick, and looks at its ports where they have changed. */
  #after(node: SimNode): void {
    const { revision } = node.fabric.tree
    if (node.treeRevision !== revision) {
      node.treeRevision = revision
      this.#look(node)
    }
    const tickMs = Math.max(this.nowMs, node.nextTickMs(this.nowMs))
    if (tickMs >= node.tickMs) return
    node.tickMs = tickMs
    const { datapath } = node
    this.queue.at(tickMs, () => {
      if (node.tickMs !== tickMs || node.datapath !== datapath || !node.alive) return
      node.tickMs = Number.POSITIVE_INFINITY
      node.tick(this.nowMs)
      this.#after(node)
    })
  }

  /** All ports of a node change at one moment, so what has closed comes before what has opened. */
  #look(node: SimNode): void {
    const { tree } = node.fabric
    const opened: SimLink[] = []
    for (const end of this.endsOf(node)) {
      const { link, other } = end
      end.forwards = tree.isForwarding(end.port)
      end.isOpen = tree.isOpen(end.port)
      if (!link.up) continue
      if (!end.forwards || !other.forwards) this.watch.remove(node.index, other.node.index)
      else opened.push(link)
      this.#noteOpen(link, end.isOpen && other.isOpen)
    }
    for (const { a, b } of opened)
      if (!this.watch.add(a.node.index, b.node.index)) this.#init.onLoop(a.node.index, b.node.index)
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
    const ends: LinkEnd[] = []
    for (let i = 0; i < peers; i++) {
      const end = this.#ends[from.index]!.get(idKey(head, envelopeBytes(i)))
      if (end === undefined) throw new Error('a record for somebody without a trunk')
      ends.push(end)
    }
    const message = messageFrom(from, parts, peers)
    const isSmall = isControl(message)
    for (const { link, other } of ends) {
      if (isSmall) this.#countControl(message.length)
      if (!link.up) continue
      if (isSmall && this.#init.loss > 0 && this.#random.unit() < this.#init.loss) this.controlLost++
      // Whoever receives frames may write into them; control is only read.
      else this.#carry(other, isSmall || peers === 1 ? message : message.slice())
    }
  }

  #countControl(messageBytes: number): void {
    this.controlRecords++
    this.controlBits += 8 * (messageBytes - envelopeBytes(1) + TRUNK_OVERHEAD_BYTES)
  }

  /** A trunk delays, but keeps the order. */
  #carry(to: LinkEnd, message: Uint8Array): void {
    const { link, node } = to
    const { incarnation } = link
    const atMs = this.nowMs + link.delayMs * (1 + 0.1 * this.#random.unit())
    to.arrivalMs = Math.max(to.arrivalMs, atMs)
    this.queue.at(to.arrivalMs, () => {
      if (link.incarnation !== incarnation || !node.alive) return
      const verdict = decodeRecord(message, this.#record, envelopeBytes(1))
      if (verdict !== 'ok') throw new Error(`a switch sent a record that is refused: ${verdict}`)
      node.receive(this.#record, 1, this.nowMs)
      this.#after(node)
    })
  }

  // --- what should be ----------------------------------------------------------------------------------------

  /** The nodes that a node is connected to by any way, itself included. */
  componentOf(node: SimNode): Set<number> {
    const seen = new Set([node.index])
    const front = [node]
    for (let next = front.pop(); next !== undefined; next = front.pop())
      for (const { link, other } of this.endsOf(next)) {
        if (!link.up || seen.has(other.node.index)) continue
        seen.add(other.node.index)
        front.push(other.node)
      }
    return seen
  }

  /** Whether the trunks that frames go over span whatever is connected. */
  isConverged(): boolean {
    this.#components ??= this.#countComponents()
    return this.aliveCount - this.#openLinks === this.#components
  }

  get aliveCount(): number {
    return this.#alive
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
function messageFrom(from: SimNode, parts: readonly Uint8Array[], peers: number): Uint8Array {
  const head = parts[0]!
  if (parts.length === 1 && peers === 1 && isControl(head)) {
    // Control comes in bytes of its own, which may be kept and written into.
    head.set(from.nodeId, 1)
    return head
  }
  const skip = envelopeBytes(peers)
  let length = envelopeBytes(1) - skip
  for (const part of parts) length += part.length
  const message = new Uint8Array(length)
  message[0] = 1
  message.set(from.nodeId, 1)
  let at = envelopeBytes(1)
  for (const [i, part] of parts.entries()) {
    const bytes = i === 0 ? part.subarray(skip) : part
    message.set(bytes, at)
    at += bytes.length
  }
  return message
}

/** Whether the record behind an envelope of one peer is control. */
function isControl(message: Uint8Array): boolean {
  return (message[envelopeBytes(1) + RECORD_FIELD.flags]! & RECORD_FLAG_CONTROL) !== 0
}
