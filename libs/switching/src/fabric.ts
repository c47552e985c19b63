import { FRAME_HEADER_BYTES, type FrameBatch } from '@wakunet/interface'
import {
  type DecodedRecord,
  idEquals,
  MAX_ENVELOPE_BYTES,
  MAX_ENVELOPE_NODES,
  RECORD_FIELD,
  RecordWriter,
  readOpenedFrames,
  readU32,
  type SendParts,
  writeEnvelope,
} from '@wakunet/record'
import { Bridge, type BridgeInit } from './bridge.ts'
import { decodeControlBpdu, encodeControlBpdu } from './control/bpdu.ts'
import { CONTROL_BPDU, CONTROL_LINK_STATE } from './control/message.ts'
import { TokenBucket } from './control/token-bucket.ts'
import { createDropCounters, type DropCounters } from './drops.ts'
import { FABRIC_DROPS, type FabricDrop } from './fabric-drops.ts'
import { FabricMembers } from './fabric-members.ts'
import type { Advertisement } from './link-state/advertisement.ts'
import { flowOf } from './link-state/digest.ts'
import { LinkState } from './link-state/link-state.ts'
import { type LinkNeighbour, PACING_MS } from './link-state/neighbour.ts'
import type { Member } from './members.ts'
import type { RecordSealer } from './record-sealer.ts'
import { RELAY_ALL, RelayBudget } from './relay.ts'
import { RelayedTags } from './relayed-tags.ts'
import { SpanningTree } from './spanning-tree/spanning-tree.ts'
import type { SpanningTreeInit, TreeAction } from './spanning-tree/types.ts'
import { type FabricTrunk, type TrunkInit, TrunkTable } from './trunk-table.ts'

/** Port of the TAP in the spanning tree; trunks have the numbers after it. */
export const TAP_PORT = 1
/** A neighbour's message crosses one trunk. */
const NEIGHBOUR_HOP_LIMIT = 1
const SWEEP_MS = 10_000
/** Frames of one member to everybody that are passed on: more than twice what storm control lets any receiver take of it. */
const PASSED_BURST = 1_024
const PASSED_PER_SECOND = 1_024
/** Members that come and go within this time are taken over together; a frame from one of them does not wait. */
const MEMBERS_DELAY_MS = 25
/** Indexes of the frames of a small batch that all goes one way. */
const ALL_FRAMES = Uint16Array.from({ length: 256 }, (_, index) => index)

export interface VlanFabricInit extends BridgeInit {
  /** 16 bytes. */
  readonly vlanId: Uint8Array
  /** This node, 16 bytes. */
  readonly nodeId: Uint8Array
  /** 8 bytes, random at every start. */
  readonly bootNonce: Uint8Array
  /** Whether what one member sends to everybody is passed on at a bearable rate. Default: at any. */
  readonly isStormGuarded?: () => boolean
  /** The MAC address that is bound to a member, or null. */
  readonly macOf: (nodeId: Uint8Array) => number | null
  /** Unix time in milliseconds (see `LinkStateInit`). */
  readonly firstSequence: number
  /** 32 random bits (see `SpanningTreeInit`). */
  readonly firstNumber: number
  readonly tree?: Pick<SpanningTreeInit, 'priority' | 'maxAge' | 'forwardDelayMs' | 'isGranted'>
  /** Most neighbours in the graph of trunks, up to 64. */
  readonly maxNeighbours?: number
  /**
   * Seals unicast for members that no trunk leads to, and opens what they have sealed; unicast that others could have read or made
   * is then refused. Without one, whoever passes a record on is believed.
   */
  readonly sealer?: RecordSealer
  /** What is passed on for others; one for all VLANs of a switch. Default: everything. */
  readonly relay?: RelayBudget
  /** See `LinkStateInit`. */
  readonly keep?: (bytes: Uint8Array) => Advertisement
}

