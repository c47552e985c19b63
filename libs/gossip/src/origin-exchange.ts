import {
  decodeGossipDigest,
  decodeGossipRequest,
  decodeGossipSummary,
  encodeGossipDigest,
  encodeGossipRequest,
  encodeGossipSummary,
  type GossipDigest,
  type GossipSummary,
  gossipKind,
  MAX_GOSSIP_ENTRIES,
} from './messages.ts'
import { compareIds, FIRST_ID, keyOfId, LAST_ID, successorOf } from './node-ids.ts'
import { TokenBucket } from './token-bucket.ts'

/** Someone with a trunk, or a member: known by its node id. */
export interface GossipPeer {
  /** 16 bytes. */
  readonly id: Uint8Array
}

/** What every document has. */
export interface GossipDocument {
  /** 16 bytes. */
  readonly origin: Uint8Array
  /** Of two documents of one origin the one with the higher sequence is newer. */
  readonly sequence: number
}

/** Why messages are dropped; closed, so that it labels a counter. */
export const GOSSIP_DROPS = [
  'malformed',
  'unknown-member',
  'rate',
  'sync-rate',
  'sequence-ahead',
  'refused',
  'full',
] as const
export type GossipDrop = (typeof GOSSIP_DROPS)[number]

export interface OriginExchangeInit<P extends GossipPeer, D extends GossipDocument> {
  /** Type of the control messages, their first byte. */
  readonly type: number
  /** This node's id, 16 bytes. */
  readonly nodeId: Uint8Array
  /** Higher than any this node has used before: the Unix time in milliseconds. */
  readonly firstSequence: number
  /** Reads the document that fills `length` bytes from `offset`; total, bounded, null for what nobody may say. */
  readonly decode: (bytes: Uint8Array, offset: number, length: number) => D | null
  /**
   * Makes this node's document of now with a sequence. `done` comes once, at once or later; null is a failure, and the
   * document is asked for again after a second.
   */
  readonly encode: (sequence: number, done: (bytes: Uint8Array | null) => void) => void
  /**
   * Whether a newer document may take the place of the last one: signatures belong here. The neighbour that passes on
   * what is refused answers for it. Default: always.
   */
  readonly accept?: (document: D, bytes: Uint8Array, before: D | null) => boolean
  /**
   * Whether documents prove who wrote them. Then what others say about this node's own sequence is not believed before the
   * document is seen. Default false.
   */
  readonly isSigned?: boolean
  /** Sends a control message over one trunk, hop limit 1. The bytes must not be changed. */
  readonly send: (to: P, message: Uint8Array) => void
  /** A member's document is there, in place of what it said before. */
  readonly onDocument: (member: P, document: D) => void
  /** Unix milliseconds; without it sequences are not bounded, and own ones are counted up by one. */
  readonly wallMs?: () => number
  readonly limits?: Partial<ExchangeLimits>
}

export interface ExchangeLimits {
  /** Changes are gathered for so long before they are said. */
  readonly delayMs: number
  /** Own documents: so many at once, and so many a second after that. Twice as many are taken from one origin. */
  readonly burst: number
  readonly perSecond: number
  /** Digests go to the neighbours of the tree this often. */
  readonly digestMs: number
  /** After a digest that did not match so soon, and then after twice as long each time; never by default. */
  readonly digestAgainMs: number
  /** Messages that one neighbour gets for a digest, summary or request: at once, and a second after that. */
  readonly syncBurst: number
  readonly syncPerSecond: number
  /** Bytes of the documents of others. What does not fit is dropped, and asked for again when digests are compared. */
  readonly maxBytes: number
}

export const DEFAULT_EXCHANGE_LIMITS: ExchangeLimits = {
  delayMs: 50,
  burst: 4,
  perSecond: 1,
  digestMs: 15_000,
  digestAgainMs: Number.POSITIVE_INFINITY,
  syncBurst: 256,
  syncPerSecond: 64,
  maxBytes: 33_554_432,
}

/** Clocks may differ by so much; a sequence further ahead would lock its origin out for as long. */
export const MAX_SEQUENCE_AHEAD_MS: number = 24 * 3_600_000
/** Refused documents of one neighbour: at once, and a second after that; then none of it is looked at. */
const REFUSED_BURST = 16
const REFUSED_PER_SECOND = 1
const ENCODE_RETRY_MS = 1_000

interface Origin<P, D> {
  readonly member: P
  readonly rate: TokenBucket
  sequence: number
  /** The document as it came; null while there is none. */
  bytes: Uint8Array | null
  document: D | null
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
  readonly #origins = new Map<string, Origin<P, D>>()
  readonly #ownRate: TokenBucket
  /** Shared by everybody who is no neighbour any more. */
  readonly #strangers: TokenBucket
  #members: readonly P[] = []
  #membersById: ReadonlyMap<string, P> | null = null
  #neighbours: readonly Neighbour<P>[] = []
  #ownSequence: number
  #ownBytes: Uint8Array | null = null
  #isEncoding = false
  #heldBytes = 0
  #digestHigh = 0
  #digestLow = 0
  #changedMs = Number.POSITIVE_INFINITY
  #digestDueMs: number
  #nowMs: number

