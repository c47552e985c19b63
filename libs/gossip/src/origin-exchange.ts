import { ID_BYTES } from '@wakunet/interface'
import { idEquals } from '@wakunet/record'
import {
  DEFAULT_EXCHANGE_LIMITS,
  type ExchangeLimits,
  type GossipDrop,
  type GossipMembers,
  type GossipPeer,
  MAX_SEQUENCE_AHEAD_MS,
  type OriginExchangeInit,
} from './exchange-init.ts'
import type { GossipDocument, HeldDocument } from './held-document.ts'
import { HeldDocuments, Origin } from './held-documents.ts'
import {
  DOCUMENT_FIELD,
  decodeGossipDigest,
  decodeGossipRequest,
  encodeGossipDigest,
  encodeGossipRequest,
  encodeGossipSummary,
  type GossipDigest,
  gossipKind,
  gossipSummaryIsValid,
  MAX_GOSSIP_ENTRIES,
  readSequence,
  SUMMARY_ENTRY_BYTES,
  SUMMARY_FIELD,
} from './messages.ts'
import { compareIdsAt, FIRST_ID, LAST_ID, successorOf } from './node-ids.ts'
import { TokenBucket } from './token-bucket.ts'

/** Refused documents of one neighbour: at once, and a second after that; then none of it is looked at. */
const REFUSED_BURST = 16
const REFUSED_PER_SECOND = 1
const ENCODE_RETRY_MS = 1_000
/** Newcomers seldom come alone: digests wait for so long. */
const NEWCOMER_MS = 250

/** A member that is none any more, and what it said last. */
export interface Gone<P, D> {
  readonly member: P
  readonly document: D
}

interface Neighbour<P> {
  readonly peer: P
  readonly sync: TokenBucket
  readonly refused: TokenBucket
  /** Digests in a row that did not match. */
  mismatches: number
}

/**
 * One document of each member, the same at all of them. A newer one goes from neighbour to neighbour, each passes on what is
 * new to it; digests find what was lost. A member that has never said anything sends nothing, and nothing needs to be
 * refreshed, so what an idle node sends does not grow with the members.
 */
export class OriginExchange<P extends GossipPeer, D extends GossipDocument> {
  readonly drops: Record<GossipDrop, number> = {
    malformed: 0,
    'unknown-member': 0,
    rate: 0,
    'sync-rate': 0,
    'sequence-ahead': 0,
    refused: 0,
    full: 0,
  }
  readonly #init: OriginExchangeInit<P, D>
  readonly #limits: ExchangeLimits
  readonly #documents = new HeldDocuments<P, D>()
  readonly #self: Origin<P, D>
  readonly #ownRate: TokenBucket
  /** Shared by everybody who is no neighbour any more. */
  readonly #strangers: TokenBucket
  #members: GossipMembers<P> | null = null
  /** The members as they were when they last changed. */
  #known: readonly P[] = []
  #neighbours: readonly Neighbour<P>[] = []
  #ownSequence: number
  #isEncoding = false
  #changedMs = Number.POSITIVE_INFINITY
  #digestDueMs: number
  #nowMs: number

  constructor(init: OriginExchangeInit<P, D>, nowMs: number) {
    this.#init = init
    this.#limits = { ...DEFAULT_EXCHANGE_LIMITS, ...init.limits }
    this.#self = new Origin<P, D>(init.nodeId, null)
    this.#ownSequence = init.firstSequence - 1
    this.#ownRate = new TokenBucket(this.#limits.burst, this.#limits.perSecond, nowMs)
    this.#strangers = new TokenBucket(REFUSED_BURST, REFUSED_PER_SECOND, nowMs)
    this.#digestDueMs = nowMs
    this.#nowMs = nowMs
  }

  /**
   * Whose documents count. Those of who is gone are forgotten; the same list says nothing new.
   * @returns those who are gone and had said something
   */
  setMembers(members: GossipMembers<P>, nowMs: number): Gone<P, D>[] {
    this.#members = members
    const before = this.#known
    if (members.all === before) return []
    this.#known = members.all
    let stayed = 0
    const left: P[] = []
    for (const member of before) {
      if (member === members.all[stayed]) stayed++
      else left.push(member)
    }
    // The documents of those who came may have come before they were known as members.
    if (stayed < members.all.length) this.#digestDueMs = Math.min(this.#digestDueMs, nowMs + NEWCOMER_MS)
    return left.flatMap((member) => this.#forget(member))
  }

  #forget(member: P): Gone<P, D>[] {
    const origin = this.#documents.find(member.id, 0)
    if (origin === null || origin === this.#self) return []
    origin.member = this.#members!.find(member.id, 0)
    if (origin.member !== null) return []
    this.#documents.delete(origin)
    return [{ member, document: origin.held!.document }]
  }

  /** What is known of the member whose id is at `offset`; null for who is none. Most members of a large VLAN say nothing, and cost nothing. */
  #originAt(bytes: Uint8Array, offset: number): Origin<P, D> | null {
    const known = this.#documents.find(bytes, offset)
    if (known !== null) return known
    const member = this.#members?.find(bytes, offset) ?? null
    return member === null ? null : new Origin(member.id, member)
  }