export interface VlanFabricOutput {
  /** Takes one lane message: an envelope and a record. */
  readonly send: SendParts
  /** A control message of a type that the fabric has nothing to do with. */
  readonly onControl?: (
    from: FabricTrunk,
    bytes: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
  ) => void
  /** A trunk came, went, or is open now, or no longer. */
  readonly onTrunks?: () => void
  /** A member came, went, or was started anew. */
  readonly onMembers?: (nowMs: number) => void
  /** Something may have to be done sooner than `nextTickMs` said before. */
  readonly onWake?: () => void
}

/** Monotonic counters. */
export interface FabricStats {
  /** Records of others that were passed on. */
  transits: number
  controlRecordsSent: number
  /** Records for members that no trunk leads to, and from such members. */
  sealed: number
  opened: number
  /** Records of others that were for one member, of those passed on, and their bytes. */
  relayed: number
  relayedBytes: number
}

/**
 * All that one VLAN's switch decides: the bridge of its TAP, the spanning tree over its trunks, the graph of trunks among
 * all members, and what is passed on for others.
 *
 * ```text
 *   TAP ── forward ──▶ bridge ──▶ tree: open trunks / member: next hop ──▶ send
 *   trunk ─ receive ─▶ checks, frame hash cache ──▶ passed on ──▶ send
 *                                └─ for this node: the member that sent it; frames go through bridge.receiveFrame
 *   trunk ─ receive ─▶ control: spanning tree, link state ──▶ send
 * ```
 */
export class VlanFabric {
  readonly bridge: Bridge
  readonly tree: SpanningTree
  readonly linkState: LinkState
  readonly trunks = new TrunkTable(TAP_PORT + 1)
  readonly drops: DropCounters<FabricDrop> = createDropCounters(FABRIC_DROPS)
  readonly stats: FabricStats = {
    transits: 0,
    controlRecordsSent: 0,
    sealed: 0,
    opened: 0,
    relayed: 0,
    relayedBytes: 0,
  }
  readonly #init: VlanFabricInit
  readonly #nodeId: Uint8Array
  readonly #output: VlanFabricOutput
  readonly #writer: RecordWriter
  readonly #members: FabricMembers
  readonly #sealer: RecordSealer | null
  readonly #relay: RelayBudget
  readonly #relayedTags = new RelayedTags()
  readonly #head = new Uint8Array(MAX_ENVELOPE_BYTES)
  readonly #parts: Uint8Array[] = []
  readonly #others: Uint8Array[] = []
  #treePeers: readonly Uint8Array[] = []
  /** Trunks with messages in their outbox. */
  #talking: FabricTrunk[] = []
  /** Trunks with messages that are in no haste. */
  #waiting: FabricTrunk[] = []
  #sweepMs: number
  #membersDueMs = Number.POSITIVE_INFINITY

  constructor(init: VlanFabricInit, output: VlanFabricOutput, nowMs: number) {
    this.#init = init
    this.#nodeId = init.nodeId
    this.#output = output
    this.#writer = new RecordWriter({ vlanId: init.vlanId, ingress: init.nodeId, bootNonce: init.bootNonce })
    this.bridge = new Bridge(init, nowMs)
    this.#members = new FabricMembers(init.nodeId, init.macOf)
    this.#sweepMs = nowMs + SWEEP_MS
    this.#sealer = init.sealer ?? null
    this.#relay = init.relay ?? new RelayBudget(RELAY_ALL, nowMs)
    const { nodeId, firstNumber } = init
    this.tree = new SpanningTree({ ...init.tree, nodeId, firstNumber, trunkTopologyChanges: false })
    this.linkState = new LinkState(
      {
        nodeId,
        bootNonce: init.bootNonce,
        firstSequence: init.firstSequence,
        relays: this.#relay.enabled,
        send: (to, messages) => {
          for (const message of messages) this.#post(this.trunks.find(to.id, 0)!, message)
        },
        ...(init.maxNeighbours !== undefined && { maxNeighbours: init.maxNeighbours }),
        ...(init.keep !== undefined && { keep: init.keep }),
      },
      nowMs,
    )
    this.#run(this.tree.addPort(TAP_PORT, { kind: 'lan', edge: true }, nowMs), nowMs)
  }

