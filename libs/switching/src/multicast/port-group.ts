import {
  RECORD_ALLOW,
  RECORD_BLOCK,
  RECORD_IS_EXCLUDE,
  RECORD_IS_INCLUDE,
  RECORD_TO_EXCLUDE,
  RECORD_TO_INCLUDE,
} from '@wakunet/ethernet'
import { AddressMap } from '../address-map.ts'
import { type SourceFilter, sortAddresses } from './source-filter.ts'
import { lastMemberQueryTimeMs, type MulticastTimers, membershipIntervalMs } from './timers.ts'

/** A source of a group with its timer; 0 where it has run down in exclude mode: not wanted. */
interface GroupSource {
  readonly address: Uint8Array
  untilMs: number
  /** Group-and-source-specific queries still to send. */
  queriesLeft: number
}

export interface PortGroupInit {
  readonly timers: MulticastTimers
  /** Sources of one group that are kept. */
  readonly maxSources: number
  /** For hosts that are alone on the port: who leaves is gone at once. */
  readonly fastLeave: boolean
  readonly hashSeed: number
}

/** What the group wants asked; a list is a group-and-source-specific query, none the group-specific one. */
export type AskGroup = (group: Uint8Array, sources: readonly Uint8Array[], suppress: boolean) => void

/**
 * Router-side state of one group on one port: filter mode, group timer and a timer for each source (RFC 3376
 * §6.2, RFC 3810 §7.2). In the words of the RFCs: in include mode the sources are the list A; in exclude mode those whose
 * timer runs are X, the others Y.
 */
export class PortGroup {
  readonly address: Uint8Array
  /** Reports of sources that were not kept because the group had too many. */
  sourcesRefused = 0
  readonly #init: PortGroupInit
  readonly #sources: AddressMap<GroupSource>
  #exclude = false
  #untilMs = 0
  #queriesLeft = 0
  #queryDueMs = Number.POSITIVE_INFINITY
  /** Until when hosts with the first (IGMP) and the second version of IGMP, or the first of MLD, are there. */
  #version1UntilMs = 0
  #version2UntilMs = 0

  constructor(address: Uint8Array, init: PortGroupInit) {
    this.address = Uint8Array.from(address)
    this.#init = init
    this.#sources = new AddressMap(init.hashSeed)
  }

  get isEmpty(): boolean {
    return !this.#exclude && this.#sources.size === 0
  }

