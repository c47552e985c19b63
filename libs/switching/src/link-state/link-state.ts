import { ID_BYTES } from '@wakunet/interface'
import { idEquals } from '@wakunet/record'
import { compareBytes } from '../control/bytes.ts'
import {
  ADVERTISEMENT_FIELD,
  advertisementIsValid,
  encodeAdvertisement,
  linkStateKind,
  MAX_ADVERTISED_NEIGHBOURS,
  readSequence,
} from '../control/link-state-message.ts'
import { TokenBucket } from '../control/token-bucket.ts'
import type { Advertisement } from './advertisement.ts'
import { copyAdvertisement, type DatabaseStats, LinkStateDatabase, MAX_ORIGINS } from './database.ts'
import { advertisedCost, LinkGraph } from './graph.ts'
import { LinkNeighbour, PACING_MS } from './neighbour.ts'
import type { Origin } from './origin.ts'
import { type FirstHop, ShortestPaths, UNREACHABLE } from './shortest-paths.ts'
import { Synchronizer, type SynchronizerStats } from './synchronizer.ts'

/** A change is advertised when nothing else has changed for so long, */
export const ADVERTISE_DELAY_MS = 50
/** but not later than this after it, and not sooner after the last advertisement: a node that starts finds its neighbours one by one. */
const ADVERTISE_GAP_MS = 250
/** A trunk that is gone cannot wait: until everybody knows, frames are lost on it. Others that went with it may still be told together. */
const LOSS_DELAY_MS = 10
/** Own advertisements at once, and a second after that; receivers take 8. The last ones are kept for trunks that are gone, whatever costs do. */
const ADVERTISE_BURST = 7
const KEPT_FOR_LOSSES = 3
/**
 * The tree may have broken with the trunk, and heals by other messages later: who has lost a trunk tells all neighbours, and everybody
 * else so many beside those of the tree.
 */
const LOSS_FANOUT = 2
const ADVERTISEMENTS_PER_SECOND = 1
/** An origin out of reach for longer is forgotten. */
export const ORIGIN_AGEING_MS = 60_000
const SWEEP_MS = 15_000
const MAX_SYNC_AGE_MS = 1_000

export interface LinkStateInit {
  /** This node, 16 bytes. */
  readonly nodeId: Uint8Array
  /** 8 bytes. */
  readonly bootNonce: Uint8Array
  /** Higher than any this node has used before: the Unix time in milliseconds. */
  readonly firstSequence: number
  /** Sends control messages (type 2) over one trunk, hop limit 1. The bytes must not be changed. */
  readonly send: (to: LinkNeighbour, messages: readonly Uint8Array[]) => void
  /** Default 4,096. */
  readonly maxOrigins?: number
  /** Neighbours that are used, of this node and of others, up to 64. Default 64. */
  readonly maxNeighbours?: number
  /** Whether this node passes unicast on for others; where it does not, it says so, and no way leads through it. Default true. */
  readonly relays?: boolean
  /** See `DatabaseInit`. */
  readonly keep?: (bytes: Uint8Array) => Advertisement
}

/** Monotonic counters. */
export interface LinkStateStats extends DatabaseStats, SynchronizerStats {
  advertised: number
  malformed: number
  /** Neighbours over the limit, which are not used. */
  neighboursRefused: number
  pathsComputed: number
}

/**
 * What this node knows of the trunks among a VLAN's members, and the shortest ways that follow from it. Paths are
 * computed when somebody asks after something has changed.
 *
 * Control messages gather in the neighbours' outboxes until `flush`.
 */
