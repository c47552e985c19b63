import { compareAddresses } from '../address-map.ts'
import {
  decodeMulticastReport,
  decodeReportDigest,
  decodeReportRequest,
  decodeReportSummary,
  encodeMulticastReport,
  encodeReportDigest,
  encodeReportRequest,
  encodeReportSummary,
  MAX_MULTICAST_ENTRIES,
  type MulticastReport,
  multicastKind,
  type ReportedGroup,
  type ReportSummary,
} from '../control/multicast-report.ts'
import { TokenBucket } from '../control/token-bucket.ts'

/** Someone with a trunk, or a member: known by its node id. */
export interface MulticastPeer {
  /** 16 bytes. */
  readonly id: Uint8Array
}

export interface ReportExchangeInit<P extends MulticastPeer> {
  /** This node's id, 16 bytes. */
  readonly nodeId: Uint8Array
  /** Higher than any this node has used before: the Unix time in milliseconds. */
  readonly firstSequence: number
  /** Sends a control message (type 3) over one trunk, hop limit 1. The bytes must not be changed. */
  readonly send: (to: P, message: Uint8Array) => void
  /** A member has reported: everything that it wants, in place of what it said before. */
  readonly onReport: (member: P, report: MulticastReport) => void
}

/** Why messages are dropped; closed, so that it labels a counter. */
export const MULTICAST_MESSAGE_DROPS = ['malformed', 'unknown-member', 'rate', 'sync-rate'] as const
export type MulticastMessageDrop = (typeof MULTICAST_MESSAGE_DROPS)[number]

/** Changes are gathered for so long before they are reported. */
export const REPORT_DELAY_MS = 50
/** Own reports: so many at once, and so many a second after that. Twice as many are taken from one origin. */
export const REPORT_BURST = 4
export const REPORTS_PER_SECOND = 1
/** Digests go to the neighbours of the tree this often. */
export const REPORT_DIGEST_MS = 15_000
/** Summaries that are sent to, and reports that are asked by, one neighbour: at once, and a second after that. */
const SYNC_BURST = 256
const SYNC_PER_SECOND = 64

interface Origin<P> {
  readonly member: P
  readonly rate: TokenBucket
  sequence: number
  /** The report as it came; null while there is none. */
  bytes: Uint8Array | null
}

interface Neighbour<P> {
  readonly peer: P
  readonly sync: TokenBucket
}

const FIRST_ID = new Uint8Array(16)
const LAST_ID = new Uint8Array(16).fill(0xff)

/**
 * What members tell each other about the groups that they want: type 3 of `docs/protocols/vlan-control.md`. A report goes
 * from neighbour to neighbour, each passes on what is new to it; digests find what was lost. A member that never
 * wanted anything sends nothing.
 */
export class ReportExchange<P extends MulticastPeer> {
  readonly drops: Record<MulticastMessageDrop, number> = {
    malformed: 0,
    'unknown-member': 0,
    rate: 0,
    'sync-rate': 0,
  }
  readonly #init: ReportExchangeInit<P>
  readonly #origins = new Map<string, Origin<P>>()
  readonly #ownRate: TokenBucket
  #neighbours: readonly Neighbour<P>[] = []
  #own: MulticastReport
  #ownBytes: Uint8Array | null = null
  #digestHigh = 0
  #digestLow = 0
  #changedMs = Number.POSITIVE_INFINITY
  #digestDueMs: number

  constructor(init: ReportExchangeInit<P>, nowMs: number) {
    this.#init = init
    this.#own = { sequence: init.firstSequence - 1, origin: init.nodeId, router: false, groups: [] }
    this.#ownRate = new TokenBucket(REPORT_BURST, REPORTS_PER_SECOND, nowMs)
    this.#digestDueMs = nowMs
  }