  /** Whether a frame of the source at `offset` is wanted. Free of allocations. */
  wants(bytes: Uint8Array, offset: number, nowMs: number): boolean {
    const source = this.#sources.find(bytes, offset, this.address.length)
    if (this.#exclude && this.#untilMs > nowMs) return source === null || source.untilMs > nowMs
    return source !== null && source.untilMs > nowMs
  }

  filter(): SourceFilter {
    const isListed = (source: GroupSource) => (source.untilMs === 0) === this.#exclude
    const sources = [...this.#sources].filter(isListed).map(({ address }) => address)
    return { exclude: this.#exclude, sources: sortAddresses(sources) }
  }

  /** A host with an older version is there: it can only ask for all sources (RFC 3376 §7.3.2, RFC 3810 §8.3.2). */
  noteOlderHost(version: 1 | 2, nowMs: number): void {
    const untilMs = nowMs + membershipIntervalMs(this.#init.timers)
    if (version === 1) this.#version1UntilMs = untilMs
    else this.#version2UntilMs = untilMs
  }

  /**
   * Takes over a group record (RFC 3376 §6.4, RFC 3810 §7.4).
   * @param ask whether this switch is the querier of the port, and so asks before it believes that somebody left
   */
  apply(type: number, sources: readonly Uint8Array[], ask: boolean, nowMs: number): void {
    const version1 = this.#version1UntilMs > nowMs
    const older = version1 || this.#version2UntilMs > nowMs
    // In the presence of older hosts, which suppress each other's reports, nobody can be taken for gone.
    if (older && (type === RECORD_BLOCK || (version1 && type === RECORD_TO_INCLUDE))) return
    const list = older && type === RECORD_TO_EXCLUDE ? [] : sources
    switch (type) {
      case RECORD_IS_INCLUDE:
      case RECORD_ALLOW:
        this.#want(list, nowMs)
        break
      case RECORD_TO_INCLUDE:
        this.#toInclude(list, ask, nowMs)
        break
      case RECORD_IS_EXCLUDE:
        this.#setExclude(list, nowMs + membershipIntervalMs(this.#init.timers), nowMs)
        break
      case RECORD_TO_EXCLUDE:
        this.#setExclude(list, this.#exclude ? this.#untilMs : 0, nowMs)
        this.#doubt(list, ask, nowMs)
        break
      case RECORD_BLOCK:
        this.#block(list, ask, nowMs)
        break
    }
  }

  /** IS_IN, ALLOW: these sources are wanted. */
  #want(list: readonly Uint8Array[], nowMs: number): void {
    const untilMs = nowMs + membershipIntervalMs(this.#init.timers)
    for (const address of list) {
      const source = this.#sourceOf(address)
      if (source === null) continue
      source.untilMs = untilMs
      source.queriesLeft = 0
    }
  }

  /** TO_IN: these and no others, which may be what one of several hosts says. */
  #toInclude(list: readonly Uint8Array[], ask: boolean, nowMs: number): void {
    const others: Uint8Array[] = []
    for (const { address, untilMs } of this.#sources)
      if (untilMs !== 0 && !list.some((wanted) => isSame(wanted, address))) others.push(address)
    this.#want(list, nowMs)
    this.#doubt(others, ask, nowMs)
    if (!this.#exclude) return
    if (this.#init.fastLeave) this.#toIncludeMode()
    else if (ask) this.#askAll(nowMs)
  }

  /**
   * IS_EX, TO_EX: all but these. Sources that are new get `newUntilMs`, or nothing where the group was in include mode;
   * those that are not named are wanted without a timer.
   */
  #setExclude(list: readonly Uint8Array[], newUntilMs: number, nowMs: number): void {
    for (const source of this.#sources)
      if (!list.some((address) => isSame(address, source.address))) this.#sources.delete(source)
    for (const address of list) {
      const known = this.#sources.get(address)
      if (known !== null) continue
      const source = this.#sourceOf(address)
      if (source !== null) source.untilMs = this.#exclude ? newUntilMs : 0
    }
    this.#exclude = true
    this.#queriesLeft = 0
    this.#untilMs = nowMs + membershipIntervalMs(this.#init.timers)
  }

  /** BLOCK: not these any more. */
  #block(list: readonly Uint8Array[], ask: boolean, nowMs: number): void {
    if (this.#exclude)
      for (const address of list) {
        if (this.#sources.get(address) !== null) continue
        const source = this.#sourceOf(address)
        if (source !== null) source.untilMs = this.#untilMs
      }
    this.#doubt(list, ask, nowMs)
  }

  /** Sources that somebody gave up: gone at once, or asked for. */
  #doubt(list: readonly Uint8Array[], ask: boolean, nowMs: number): void {
    const { timers, fastLeave } = this.#init
    for (const address of list) {
      const source = this.#sources.get(address)
      if (source === null || source.untilMs === 0) continue
      if (fastLeave) this.#giveUp(source)
      else if (ask) {
        source.untilMs = Math.min(source.untilMs, nowMs + lastMemberQueryTimeMs(timers))
        source.queriesLeft = timers.lastMemberQueryCount
        this.#queryDueMs = Math.min(this.#queryDueMs, nowMs)
      }
    }
  }

  #askAll(nowMs: number): void {
    const { timers } = this.#init
    this.#untilMs = Math.min(this.#untilMs, nowMs + lastMemberQueryTimeMs(timers))
    this.#queriesLeft = timers.lastMemberQueryCount
    this.#queryDueMs = Math.min(this.#queryDueMs, nowMs)
  }

  /** Another querier asked without the suppress flag: its timers are ours (RFC 3376 §6.6.1). */
  lowerTimers(sources: readonly Uint8Array[], nowMs: number): void {
    const untilMs = nowMs + lastMemberQueryTimeMs(this.#init.timers)
    if (sources.length === 0) this.#untilMs = Math.min(this.#untilMs, untilMs)
    for (const address of sources) {
      const source = this.#sources.get(address)
      if (source !== null && source.untilMs !== 0) source.untilMs = Math.min(source.untilMs, untilMs)
    }
  }

  /** When `tick` has something to do. */
  dueMs(): number {
    let dueMs = this.#queryDueMs
    if (this.#exclude) dueMs = Math.min(dueMs, this.#untilMs)
    for (const { untilMs } of this.#sources) if (untilMs !== 0) dueMs = Math.min(dueMs, untilMs)
    return dueMs
  }

  /** Lets timers run down (RFC 3376 §6.5) and sends the queries that are due. */
  tick(nowMs: number, ask: AskGroup): void {
    for (const source of this.#sources)
      if (source.untilMs !== 0 && source.untilMs <= nowMs) this.#giveUp(source)
    if (this.#exclude && this.#untilMs <= nowMs) this.#toIncludeMode()
    if (this.#queryDueMs <= nowMs) this.#sendQueries(nowMs, ask)
  }

  /** RFC 3376 §6.6.3: the sources whose timers were refreshed meanwhile are asked for with the suppress flag. */
  #sendQueries(nowMs: number, ask: AskGroup): void {
    const { timers } = this.#init
    const horizonMs = nowMs + lastMemberQueryTimeMs(timers)
    if (this.#queriesLeft > 0) {
      this.#queriesLeft--
      ask(this.address, [], this.#untilMs > horizonMs)
    }
    const doubtful: Uint8Array[] = []
    const refreshed: Uint8Array[] = []
    let left = this.#queriesLeft
    for (const source of this.#sources) {
      if (source.queriesLeft === 0) continue
      source.queriesLeft--
      left = Math.max(left, source.queriesLeft)
      if (source.untilMs > horizonMs) refreshed.push(source.address)
      else doubtful.push(source.address)
    }
    if (doubtful.length > 0) ask(this.address, doubtful, false)
    if (refreshed.length > 0) ask(this.address, refreshed, true)
    this.#queryDueMs = left > 0 ? nowMs + timers.lastMemberQueryIntervalMs : Number.POSITIVE_INFINITY
  }

  /** A source nobody wants: forgotten, or remembered as unwanted where all others are wanted. */
  #giveUp(source: GroupSource): void {
    source.queriesLeft = 0
    if (this.#exclude) source.untilMs = 0
    else this.#sources.delete(source)
  }

  /** RFC 3376 §6.5: nobody excludes any more; what is left are the sources that are asked for by name. */
  #toIncludeMode(): void {
    this.#exclude = false
    this.#untilMs = 0
    this.#queriesLeft = 0
    for (const source of this.#sources) if (source.untilMs === 0) this.#sources.delete(source)
  }

  /** The source of this address, made where there is room. */
  #sourceOf(address: Uint8Array): GroupSource | null {
    const known = this.#sources.get(address)
    if (known !== null) return known
    if (this.#sources.size >= this.#init.maxSources) {
      this.sourcesRefused++
      return null
    }
    const source = { address: Uint8Array.from(address), untilMs: 0, queriesLeft: 0 }
    this.#sources.add(source)
    return source
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