export class LinkState {
  readonly database: LinkStateDatabase
  readonly #init: LinkStateInit
  readonly #maxNeighbours: number
  readonly #graph: LinkGraph
  /** Over all members: who is there. */
  readonly #paths = new ShortestPaths()
  /** Over those that pass unicast on: the same, unless somebody does not. */
  #routes = this.#paths
  #routesAroundLeaves: ShortestPaths | null = null
  readonly #sync: Synchronizer
  readonly #rate: TokenBucket
  readonly #counters = { advertised: 0, malformed: 0, neighboursRefused: 0, pathsComputed: 0 }
  #self: Origin
  /** Ascending by id. */
  #neighbours: readonly LinkNeighbour[] = []
  /** Those of the tree: few, of many. */
  #treeNeighbours: readonly LinkNeighbour[] = []
  /** Those with messages in their outbox. */
  #waiting: LinkNeighbour[] = []
  #sequence: number
  /** Whose turn it is among neighbours that are not of the tree. */
  #turn = 0
  /** First and last of the changes that are to be advertised. */
  #firstChangeMs = Number.POSITIVE_INFINITY
  #changedMs = Number.POSITIVE_INFINITY
  /** The first of them that is a lost trunk. */
  #lostMs = Number.POSITIVE_INFINITY
  #advertisedMs = Number.NEGATIVE_INFINITY
  #sweepMs: number
  #isDirty = true
  /** By slot: 1 where a way leads there. */
  #reached = new Uint8Array(0)
  #computedMs = Number.NEGATIVE_INFINITY

  constructor(init: LinkStateInit, nowMs: number) {
    this.#init = init
    this.#maxNeighbours = Math.min(init.maxNeighbours ?? MAX_ADVERTISED_NEIGHBOURS, MAX_ADVERTISED_NEIGHBOURS)
    this.#graph = new LinkGraph(this.#maxNeighbours)
    this.database = new LinkStateDatabase({
      maxOrigins: init.maxOrigins ?? MAX_ORIGINS,
      keep: init.keep ?? copyAdvertisement,
    })
    this.database.onRemove = (origin) => this.#graph.unlink(origin.slot)
    this.#rate = new TokenBucket(ADVERTISE_BURST, ADVERTISEMENTS_PER_SECOND, nowMs)
    this.#sequence = init.firstSequence - 1
    this.#self = this.#advertise(nowMs)
    // Nobody has heard of that one: the first neighbours need not wait for the gap.
    this.#advertisedMs = Number.NEGATIVE_INFINITY
    this.#sync = new Synchronizer(this.database, init.nodeId)
    this.#sweepMs = nowMs + SWEEP_MS
  }