  /** What a member said last, or null. */
  documentOf(id: Uint8Array): D | null {
    const origin = this.#documents.find(id, 0)
    return origin === null || origin === this.#self ? null : origin.held!.document
  }

  /** The trunks that forward in the VLAN's tree. New ones get a digest at once, so that both ends become equal. */
  setNeighbours(peers: readonly P[], nowMs: number): void {
    const known = new Map(this.#neighbours.map((neighbour) => [neighbour.peer, neighbour]))
    const { syncBurst, syncPerSecond } = this.#limits
    this.#neighbours = peers.map(
      (peer) =>
        known.get(peer) ?? {
          peer,
          sync: new TokenBucket(syncBurst, syncPerSecond, nowMs),
          refused: new TokenBucket(REFUSED_BURST, REFUSED_PER_SECOND, nowMs),
          mismatches: 0,
        },
    )
    for (const { peer } of this.#neighbours) if (!known.has(peer)) this.#sendDigest(peer)
  }

  /** Documents that are known, this node's included. */
  get size(): number {
    return this.#documents.size
  }

  get digest(): GossipDigest {
    return this.#documents.digest
  }

  /** Of this node's last document, or one before the first. */
  get ownSequence(): number {
    return this.#ownSequence
  }

  /** What this node has to say has changed: it is said soon. */
  changed(nowMs: number): void {
    this.#changedMs = Math.min(this.#changedMs, nowMs)
  }

  /** A control message of this type that came from `from`. */
  receive(bytes: Uint8Array, offset: number, length: number, from: P, nowMs: number): void {
    this.#nowMs = nowMs
    switch (gossipKind(this.#init.type, bytes, offset, length)) {
      case 'document':
        this.#receiveDocument(bytes, offset, length, from)
        break
      case 'digest':
        this.#receiveDigest(bytes, offset, length, from)
        break
      case 'summary':
        this.#receiveSummary(bytes, offset, length, from)
        break
      case 'request':
        this.#receiveRequest(bytes, offset, length, from)
        break
      case null:
        this.drops.malformed++
    }
  }

  /** Whether it is news is known from its head; only then is it read. */
  #receiveDocument(bytes: Uint8Array, offset: number, length: number, from: P): void {
    const sequence =
      length < DOCUMENT_FIELD.rest ? null : readSequence(bytes, offset + DOCUMENT_FIELD.sequence)
    if (sequence === null) {
      this.drops.malformed++
      return
    }
    const isOwn = idEquals(bytes, offset + DOCUMENT_FIELD.origin, this.#init.nodeId)
    const origin = isOwn ? this.#self : this.#originAt(bytes, offset + DOCUMENT_FIELD.origin)
    if (origin === null) {
      this.drops['unknown-member']++
      return
    }
    const known = isOwn ? this.#ownSequence : origin.sequence
    if (sequence <= known && origin.held !== null) return
    const refusal = this.#refusalOf(origin, sequence, length)
    if (refusal !== null) {
      this.drops[refusal]++
      return
    }
    const held = this.#init.read(bytes, offset, length)
    if (held === null) this.drops.malformed++
    else if (!this.#isAccepted(held, isOwn ? null : (origin.held?.document ?? null), from)) return
    else if (isOwn) this.#hearOwn(sequence)
    else this.#replace(origin, held, from)
  }

  #refusalOf(origin: Origin<P, D>, sequence: number, length: number): GossipDrop | null {
    if (this.#isAhead(sequence)) return 'sequence-ahead'
    if (origin === this.#self) return null
    if (!this.#hasTurn(origin)) return 'rate'
    const others = this.#documents.bytes - (this.#self.held?.bytes.length ?? 0)
    const isFull = others - (origin.held?.bytes.length ?? 0) + length > this.#limits.maxBytes
    return isFull ? 'full' : null
  }

  get #turnMs(): number {
    return 500 / this.#limits.perSecond
  }

  #hasTurn({ busyUntilMs }: Origin<P, D>): boolean {
    return busyUntilMs <= this.#nowMs + (2 * this.#limits.burst - 1) * this.#turnMs
  }

  /**
   * What a neighbour passes on and should have refused counts against that neighbour, not against the origin, which could be
   * silenced with forgeries otherwise.
   */
  #isAccepted(held: HeldDocument<D>, before: D | null, from: P): boolean {
    if (this.#init.accept === undefined) return true
    const blame = this.#neighbourOf(from)?.refused ?? this.#strangers
    if (blame.readyMs(this.#nowMs) > this.#nowMs) {
      this.drops.rate++
      return false
    }
    if (this.#init.accept(held, before)) return true
    blame.take(this.#nowMs)
    this.drops.refused++
    return false
  }

  #replace(origin: Origin<P, D>, held: HeldDocument<D>, from: P): void {
    const before = origin.held?.document ?? null
    origin.busyUntilMs = Math.max(origin.busyUntilMs, this.#nowMs) + this.#turnMs
    this.#documents.put(origin, held)
    this.#init.onDocument(origin.member!, held.document, before)
    for (const { peer } of this.#neighbours) if (peer !== from) this.#init.send(peer, held.bytes)
  }

  /**
   * Someone has a document of this node: one of an earlier start that must be replaced, or one newer than the last, because
   * the clock went back or somebody lies.
   */
  #hearOwn(sequence: number): void {
    if (sequence >= Number.MAX_SAFE_INTEGER || this.#isAhead(sequence)) return
    if (sequence <= this.#ownSequence && this.#self.held !== null) return
    this.#ownSequence = Math.max(sequence, this.#ownSequence)
    this.changed(this.#nowMs)
  }

  #isAhead(sequence: number): boolean {
    return this.#init.wallMs !== undefined && sequence > this.#init.wallMs() + MAX_SEQUENCE_AHEAD_MS
  }

  #receiveDigest(bytes: Uint8Array, offset: number, length: number, from: P): void {
    const digest = decodeGossipDigest(this.#init.type, bytes, offset, length)
    if (digest === null) {
      this.drops.malformed++
      return
    }
    const { high, low } = this.#documents.digest
    const isEqual = digest.high === high && digest.low === low
    const neighbour = this.#neighbourOf(from)
    if (neighbour !== undefined) this.#noteMatch(neighbour, isEqual)
    if (!isEqual) this.#sendSummaries(from)
  }

  #noteMatch(neighbour: Neighbour<P>, isEqual: boolean): void {
    const { digestAgainMs } = this.#limits
    const againMs = digestAgainMs * 2 ** neighbour.mismatches
    if (isEqual) neighbour.mismatches = 0
    else if (againMs < this.#limits.digestMs) {
      neighbour.mismatches++
      this.#digestDueMs = Math.min(this.#digestDueMs, this.#nowMs + againMs)
    }
  }

  /** Everything that is here, in ranges that follow each other without a gap. */
  #sendSummaries(to: P): void {
    const { sorted } = this.#documents
    let first: Uint8Array = FIRST_ID
    for (let at = 0; at === 0 || at < sorted.length; at += MAX_GOSSIP_ENTRIES) {
      if (!this.#maySync(to)) return
      const entries = sorted.slice(at, at + MAX_GOSSIP_ENTRIES)
      const last = at + MAX_GOSSIP_ENTRIES >= sorted.length ? LAST_ID : entries.at(-1)!.id
      this.#init.send(to, encodeGossipSummary(this.#init.type, { first, last, entries }))
      first = successorOf(last)
    }
  }

  #receiveSummary(bytes: Uint8Array, offset: number, length: number, from: P): void {
    if (!gossipSummaryIsValid(this.#init.type, bytes, offset, length)) {
      this.drops.malformed++
      return
    }
    const wanted: Uint8Array[] = []
    const newer: Uint8Array[] = []
    this.#compare(bytes, offset, wanted, newer)
    if (wanted.length > 0 && this.#maySync(from))
      this.#init.send(from, encodeGossipRequest(this.#init.type, wanted))
    for (const document of newer) {
      if (!this.#maySync(from)) return
      this.#init.send(from, document)
    }
  }

  /**
   * Walks through a summary and what is here, both ascending: what is older here is wanted; what the summary names older, or
   * not at all, is newer.
   */
  #compare(bytes: Uint8Array, offset: number, wanted: Uint8Array[], newer: Uint8Array[]): void {
    const { sorted } = this.#documents
    let at = this.#documents.firstFrom(bytes, offset + SUMMARY_FIELD.first)
    const pushUntil = (entry: number): void => {
      for (; at < sorted.length && compareIdsAt(sorted[at]!.id, 0, bytes, entry) < 0; at++)
        newer.push(sorted[at]!.held!.bytes)
    }
    for (let i = 0; i < bytes[offset + 3]!; i++) {
      const entry = offset + SUMMARY_FIELD.entries + i * SUMMARY_ENTRY_BYTES
      const sequence = readSequence(bytes, entry + ID_BYTES)!
      pushUntil(entry)
      const known = at < sorted.length && idEquals(bytes, entry, sorted[at]!.id) ? sorted[at++]! : null
      if (known !== null && known.sequence > sequence) newer.push(known.held!.bytes)
      if (this.#isWanted(bytes, entry, known, sequence)) wanted.push(bytes.slice(entry, entry + ID_BYTES))
    }
    const last = offset + SUMMARY_FIELD.last
    pushUntil(last)
    if (at < sorted.length && idEquals(bytes, last, sorted[at]!.id)) newer.push(sorted[at]!.held!.bytes)
  }

  /** Of a member that is not known it is of no use to ask. */
  #isWanted(bytes: Uint8Array, entry: number, known: Origin<P, D> | null, sequence: number): boolean {
    if (this.#isAhead(sequence)) return false
    if (!idEquals(bytes, entry, this.#init.nodeId))
      return known === null ? this.#members?.find(bytes, entry) != null : known.sequence < sequence
    if (this.#init.isSigned === true) return sequence > this.#ownSequence || this.#self.held === null
    this.#hearOwn(sequence)
    return false
  }

  #receiveRequest(bytes: Uint8Array, offset: number, length: number, from: P): void {
    const origins = decodeGossipRequest(this.#init.type, bytes, offset, length)
    if (origins === null) {
      this.drops.malformed++
      return
    }
    for (const id of origins) {
      const held = this.#documents.find(id, 0)?.held ?? null
      if (held === null) continue
      if (!this.#maySync(from)) return
      this.#init.send(from, held.bytes)
    }
  }

  #neighbourOf(peer: P): Neighbour<P> | undefined {
    return this.#neighbours.find((neighbour) => neighbour.peer === peer)
  }

  #maySync(to: P): boolean {
    if (this.#neighbourOf(to)?.sync.take(this.#nowMs)) return true
    this.drops['sync-rate']++
    return false
  }

  /** When `tick` has something to do. */
  dueMs(nowMs: number): number {
    const ownMs = this.#isEncoding
      ? Number.POSITIVE_INFINITY
      : Math.max(this.#changedMs + this.#limits.delayMs, this.#ownRate.readyMs(nowMs))
    return Math.min(this.#digestDueMs, ownMs)
  }

  tick(nowMs: number): void {
    this.#nowMs = nowMs
    if (!this.#isEncoding && nowMs >= this.#changedMs + this.#limits.delayMs && this.#ownRate.take(nowMs))
      this.#encodeOwn()
    if (nowMs < this.#digestDueMs) return
    this.#digestDueMs = nowMs + this.#limits.digestMs
    for (const { peer } of this.#neighbours) this.#sendDigest(peer)
  }

  #encodeOwn(): void {
    this.#changedMs = Number.POSITIVE_INFINITY
    this.#isEncoding = true
    const sequence = Math.max(this.#ownSequence + 1, this.#init.wallMs?.() ?? 0)
    this.#init.encode(sequence, (bytes) => {
      this.#isEncoding = false
      const held = bytes === null ? null : this.#init.read(bytes, 0, bytes.length)
      // A newer own one may have been heard of meanwhile.
      if (held !== null && sequence > this.#ownSequence) this.#sendOwn(sequence, held)
      else this.changed(held === null ? this.#nowMs + ENCODE_RETRY_MS : this.#nowMs)
    })
  }

  #sendOwn(sequence: number, held: HeldDocument<D>): void {
    this.#ownSequence = sequence
    this.#documents.put(this.#self, held)
    for (const { peer } of this.#neighbours) this.#init.send(peer, held.bytes)
  }

  #sendDigest(peer: P): void {
    this.#init.send(peer, encodeGossipDigest(this.#init.type, this.digest))
  }
}