  /** The members of the VLAN, without this node: whose reports count. Reports of who is gone are forgotten. */
  setMembers(members: readonly P[], nowMs: number): void {
    const ids = new Set<string>()
    for (const member of members) {
      const key = keyOf(member.id)
      ids.add(key)
      if (this.#origins.has(key)) continue
      const rate = new TokenBucket(2 * REPORT_BURST, 2 * REPORTS_PER_SECOND, nowMs)
      this.#origins.set(key, { member, rate, sequence: 0, bytes: null })
      // Its report may have come before it was known as a member.
      this.#digestDueMs = nowMs
    }
    for (const [key, origin] of this.#origins) {
      if (ids.has(key)) continue
      this.#toggleDigest(origin.bytes)
      this.#origins.delete(key)
    }
  }

  /** The trunks that forward in the VLAN's tree. New ones get a digest at once, so that both ends become equal. */
  setNeighbours(peers: readonly P[], nowMs: number): void {
    const known = new Map(this.#neighbours.map((neighbour) => [neighbour.peer, neighbour]))
    this.#neighbours = peers.map(
      (peer) => known.get(peer) ?? { peer, sync: new TokenBucket(SYNC_BURST, SYNC_PER_SECOND, nowMs) },
    )
    for (const { peer } of this.#neighbours) if (!known.has(peer)) this.#sendDigest(peer)
  }

  /** Reports with entries, this node's included. */
  get size(): number {
    let count = this.#ownBytes === null ? 0 : 1
    for (const { bytes } of this.#origins.values()) if (bytes !== null) count++
    return count
  }

  get digest(): { readonly high: number; readonly low: number } {
    return { high: this.#digestHigh, low: this.#digestLow }
  }

  /** What this node wants now; said soon, if it is something else than before. */
  setOwn(router: boolean, groups: readonly ReportedGroup[], nowMs: number): void {
    const before = this.#own
    const next = { ...before, router, groups }
    if (sameContent(before, next)) return
    this.#own = next
    this.#changedMs = Math.min(this.#changedMs, nowMs)
  }

  /** A control message of type 3 that came from `from`. */
  receive(bytes: Uint8Array, offset: number, length: number, from: P, nowMs: number): void {
    switch (multicastKind(bytes, offset, length)) {
      case 'report':
        this.#receiveReport(bytes, offset, length, from, nowMs)
        break
      case 'digest':
        this.#receiveDigest(bytes, offset, length, from, nowMs)
        break
      case 'summary':
        this.#receiveSummary(bytes, offset, length, from, nowMs)
        break
      case 'request':
        this.#receiveRequest(bytes, offset, length, from, nowMs)
        break
      case null:
        this.drops.malformed++
    }
  }

  #receiveReport(bytes: Uint8Array, offset: number, length: number, from: P, nowMs: number): void {
    const report = decodeMulticastReport(bytes, offset, length)
    if (report === null) {
      this.drops.malformed++
      return
    }
    if (compareAddresses(report.origin, this.#init.nodeId) === 0) {
      this.#hearOwn(report.sequence, nowMs)
      return
    }
    const origin = this.#origins.get(keyOf(report.origin))
    if (origin === undefined) {
      this.drops['unknown-member']++
      return
    }
    if (report.sequence <= origin.sequence) return
    if (!origin.rate.take(nowMs)) {
      this.drops.rate++
      return
    }
    const copy = bytes.slice(offset, offset + length)
    this.#toggleDigest(origin.bytes)
    this.#toggleDigest(copy)
    origin.bytes = copy
    origin.sequence = report.sequence
    this.#init.onReport(origin.member, report)
    for (const { peer } of this.#neighbours) if (peer !== from) this.#init.send(peer, copy)
  }

  /**
   * Someone has a report of this node: one of an earlier start that must be replaced, or one newer than the last, because
   * the clock went back or somebody lies.
   */
  #hearOwn(sequence: number, nowMs: number): void {
    if (sequence >= Number.MAX_SAFE_INTEGER || (sequence <= this.#own.sequence && this.#ownBytes !== null))
      return
    this.#own = { ...this.#own, sequence: Math.max(sequence, this.#own.sequence) }
    this.#changedMs = Math.min(this.#changedMs, nowMs)
  }

  #receiveDigest(bytes: Uint8Array, offset: number, length: number, from: P, nowMs: number): void {
    const digest = decodeReportDigest(bytes, offset, length)
    if (digest === null) {
      this.drops.malformed++
      return
    }
    if (digest.high !== this.#digestHigh || digest.low !== this.#digestLow) this.#sendSummaries(from, nowMs)
  }

  /** Everything that is here, in ranges that follow each other without a gap. */
  #sendSummaries(to: P, nowMs: number): void {
    const entries = [...this.#origins.values()]
      .filter(({ bytes }) => bytes !== null)
      .map(({ member, sequence }) => ({ origin: member.id, sequence }))
    if (this.#ownBytes !== null) entries.push({ origin: this.#init.nodeId, sequence: this.#own.sequence })
    entries.sort((a, b) => compareAddresses(a.origin, b.origin))
    let first: Uint8Array = FIRST_ID
    for (let at = 0; at === 0 || at < entries.length; at += MAX_MULTICAST_ENTRIES) {
      if (!this.#maySync(to, 1, nowMs)) return
      const part = entries.slice(at, at + MAX_MULTICAST_ENTRIES)
      const next = entries[at + MAX_MULTICAST_ENTRIES]
      const last = next === undefined ? LAST_ID : part.at(-1)!.origin
      this.#init.send(to, encodeReportSummary({ first, last, entries: part }))
      first = successor(last)
    }
  }

  #receiveSummary(bytes: Uint8Array, offset: number, length: number, from: P, nowMs: number): void {
    const summary = decodeReportSummary(bytes, offset, length)
    if (summary === null) {
      this.drops.malformed++
      return
    }
    const wanted: Uint8Array[] = []
    for (const { origin, sequence } of summary.entries) {
      if (compareAddresses(origin, this.#init.nodeId) === 0) this.#hearOwn(sequence, nowMs)
      else if (this.#sequenceOf(origin) < sequence) wanted.push(origin)
    }
    if (wanted.length > 0 && this.#maySync(from, 1, nowMs)) this.#init.send(from, encodeReportRequest(wanted))
    for (const report of this.#newerThan(summary)) {
      if (!this.#maySync(from, 1, nowMs)) return
      this.#init.send(from, report)
    }
  }

  /** Own and known reports in the summary's range that it names older or not at all. */
  #newerThan(summary: ReportSummary): Uint8Array[] {
    const theirs = new Map(summary.entries.map(({ origin, sequence }) => [keyOf(origin), sequence]))
    const reports: Uint8Array[] = []
    const consider = (id: Uint8Array, sequence: number, bytes: Uint8Array | null) => {
      if (bytes === null || (theirs.get(keyOf(id)) ?? 0) >= sequence) return
      if (compareAddresses(id, summary.first) >= 0 && compareAddresses(id, summary.last) <= 0)
        reports.push(bytes)
    }
    for (const { member, sequence, bytes } of this.#origins.values()) consider(member.id, sequence, bytes)
    consider(this.#init.nodeId, this.#own.sequence, this.#ownBytes)
    return reports
  }

  #receiveRequest(bytes: Uint8Array, offset: number, length: number, from: P, nowMs: number): void {
    const origins = decodeReportRequest(bytes, offset, length)
    if (origins === null) {
      this.drops.malformed++
      return
    }
    for (const id of origins) {
      const report = this.#bytesOf(id)
      if (report === null) continue
      if (!this.#maySync(from, 1, nowMs)) return
      this.#init.send(from, report)
    }
  }

  #bytesOf(id: Uint8Array): Uint8Array | null {
    if (compareAddresses(id, this.#init.nodeId) === 0) return this.#ownBytes
    return this.#origins.get(keyOf(id))?.bytes ?? null
  }

  /** Of a member that is not known it is of no use to ask. */
  #sequenceOf(id: Uint8Array): number {
    return this.#origins.get(keyOf(id))?.sequence ?? Number.POSITIVE_INFINITY
  }

  #maySync(to: P, count: number, nowMs: number): boolean {
    const neighbour = this.#neighbours.find(({ peer }) => peer === to)
    if (neighbour?.sync.take(nowMs, count)) return true
    this.drops['sync-rate']++
    return false
  }

  /** When `tick` has something to do. */
  dueMs(nowMs: number): number {
    const reportMs = Math.max(this.#changedMs + REPORT_DELAY_MS, this.#ownRate.readyMs(nowMs))
    return Math.min(this.#digestDueMs, reportMs)
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#changedMs + REPORT_DELAY_MS && this.#ownRate.take(nowMs)) this.#sendOwn()
    if (nowMs < this.#digestDueMs) return
    this.#digestDueMs = nowMs + REPORT_DIGEST_MS
    for (const { peer } of this.#neighbours) this.#sendDigest(peer)
  }

  #sendOwn(): void {
    this.#changedMs = Number.POSITIVE_INFINITY
    this.#own = { ...this.#own, sequence: this.#own.sequence + 1 }
    this.#toggleDigest(this.#ownBytes)
    this.#ownBytes = encodeMulticastReport(this.#own)
    this.#toggleDigest(this.#ownBytes)
    for (const { peer } of this.#neighbours) this.#init.send(peer, this.#ownBytes)
  }

  #sendDigest(peer: P): void {
    this.#init.send(peer, encodeReportDigest(this.#digestHigh, this.#digestLow))
  }

  /** Adds a report to the digest, or takes it out. */
  #toggleDigest(bytes: Uint8Array | null): void {
    if (bytes === null) return
    this.#digestHigh = (this.#digestHigh ^ fnv1a(bytes, 0x811c_9dc5)) >>> 0
    this.#digestLow = (this.#digestLow ^ fnv1a(bytes, 0x050c_5d1f)) >>> 0
  }
}

function sameContent(a: MulticastReport, b: MulticastReport): boolean {
  const [left, right] = [a, b].map((report) => encodeMulticastReport({ ...report, sequence: 1 }))
  return compareAddresses(left!, right!) === 0
}

/** FNV-1a, 32 bits, from a chosen basis. */
function fnv1a(bytes: Uint8Array, basis: number): number {
  let hash = basis
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x0100_0193)
  return hash >>> 0
}

function keyOf(id: Uint8Array): string {
  let key = ''
  for (const byte of id) key += String.fromCharCode(byte)
  return key
}

/** The next id, the last one for the last. */
function successor(id: Uint8Array): Uint8Array {
  const next = Uint8Array.from(id)
  for (let i = next.length - 1; i >= 0; i--) {
    if (next[i] !== 0xff) {
      next[i]!++
      return next
    }
    next[i] = 0
  }
  return LAST_ID
}