  get stats(): LinkStateStats {
    return { ...this.database.stats, ...this.#sync.stats, ...this.#counters }
  }

  get neighbours(): readonly LinkNeighbour[] {
    return this.#neighbours
  }

  /** Members that can be reached, this node left out. */
  *reachable(nowMs: number): Generator<Origin> {
    this.#ensure(nowMs)
    for (const origin of this.database.slots)
      if (origin !== null && origin !== this.#self && this.#distanceTo(origin) !== UNREACHABLE) yield origin
  }

  /**
   * A trunk to another member is up. A neighbour over the limit is not used.
   * @param id its node id, 16 bytes, which must not be changed
   */
  addNeighbour(id: Uint8Array, cost: number, nowMs: number): LinkNeighbour | null {
    if (this.#neighbours.length >= this.#maxNeighbours) {
      this.#counters.neighboursRefused++
      return null
    }
    const neighbour = new LinkNeighbour(id, cost, this.#waiting, nowMs)
    this.#neighbours = [...this.#neighbours, neighbour].sort((a, b) =>
      compareBytes(a.id, 0, b.id, 0, ID_BYTES),
    )
    this.#change(nowMs)
    return neighbour
  }

  removeNeighbour(neighbour: LinkNeighbour, nowMs: number): void {
    const isOther = (other: LinkNeighbour) => other !== neighbour
    this.#neighbours = this.#neighbours.filter(isOther)
    this.#treeNeighbours = this.#treeNeighbours.filter(isOther)
    neighbour.outbox = []
    this.#lostMs = Math.min(this.#lostMs, nowMs)
    this.#change(nowMs)
  }

  setCost(neighbour: LinkNeighbour, cost: number, nowMs: number): void {
    if (neighbour.cost === cost) return
    neighbour.cost = cost
    this.#change(nowMs)
  }

  /** Whether the trunk forwards in the spanning tree: what is new goes over these. */
  setInTree(neighbour: LinkNeighbour, inTree: boolean, nowMs: number): void {
    const isNew = inTree && !neighbour.inTree
    neighbour.inTree = inTree
    this.#treeNeighbours = this.#neighbours.filter((other) => other.inTree)
    if (isNew) this.#sendDigest(neighbour, nowMs)
  }

  #change(nowMs: number): void {
    this.#firstChangeMs = Math.min(this.#firstChangeMs, nowMs)
    this.#changedMs = nowMs
    this.#isDirty = true
  }

  /** A link state message came from a neighbour. */
  receive(from: LinkNeighbour, bytes: Uint8Array, offset: number, length: number, nowMs: number): void {
    const kind = linkStateKind(bytes, offset, length)
    if (kind === 'advertisement') {
      if (advertisementIsValid(bytes, offset, length)) this.#hear(from, bytes, offset, length, nowMs)
      else this.#counters.malformed++
      return
    }
    if (kind === null) {
      this.#counters.malformed++
      return
    }
    this.#ensure(nowMs, this.#syncAgeMs())
    const verdict = this.#sync.receive(kind, from, bytes, offset, length, nowMs)
    if (verdict === 'malformed') this.#counters.malformed++
    else if (verdict > this.#sequence) this.#answerOwn(verdict, nowMs)
  }

  #hear(from: LinkNeighbour, bytes: Uint8Array, offset: number, length: number, nowMs: number): void {
    if (idEquals(bytes, offset + ADVERTISEMENT_FIELD.origin, this.#init.nodeId)) {
      const sequence = readSequence(bytes, offset + ADVERTISEMENT_FIELD.sequence)
      const isMine = idEqualsNonce(bytes, offset + ADVERTISEMENT_FIELD.bootNonce, this.#init.bootNonce)
      if (sequence > this.#sequence || (sequence === this.#sequence && !isMine))
        this.#answerOwn(sequence, nowMs)
      return
    }
    if (this.database.accept(bytes, offset, length, nowMs) !== 'newer') return
    const origin = this.database.find(bytes, offset + ADVERTISEMENT_FIELD.origin)!
    if (origin.isStale) this.#isDirty = true
    this.#sync.isDirty = true
    this.#flood(origin.advertisement.bytes, from, nowMs)
    if (origin.hasLost) this.#spread(origin.advertisement.bytes, from, LOSS_FANOUT)
  }

  /** Somebody has an advertisement of this node that it did not make since it started: it makes a newer one. */
  #answerOwn(sequence: number, nowMs: number): void {
    this.#sequence = sequence
    this.#firstChangeMs = Math.min(this.#firstChangeMs, nowMs)
    this.#changedMs = nowMs
  }

  /** Passes on what is new; a digest soon after finds out whether it was lost on the way. */
  #flood(bytes: Uint8Array, from: LinkNeighbour | null, nowMs: number): void {
    for (const neighbour of this.#treeNeighbours) {
      if (neighbour !== from) neighbour.post(bytes)
      neighbour.putOffDigest(nowMs)
    }
  }

  /** Passes on over so many trunks that are not of the tree, in turn. */
  #spread(bytes: Uint8Array, from: LinkNeighbour | null, count: number): void {
    let left = count
    const { length } = this.#neighbours
    for (let i = 0; i < length && left > 0; i++) {
      const neighbour = this.#neighbours[this.#turn++ % length]!
      if (neighbour.inTree || neighbour === from) continue
      neighbour.post(bytes)
      left--
    }
  }

  /** When `tick` has something to do. */
  nextTickMs(nowMs: number): number {
    let next = this.#sweepMs
    if (this.#changedMs !== Number.POSITIVE_INFINITY)
      next = Math.min(next, Math.max(this.#advertiseDueMs(), this.#rate.readyMs(nowMs, this.#kept)))
    for (const { digestDueMs } of this.#treeNeighbours) next = Math.min(next, digestDueMs)
    for (const { flushMs } of this.#waiting) next = Math.min(next, flushMs)
    return next
  }

  /** Advertises what has changed, sends the digests that are due and forgets whom nobody reaches. */
  tick(nowMs: number): void {
    if (nowMs >= this.#advertiseDueMs() && this.#rate.take(nowMs, 1, this.#kept)) {
      this.#advertise(nowMs)
      this.#sync.isDirty = true
      const { hasLost, advertisement } = this.#self
      this.#flood(advertisement.bytes, null, nowMs)
      if (hasLost) this.#spread(advertisement.bytes, null, this.#neighbours.length)
    }
    for (const neighbour of this.#treeNeighbours)
      if (neighbour.digestDueMs <= nowMs) this.#sendDigest(neighbour, nowMs)
    if (nowMs >= this.#sweepMs) this.#sweep(nowMs)
  }

  #sendDigest(to: LinkNeighbour, nowMs: number): void {
    this.#ensure(nowMs, this.#syncAgeMs())
    this.#sync.sendDigest(to, nowMs)
  }

  /** How old the paths may be for a digest: the more there is to compute, the more seldom. What differs is found the next time. */
  #syncAgeMs(): number {
    return Math.min(MAX_SYNC_AGE_MS, this.database.size)
  }

  #advertiseDueMs(): number {
    const quietMs = Math.min(this.#changedMs + ADVERTISE_DELAY_MS, this.#firstChangeMs + ADVERTISE_GAP_MS)
    const dueMs = Math.max(quietMs, this.#advertisedMs + ADVERTISE_GAP_MS)
    return Math.min(dueMs, this.#lostMs + LOSS_DELAY_MS)
  }

  /** Advertisements that what has changed must not use up. */
  get #kept(): number {
    return this.#lostMs === Number.POSITIVE_INFINITY ? KEPT_FOR_LOSSES : 0
  }

  #advertise(nowMs: number): Origin {
    this.#firstChangeMs = Number.POSITIVE_INFINITY
    this.#changedMs = Number.POSITIVE_INFINITY
    this.#lostMs = Number.POSITIVE_INFINITY
    this.#advertisedMs = nowMs
    if (this.#sequence < Number.MAX_SAFE_INTEGER) this.#sequence++
    this.#counters.advertised++
    const { nodeId, bootNonce } = this.#init
    const bytes = encodeAdvertisement(
      nodeId,
      bootNonce,
      this.#sequence,
      this.#neighbours,
      this.#init.relays ?? true,
    )
    for (const neighbour of this.#neighbours) neighbour.advertisedCost = neighbour.cost
    this.database.accept(bytes, 0, bytes.length, nowMs, true)
    this.#self = this.database.find(nodeId, 0)!
    this.#self.unreachableSinceMs = Number.POSITIVE_INFINITY
    this.#isDirty = true
    return this.#self
  }

  #sweep(nowMs: number): void {
    this.#sweepMs = nowMs + SWEEP_MS
    this.#ensure(nowMs)
    for (const origin of this.database.slots)
      if (origin !== null && nowMs - origin.unreachableSinceMs >= ORIGIN_AGEING_MS)
        this.database.remove(origin)
  }

  /** Sends what waits in the outboxes: the first message at once, those soon after it together. */
  flush(nowMs: number): void {
    if (this.#waiting.length === 0) return
    const waiting = this.#waiting.splice(0)
    for (const neighbour of waiting) {
      // Gone meanwhile.
      if (neighbour.outbox.length === 0) continue
      if (neighbour.flushMs > nowMs) {
        this.#waiting.push(neighbour)
        continue
      }
      this.#init.send(neighbour, neighbour.outbox)
      neighbour.outbox = []
      neighbour.flushMs = nowMs + PACING_MS
    }
  }

  /**
   * Brings the paths, and the digests of what they reach, up to date.
   * @param maxAgeMs how old the paths may be
   */
  #ensure(nowMs: number, maxAgeMs = 0): void {
    if (this.#isDirty && nowMs - this.#computedMs >= maxAgeMs) {
      this.#isDirty = false
      this.#computedMs = nowMs
      this.#counters.pathsComputed++
      this.#graph.update(this.database)
      this.#computePaths()
      this.#noteReach(nowMs)
    }
    this.#sync.update()
  }

  /** Who passes nothing on is a leaf for unicast, while everybody still hears of everybody through it. */
  #computePaths(): void {
    const { slot } = this.#self
    const firstHops = this.#firstHops()
    this.#paths.compute(this.#graph, slot, firstHops)
    this.#routes = this.#paths
    if (this.#graph.leaves.size === 0) return
    this.#routesAroundLeaves ??= new ShortestPaths()
    this.#routes = this.#routesAroundLeaves
    this.#routes.compute(this.#graph, slot, firstHops, this.#graph.leaves)
  }

  /** Who is reached seldom changes, so that the others are not even looked at. */
  #noteReach(nowMs: number): void {
    const { slots } = this.database
    const { distances } = this.#paths
    if (this.#reached.length < distances.length) {
      const before = this.#reached
      this.#reached = new Uint8Array(distances.length)
      this.#reached.set(before)
    }
    for (let slot = 0; slot < slots.length; slot++) {
      const isReached = distances[slot] === UNREACHABLE ? 0 : 1
      if (isReached === this.#reached[slot]) continue
      this.#reached[slot] = isReached
      const origin = slots[slot]
      if (!origin) continue
      origin.unreachableSinceMs = isReached === 1 ? Number.POSITIVE_INFINITY : nowMs
      this.#sync.isDirty = true
    }
  }

  /**
   * Trunks that are up here and that the neighbour advertises too, at the costs that others know: who follows a cost before he has
   * told it sends frames to a neighbour that sends them back.
   */
  #firstHops(): FirstHop[] {
    const hops: FirstHop[] = []
    for (const [bit, neighbour] of this.#neighbours.entries()) {
      const origin = this.database.find(neighbour.id, 0)
      const cost = origin === null ? 0 : advertisedCost(origin.advertisement, this.#init.nodeId)
      if (origin !== null && cost > 0)
        hops.push({
          slot: origin.slot,
          cost: Math.max(cost, neighbour.advertisedCost ?? neighbour.cost),
          bit,
        })
    }
    return hops
  }

  #distanceTo(origin: Origin): number {
    return this.#paths.distances[origin.slot] ?? UNREACHABLE
  }

  /** Cost of the way that unicast takes to the node whose id is at `offset`, or null. */
  distanceTo(bytes: Uint8Array, offset: number, nowMs: number): number | null {
    this.#ensure(nowMs)
    const origin = this.database.find(bytes, offset)
    const distance = origin === null ? UNREACHABLE : (this.#routes.distances[origin.slot] ?? UNREACHABLE)
    return distance === UNREACHABLE ? null : distance
  }

  /**
   * The neighbour through which the shortest way leads to the node whose id is at `offset`, or null. Allocates
   * nothing while nothing has changed.
   * @param flow chooses among equal ways (`flowOf`)
   */
  nextHop(bytes: Uint8Array, offset: number, flow: number, nowMs: number): LinkNeighbour | null {
    if (this.#isDirty) this.#ensure(nowMs)
    const origin = this.database.find(bytes, offset)
    if (origin === null || origin === this.#self) return null
    const low = this.#routes.lowHops[origin.slot] ?? 0
    const high = this.#routes.highHops[origin.slot] ?? 0
    const count = popCount(low) + popCount(high)
    if (count === 0) return null
    return this.#neighbours[bitOf(low, high, flow % count)]!
  }
}

function idEqualsNonce(bytes: Uint8Array, offset: number, nonce: Uint8Array): boolean {
  return compareBytes(bytes, offset, nonce, 0, nonce.length) === 0
}

function popCount(bits: number): number {
  let n = bits - ((bits >>> 1) & 0x5555_5555)
  n = (n & 0x3333_3333) + ((n >>> 2) & 0x3333_3333)
  return Math.imul((n + (n >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}

/** Position of set bit number `index` of the 64. */
function bitOf(low: number, high: number, index: number): number {
  const inLow = popCount(low)
  let bits = index < inLow ? low : high
  for (let left = index < inLow ? index : index - inLow; left > 0; left--) bits &= bits - 1
  return (index < inLow ? 0 : 32) + (31 - Math.clz32(bits & -bits))
}