  // --- trunks ----------------------------------------------------------------------------------------------

  /** A trunk to another member of the VLAN is up. One that is known is made anew. */
  addTrunk(init: TrunkInit, nowMs: number): void {
    this.#dropTrunk(init.id, nowMs)
    const trunk = this.trunks.add(init)
    trunk.neighbour = this.linkState.addNeighbour(trunk.id, init.cost, nowMs)
    const port = { kind: 'trunk', cost: init.cost, neighbour: trunk.id } as const
    this.#run(this.tree.addPort(trunk.port, port, nowMs), nowMs)
    this.#finish(nowMs)
    this.#output.onTrunks?.()
  }

  /** A trunk is down, or its peer has left the VLAN. */
  removeTrunk(id: Uint8Array, nowMs: number): void {
    if (!this.#dropTrunk(id, nowMs)) return
    this.#finish(nowMs)
    this.#output.onTrunks?.()
  }

  #dropTrunk(id: Uint8Array, nowMs: number): boolean {
    const trunk = this.trunks.find(id, 0)
    if (trunk === null) return false
    this.trunks.remove(trunk)
    if (trunk.neighbour !== null) this.linkState.removeNeighbour(trunk.neighbour, nowMs)
    this.#run(this.tree.removePort(trunk.port, nowMs), nowMs)
    this.#noteOpen()
    return true
  }

  /** The trunk's round trip is of another class now. */
  setTrunkCost(id: Uint8Array, cost: number, nowMs: number): void {
    const trunk = this.trunks.find(id, 0)
    if (trunk === null) return
    if (trunk.neighbour !== null) this.linkState.setCost(trunk.neighbour, cost, nowMs)
    this.#run(this.tree.setCost(trunk.port, cost, nowMs), nowMs)
    this.#finish(nowMs)
  }

  /** The VLAN's owner granted this node another priority. */
  setPriority(priority: number, nowMs: number): void {
    this.#run(this.tree.setPriority(priority, nowMs), nowMs)
    this.#finish(nowMs)
  }

  /** The peers of a record to the tree: the trunks that frames go over. */
  get treePeers(): readonly Uint8Array[] {
    return this.#treePeers
  }

  // --- from the TAP ------------------------------------------------------------------------------------------

  /** Frames with record frame headers from the TAP: each leaves for the tree, or for the member that has its address. */
  forward(batch: FrameBatch, nowMs: number): void {
    if (!this.tree.isForwarding(TAP_PORT)) {
      this.drops['lan-blocked'] += batch.count
      return
    }
    this.#updateMembers(nowMs)
    const plan = this.bridge.forward(batch, nowMs)
    for (let i = 0; i < plan.groupCount; i++) {
      const { member, indexes, count } = plan.group(i)
      if (member === null) this.#writeToTree(batch, indexes, count)
      else this.#writeTo(member, batch, indexes, count, nowMs)
    }
  }