  constructor(init: OriginExchangeInit<P, D>, nowMs: number) {
    this.#init = init
    this.#limits = { ...DEFAULT_EXCHANGE_LIMITS, ...init.limits }
    this.#ownSequence = init.firstSequence - 1
    this.#ownRate = new TokenBucket(this.#limits.burst, this.#limits.perSecond, nowMs)
    this.#strangers = new TokenBucket(REFUSED_BURST, REFUSED_PER_SECOND, nowMs)
    this.#digestDueMs = nowMs
    this.#nowMs = nowMs
  }

  /**
   * The members of the VLAN, without this node: whose documents count. Those of who is gone are forgotten. The list must not
   * be changed; the same one says nothing new.
   */
  setMembers(members: readonly P[], nowMs: number): void {
    if (members === this.#members) return
    const before = new Set(this.#members)
    this.#members = members
    this.#membersById = null
    // Its document may have come before it was known as a member.
    if (members.some((member) => !before.has(member))) this.#digestDueMs = nowMs
    for (const [key, origin] of this.#origins) {
      if (this.#memberOf(key) !== undefined) continue
      this.#toggleDigest(origin.bytes)
      this.#heldBytes -= origin.bytes?.length ?? 0
      this.#origins.delete(key)
    }
  }

  #memberOf(key: string): P | undefined {
    this.#membersById ??= new Map(this.#members.map((member) => [keyOfId(member.id), member]))
    return this.#membersById.get(key)
  }

  /** What is known of a member; undefined for who is none. Most members of a large VLAN say nothing, and cost nothing. */
  #originOf(id: Uint8Array): Origin<P, D> | undefined {
    const key = keyOfId(id)
    const known = this.#origins.get(key)
    if (known !== undefined) return known
    const member = this.#memberOf(key)
    if (member === undefined) return undefined
    const { burst, perSecond } = this.#limits
    const rate = new TokenBucket(2 * burst, 2 * perSecond, this.#nowMs)
    const origin = { member, rate, sequence: 0, bytes: null, document: null }
    this.#origins.set(key, origin)
    return origin
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
    let count = this.#ownBytes === null ? 0 : 1
    for (const { bytes } of this.#origins.values()) if (bytes !== null) count++
    return count
  }

  get digest(): GossipDigest {
    return { high: this.#digestHigh, low: this.#digestLow }
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

  #receiveDocument(bytes: Uint8Array, offset: number, length: number, from: P): void {
    const document = this.#init.decode(bytes, offset, length)
    if (document === null) {
      this.drops.malformed++
      return
    }
    const isOwn = compareIds(document.origin, this.#init.nodeId) === 0
    const origin = isOwn ? null : this.#originOf(document.origin)
    if (origin === undefined) {
      this.drops['unknown-member']++
      return
    }
    const known = origin === null ? this.#ownSequence : origin.sequence
    if (document.sequence <= known && (origin !== null || this.#ownBytes !== null)) return
    if (this.#isAhead(document.sequence)) {
      this.drops['sequence-ahead']++
      return
    }
    if (origin !== null && origin.rate.readyMs(this.#nowMs) > this.#nowMs) {
      this.drops.rate++
      return
    }
    if (origin !== null && this.#heldBytes - (origin.bytes?.length ?? 0) + length > this.#limits.maxBytes) {
      this.drops.full++
      return
    }
    const copy = bytes.slice(offset, offset + length)
    if (!this.#isAccepted(document, copy, origin?.document ?? null, from)) return
    if (origin === null) this.#hearOwn(document.sequence)
    else this.#replace(origin, document, copy, from)
  }

  /**
   * What a neighbour passes on and should have refused counts against that neighbour, not against the origin, which could be
   * silenced with forgeries otherwise.
   */
  #isAccepted(document: D, bytes: Uint8Array, before: D | null, from: P): boolean {
    if (this.#init.accept === undefined) return true
    const blame = this.#neighbourOf(from)?.refused ?? this.#strangers
    if (blame.readyMs(this.#nowMs) > this.#nowMs) {
      this.drops.rate++
      return false
    }
    if (this.#init.accept(document, bytes, before)) return true
    blame.take(this.#nowMs)
    this.drops.refused++
    return false
  }

  #replace(origin: Origin<P, D>, document: D, bytes: Uint8Array, from: P): void {
    origin.rate.take(this.#nowMs)
    this.#toggleDigest(origin.bytes)
    this.#toggleDigest(bytes)
    this.#heldBytes += bytes.length - (origin.bytes?.length ?? 0)
    origin.bytes = bytes
    origin.document = document
    origin.sequence = document.sequence
    this.#init.onDocument(origin.member, document)
    for (const { peer } of this.#neighbours) if (peer !== from) this.#init.send(peer, bytes)
  }

  /**
   * Someone has a document of this node: one of an earlier start that must be replaced, or one newer than the last, because
   * the clock went back or somebody lies.
   */
  #hearOwn(sequence: number): void {
    if (sequence >= Number.MAX_SAFE_INTEGER || this.#isAhead(sequence)) return
    if (sequence <= this.#ownSequence && this.#ownBytes !== null) return
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
    const isEqual = digest.high === this.#digestHigh && digest.low === this.#digestLow
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
    const entries = [...this.#origins.values()]
      .filter(({ bytes }) => bytes !== null)
      .map(({ member, sequence }) => ({ origin: member.id, sequence }))
    if (this.#ownBytes !== null) entries.push({ origin: this.#init.nodeId, sequence: this.#ownSequence })
    entries.sort((a, b) => compareIds(a.origin, b.origin))
    let first: Uint8Array = FIRST_ID
    for (let at = 0; at === 0 || at < entries.length; at += MAX_GOSSIP_ENTRIES) {
      if (!this.#maySync(to)) return
      const part = entries.slice(at, at + MAX_GOSSIP_ENTRIES)
      const next = entries[at + MAX_GOSSIP_ENTRIES]
      const last = next === undefined ? LAST_ID : part.at(-1)!.origin
      this.#init.send(to, encodeGossipSummary(this.#init.type, { first, last, entries: part }))
      first = successorOf(last)
    }
  }

  #receiveSummary(bytes: Uint8Array, offset: number, length: number, from: P): void {
    const summary = decodeGossipSummary(this.#init.type, bytes, offset, length)
    if (summary === null) {
      this.drops.malformed++
      return
    }
    const wanted: Uint8Array[] = []
    for (const { origin, sequence } of summary.entries) {
      if (this.#isAhead(sequence)) continue
      if (compareIds(origin, this.#init.nodeId) !== 0) {
        if (this.#sequenceOf(origin) < sequence) wanted.push(origin)
      } else if (!this.#init.isSigned) this.#hearOwn(sequence)
      else if (sequence > this.#ownSequence || this.#ownBytes === null) wanted.push(origin)
    }
    if (wanted.length > 0 && this.#maySync(from))
      this.#init.send(from, encodeGossipRequest(this.#init.type, wanted))
    for (const document of this.#newerThan(summary)) {
      if (!this.#maySync(from)) return
      this.#init.send(from, document)
    }
  }

  /** Own and known documents in the summary's range that it names older or not at all. */
  #newerThan(summary: GossipSummary): Uint8Array[] {
    const theirs = new Map(summary.entries.map(({ origin, sequence }) => [keyOfId(origin), sequence]))
    const documents: Uint8Array[] = []
    const consider = (id: Uint8Array, sequence: number, bytes: Uint8Array | null) => {
      if (bytes === null || (theirs.get(keyOfId(id)) ?? 0) >= sequence) return
      if (compareIds(id, summary.first) >= 0 && compareIds(id, summary.last) <= 0) documents.push(bytes)
    }
    for (const { member, sequence, bytes } of this.#origins.values()) consider(member.id, sequence, bytes)
    consider(this.#init.nodeId, this.#ownSequence, this.#ownBytes)
    return documents
  }

  #receiveRequest(bytes: Uint8Array, offset: number, length: number, from: P): void {
    const origins = decodeGossipRequest(this.#init.type, bytes, offset, length)
    if (origins === null) {
      this.drops.malformed++
      return
    }
    for (const id of origins) {
      const document = this.#bytesOf(id)
      if (document === null) continue
      if (!this.#maySync(from)) return
      this.#init.send(from, document)
    }
  }

  #bytesOf(id: Uint8Array): Uint8Array | null {
    if (compareIds(id, this.#init.nodeId) === 0) return this.#ownBytes
    return this.#origins.get(keyOfId(id))?.bytes ?? null
  }

  /** Of a member that is not known it is of no use to ask. */
  #sequenceOf(id: Uint8Array): number {
    return this.#originOf(id)?.sequence ?? Number.POSITIVE_INFINITY
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
      // A newer own one may have been heard of meanwhile.
      if (bytes !== null && sequence > this.#ownSequence) this.#sendOwn(sequence, bytes)
      else this.changed(bytes === null ? this.#nowMs + ENCODE_RETRY_MS : this.#nowMs)
    })
  }

  #sendOwn(sequence: number, bytes: Uint8Array): void {
    this.#ownSequence = sequence
    this.#toggleDigest(this.#ownBytes)
    this.#ownBytes = bytes
    this.#toggleDigest(bytes)
    for (const { peer } of this.#neighbours) this.#init.send(peer, bytes)
  }

  #sendDigest(peer: P): void {
    this.#init.send(peer, encodeGossipDigest(this.#init.type, this.digest))
  }

  /** Adds a document to the digest, or takes it out. */
  #toggleDigest(bytes: Uint8Array | null): void {
    if (bytes === null) return
    this.#digestHigh = (this.#digestHigh ^ fnv1a(bytes, 0x811c_9dc5)) >>> 0
    this.#digestLow = (this.#digestLow ^ fnv1a(bytes, 0x050c_5d1f)) >>> 0
  }
}

/** FNV-1a, 32 bits, from a chosen basis. */
function fnv1a(bytes: Uint8Array, basis: number): number {
  let hash = basis
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x0100_0193)
  return hash >>> 0
}