  #writeToTree(batch: FrameBatch, indexes: Uint16Array, count: number): void {
    const peers = this.#treePeers
    if (peers.length === 0) {
      this.drops['no-route'] += count
      return
    }
    const bytes = bytesOf(batch, indexes, count)
    this.#writer.write(batch, indexes, count, null, peers, this.#output.send)
    for (const peer of peers) this.#noteUse(peer, bytes)
  }

  /**
   * Sends frames to one member: in clear over a trunk that ends there, sealed where others pass them on. While the member's key is not
   * known, a trunk of its own is better than a shorter way.
   */
  #writeTo(member: Member, batch: FrameBatch, indexes: Uint16Array, count: number, nowMs: number): void {
    const shortest = this.#hopTo(member, nowMs)
    if (shortest === null) {
      this.drops['no-route'] += count
      return
    }
    const passedOn = this.#sealer !== null && !idEquals(shortest.id, 0, member.id)
    const sealer = passedOn ? this.#sealer!.sealerFor(member.id, 0) : null
    const hop = passedOn && sealer === null ? this.#ownTrunkTo(member) : shortest
    if (hop === null) {
      this.drops['seal-no-key'] += count
      return
    }
    const { send } = this.#output
    const bytes = bytesOf(batch, indexes, count)
    if (sealer === null) this.#writer.write(batch, indexes, count, member.id, hop.peers, send)
    else
      this.stats.sealed += this.#writer.writeSealed(batch, indexes, count, member.id, hop.peers, sealer, send)
    member.bytes += bytes
    this.#noteUse(hop.id, bytes)
  }

  #ownTrunkTo(member: Member): LinkNeighbour | null {
    return this.trunks.find(member.id, 0)?.neighbour ?? null
  }

  /** Notes what a trunk is used for. */
  #noteUse(peer: Uint8Array, bytes: number): void {
    const trunk = this.trunks.find(peer, 0)
    if (trunk !== null) trunk.bytes += bytes
  }

  /** Whether frames pass to and from the TAP at all: a LAN behind it may be served by another member. */
  setTapForwarding(isForwarding: boolean, nowMs: number): void {
    if (isForwarding) {
      if (!this.tree.isForwarding(TAP_PORT))
        this.#run(this.tree.addPort(TAP_PORT, { kind: 'lan', edge: true }, nowMs), nowMs)
      // The stations of that LAN were behind another member until now.
      this.#run(this.tree.changeTopology(TAP_PORT, nowMs), nowMs)
    } else {
      // They are behind another member now, who may not know that they were here.
      this.#run(this.tree.changeTopology(TAP_PORT, nowMs), nowMs)
      this.#run(this.tree.removePort(TAP_PORT, nowMs), nowMs)
    }
    this.#finish(nowMs)
  }

  /** A frame of this node's own for one member, with a record frame header. */
  sendTo(member: Member, batch: FrameBatch, nowMs: number): void {
    this.#writeTo(member, batch, ALL_FRAMES, batch.count, nowMs)
  }

  /** A frame of this node's own for everybody, with a record frame header. */
  sendToTree(batch: FrameBatch): void {
    this.#writeToTree(batch, ALL_FRAMES, batch.count)
  }

  #hopTo(member: Member, nowMs: number): LinkNeighbour | null {
    return this.linkState.nextHop(member.id, 0, flowOf(this.#nodeId, 0, member.id, 0), nowMs)
  }

  // --- from trunks -------------------------------------------------------------------------------------------

  /**
   * A record of this VLAN came over a trunk. It is passed on where it is (also) for others; control is dealt with.
   * @param peerOffset where the node id of the trunk's peer is in `record.bytes`
   * @returns the member whose frames are for the TAP now, or null
   */
  receive(record: DecodedRecord, peerOffset: number, nowMs: number): Member | null {
    const trunk = this.trunks.find(record.bytes, peerOffset)
    if (trunk === null) return this.#drop('trunk-unknown')
    if (record.epoch !== 0) return this.#drop('epoch')
    if (record.control && !record.tree) {
      this.#receiveNeighbour(record, trunk, nowMs)
      return null
    }
    return this.#receiveMember(record, trunk, nowMs)
  }

  #receiveMember(record: DecodedRecord, trunk: FabricTrunk, nowMs: number): Member | null {
    const { bytes, offset } = record
    if (idEquals(bytes, offset + RECORD_FIELD.ingress, this.#nodeId)) return this.#drop('own-record')
    this.#updateMembers(nowMs)
    const member = this.bridge.members.find(bytes, offset + RECORD_FIELD.ingress)
    if (member === null) return this.#drop('ingress-unknown')
    if (record.tree) return this.#receiveTree(record, trunk, member, nowMs)
    const isForHere = idEquals(bytes, offset + RECORD_FIELD.egress, this.#nodeId)
    if (record.sealed)
      return isForHere
        ? this.#receiveSealed(record, trunk, member)
        : this.#relaySealed(record, trunk, member, nowMs)
    const isDirect = idEquals(bytes, offset + RECORD_FIELD.ingress, trunk.id)
    if (this.#sealer !== null && !(isForHere && isDirect)) return this.#drop('unsealed')
    if (!isNonce(record, isDirect ? trunk.bootNonce : member.bootNonce)) return this.#drop('boot-nonce')
    // Whoever is at the other end of a trunk alone numbers what comes over it.
    const window = isDirect ? trunk.window : member.window
    const verdict = window.accept(record.sequence)
    if (verdict !== 'new') return this.#dropSequence(verdict)
    if (isForHere) return this.#deliver(record, trunk, member)
    this.#relayTo(record, trunk, member, nowMs)
    return null
  }

  #receiveTree(record: DecodedRecord, trunk: FabricTrunk, member: Member, nowMs: number): Member | null {
    if (!isNonce(record, member.bootNonce)) return this.#drop('boot-nonce')
    if (!this.tree.isForwarding(trunk.port)) return this.#drop('tree-blocked')
    const verdict = member.window.accept(record.sequence)
    if (verdict !== 'new') return this.#dropSequence(verdict)
    if (record.control || this.#mayPass(member, record.batch.count, nowMs)) this.#passToTree(record, trunk)
    if (!record.control) return this.#deliver(record, trunk, member)
    this.#dispatch(record, trunk, nowMs)
    return null
  }

  /** Sealed for this node: what proves that it is its ingress node's is the seal, whatever way it came. */
  #receiveSealed(record: DecodedRecord, trunk: FabricTrunk, member: Member): Member | null {
    const verdict = this.#sealer?.open(record) ?? 'no-key'
    if (verdict === 'no-key') return this.#drop('seal-no-key')
    if (verdict === 'forged') return this.#drop('seal-forged')
    if (verdict !== 'ok') return this.#dropSequence(verdict)
    if (readOpenedFrames(record) !== 'ok') return this.#drop('seal-malformed')
    this.stats.opened++
    return this.#deliver(record, trunk, member)
  }

  #deliver(record: DecodedRecord, trunk: FabricTrunk, member: Member): Member | null {
    const size = record.end - record.offset
    trunk.bytes += size
    member.bytes += size
    return this.tree.isForwarding(TAP_PORT) ? member : this.#drop('lan-blocked')
  }

  /** Sealed for another member: nobody here can say whether it is genuine. */
  #relaySealed(record: DecodedRecord, trunk: FabricTrunk, member: Member, nowMs: number): null {
    if (!this.#relayedTags.note(record)) return this.#drop('relay-again')
    this.#relayTo(record, trunk, member, nowMs)
    return null
  }

  #relayTo(record: DecodedRecord, from: FabricTrunk, member: Member, nowMs: number): void {
    const { bytes, offset, end } = record
    if (!this.#relay.enabled) return void this.#drop('relay-off')
    const egress = offset + RECORD_FIELD.egress
    const flow = flowOf(bytes, offset + RECORD_FIELD.ingress, bytes, egress)
    const hop = this.linkState.nextHop(bytes, egress, flow, nowMs)
    if (hop === null || hop === from.neighbour) return void this.#drop('no-route')
    if (record.hopLimit <= 1) return void this.#drop('hop-limit')
    if (!this.#relay.take(member, end - offset, nowMs)) return void this.#drop('relay-rate')
    this.stats.relayed++
    this.stats.relayedBytes += end - offset
    this.#pass(record, hop.peers)
  }

  /** A flood that every receiver would drop does not fill the queues of trunks that others need. */
  #mayPass(member: Member, frames: number, nowMs: number): boolean {
    if (this.#init.isStormGuarded?.() !== true) return true
    member.passed ??= new TokenBucket(PASSED_BURST, PASSED_PER_SECOND, nowMs)
    if (member.passed.take(nowMs, frames)) return true
    this.drops['tree-rate']++
    return false
  }

  #passToTree(record: DecodedRecord, from: FabricTrunk): void {
    const others = this.#others
    others.length = 0
    for (const peer of this.#treePeers) if (peer !== from.id) others.push(peer)
    if (others.length > 0) this.#pass(record, others)
  }

  /** Sends a record on as it came, with a hop less to go. */
  #pass(record: DecodedRecord, peers: readonly Uint8Array[]): void {
    if (record.hopLimit <= 1) {
      this.drops['hop-limit']++
      return
    }
    this.stats.transits++
    record.bytes[record.offset + RECORD_FIELD.hopLimit] = record.hopLimit - 1
    this.#parts[1] = record.bytes.subarray(record.offset, record.end)
    for (let from = 0; from < peers.length; from += MAX_ENVELOPE_NODES) {
      const to = Math.min(peers.length, from + MAX_ENVELOPE_NODES)
      this.#parts[0] = this.#head.subarray(0, writeEnvelope(this.#head, 0, peers, from, to))
      this.#output.send(this.#parts)
    }
  }

  #drop(reason: FabricDrop): null {
    this.drops[reason]++
    return null
  }

  #dropSequence(verdict: 'seen' | 'old'): null {
    return this.#drop(verdict === 'seen' ? 'sequence-seen' : 'sequence-old')
  }

  // --- control -----------------------------------------------------------------------------------------------

  /** Control of the neighbour at the other end of a trunk, for this node. */
  #receiveNeighbour(record: DecodedRecord, trunk: FabricTrunk, nowMs: number): void {
    const { bytes, offset } = record
    const isBetween =
      record.hopLimit === NEIGHBOUR_HOP_LIMIT &&
      idEquals(bytes, offset + RECORD_FIELD.ingress, trunk.id) &&
      idEquals(bytes, offset + RECORD_FIELD.egress, this.#nodeId)
    if (!isBetween) return void this.#drop('control-hop')
    if (!isNonce(record, trunk.bootNonce)) return void this.#drop('boot-nonce')
    const verdict = trunk.window.accept(record.sequence)
    if (verdict !== 'new') return void this.#dropSequence(verdict)
    this.#dispatch(record, trunk, nowMs)
  }

  #dispatch(record: DecodedRecord, trunk: FabricTrunk, nowMs: number): void {
    const { bytes, offsets, lengths, count } = record.batch
    for (let i = 0; i < count; i++) {
      const offset = offsets[i]! + FRAME_HEADER_BYTES
      const type = bytes[offset]!
      if (type === CONTROL_BPDU || type === CONTROL_LINK_STATE) {
        // These are between neighbours; over the tree they would be somebody else's word.
        if (record.tree) this.drops['control-unknown']++
        else this.#receiveControl(type, trunk, bytes, offset, lengths[i]!, nowMs)
      } else if (this.#output.onControl !== undefined)
        this.#output.onControl(trunk, bytes, offset, lengths[i]!, nowMs)
      else this.drops['control-unknown']++
    }
    this.#finish(nowMs)
  }

  #receiveControl(
    type: number,
    trunk: FabricTrunk,
    bytes: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
  ): void {
    if (type === CONTROL_LINK_STATE) {
      if (trunk.neighbour !== null) this.linkState.receive(trunk.neighbour, bytes, offset, length, nowMs)
      return
    }
    const bpdu = decodeControlBpdu(bytes, offset, length)
    if (bpdu === null) this.drops['control-malformed']++
    else this.#run(this.tree.receive(trunk.port, bpdu, nowMs), nowMs)
  }

  /** Sends a control message to a neighbour: the first one at once, those soon after it together. */
  sendControl(to: FabricTrunk, message: Uint8Array, nowMs: number): void {
    if (to.waiting.length === 0) this.#waiting.push(to)
    if (!to.postLater(message)) this.drops['control-full']++
    this.#finish(nowMs)
  }

  /** What waits goes along with what is in haste, or when it has waited for long enough. */
  #release(nowMs: number): void {
    if (this.#waiting.length === 0) return
    const waiting = this.#waiting.splice(0)
    for (const trunk of waiting) {
      if (trunk.outbox.length === 0 && nowMs < trunk.pacedUntilMs) {
        this.#waiting.push(trunk)
        continue
      }
      trunk.pacedUntilMs = nowMs + PACING_MS
      const messages = trunk.waiting
      trunk.waiting = []
      for (const message of messages) this.#post(trunk, message)
    }
  }

  #post(to: FabricTrunk, message: Uint8Array): void {
    if (to.outbox.length === 0) this.#talking.push(to)
    if (!to.post(message)) this.drops['control-full']++
  }

  #run(actions: readonly TreeAction[], nowMs: number): void {
    let changed = false
    for (const action of actions) {
      if (action.kind === 'flush') this.bridge.flush(action.exceptPort !== TAP_PORT)
      else if (action.kind === 'port') changed = true
      // Nobody on the TAP's side takes part in the tree.
      else if (action.port !== TAP_PORT)
        this.#post(this.trunks.ofPort(action.port)!, encodeControlBpdu(action.bpdu))
    }
    if (changed) this.#noteStates(nowMs)
  }

  /** Takes over which trunks frames go over now. */
  #noteStates(nowMs: number): void {
    let changed = false
    for (const trunk of this.trunks.all) {
      const isOpen = this.tree.isOpen(trunk.port)
      if (isOpen === trunk.isOpen) continue
      trunk.isOpen = isOpen
      changed = true
      if (trunk.neighbour !== null) this.linkState.setInTree(trunk.neighbour, isOpen, nowMs)
    }
    if (!changed) return
    this.#noteOpen()
    this.#output.onTrunks?.()
  }

  #noteOpen(): void {
    this.#treePeers = [...this.trunks.all].filter(({ isOpen }) => isOpen).map(({ id }) => id)
  }

  /** Sends what a call has left for the neighbours, in one record for each. */
  #finish(nowMs: number): void {
    this.linkState.flush(nowMs)
    if (this.#membersDueMs === Number.POSITIVE_INFINITY && this.#members.isStale(this.linkState.database))
      this.#membersDueMs = nowMs + MEMBERS_DELAY_MS
    this.#release(nowMs)
    this.#output.onWake?.()
    const talking = this.#talking
    this.#talking = []
    for (const trunk of talking) {
      const { id, peers, outbox } = trunk
      trunk.outbox = []
      // Gone meanwhile.
      if (this.trunks.ofPort(trunk.port) !== trunk) continue
      const { send } = this.#output
      this.stats.controlRecordsSent += this.#writer.writeControl(outbox, id, NEIGHBOUR_HOP_LIMIT, peers, send)
    }
  }

  #updateMembers(nowMs: number): void {
    this.#membersDueMs = Number.POSITIVE_INFINITY
    if (this.#members.update(this.bridge, this.linkState.database, nowMs)) this.#output.onMembers?.(nowMs)
  }

  // --- clock -------------------------------------------------------------------------------------------------

  /** When `tick` has something to do. */
  nextTickMs(nowMs: number): number {
    const { tree, linkState, bridge } = this
    const dueMs = Math.min(tree.nextTickMs(), linkState.nextTickMs(nowMs), bridge.dueMs)
    let nextMs = Math.min(dueMs, this.#membersDueMs, this.#sweepMs)
    for (const { pacedUntilMs } of this.#waiting) nextMs = Math.min(nextMs, pacedUntilMs)
    return nextMs
  }

  tick(nowMs: number): void {
    if (this.tree.nextTickMs() <= nowMs) this.#run(this.tree.tick(nowMs), nowMs)
    if (this.linkState.nextTickMs(nowMs) <= nowMs) this.linkState.tick(nowMs)
    if (this.bridge.dueMs <= nowMs) this.bridge.tick(nowMs)
    if (this.#membersDueMs <= nowMs) this.#updateMembers(nowMs)
    if (this.#sweepMs <= nowMs) {
      this.#sweepMs = nowMs + SWEEP_MS
      this.bridge.sweep(nowMs)
    }
    this.#finish(nowMs)
  }
}

function bytesOf({ lengths }: FrameBatch, indexes: Uint16Array, count: number): number {
  let bytes = 0
  for (let i = 0; i < count; i++) bytes += lengths[indexes[i]!]!
  return bytes
}

function isNonce(record: DecodedRecord, nonce: Uint8Array): boolean {
  return record.bootNonceHigh === readU32(nonce, 0) && record.bootNonceLow === readU32(nonce, 4)
}
