import {
  RECORD_ALLOW,
  RECORD_IS_EXCLUDE,
  RECORD_IS_INCLUDE,
  RECORD_TO_EXCLUDE,
  RECORD_TO_INCLUDE,
} from '@wakunet/ethernet'
import { AddressMap } from '../address-map.ts'
import { TokenBucket } from '../control/token-bucket.ts'
import { type AskGroup, PortGroup, type PortGroupInit } from './port-group.ts'
import { DEFAULT_MULTICAST_TIMERS, type MulticastTimers } from './timers.ts'

export interface PortTableInit {
  /** 32 random bits. */
  readonly hashSeed: number
  readonly timers?: MulticastTimers
  /** Groups of the port, of both families. Default 1,024. */
  readonly maxGroups?: number
  /** Sources of one group. Default 64. */
  readonly maxSourcesPerGroup?: number
  /** Group records a second that are looked at, ten times as many at once. Default 100. */
  readonly maxRecordsPerSecond?: number
  /** Whoever leaves a group was its only member on this port: right for a TAP that no bridge is behind. Default false. */
  readonly fastLeave?: boolean
}

export const DEFAULT_MAX_GROUPS = 1_024
export const DEFAULT_MAX_SOURCES_PER_GROUP = 64
export const DEFAULT_MAX_RECORDS_PER_SECOND = 100
const BURST_SECONDS = 10

/** Monotonic counters. */
export interface PortTableStats {
  groupsAdded: number
  groupsRemoved: number
  /** New groups refused because the table was full; the old ones stay. */
  groupsRefused: number
  sourcesRefused: number
  /** Group records over the rate. */
  recordsRefused: number
}

/** What hosts on one port have asked for: the groups of the TAP. */
export class PortTable {
  readonly stats: PortTableStats = {
    groupsAdded: 0,
    groupsRemoved: 0,
    groupsRefused: 0,
    sourcesRefused: 0,
    recordsRefused: 0,
  }
  /** Grows whenever what is wanted may have changed. */
  revision = 0
  readonly #groups: AddressMap<PortGroup>
  readonly #groupInit: { -readonly [Key in keyof PortGroupInit]: PortGroupInit[Key] }
  readonly #maxGroups: number
  readonly #rate: TokenBucket
  #dueMs = Number.POSITIVE_INFINITY

  constructor(init: PortTableInit, nowMs: number) {
    const perSecond = init.maxRecordsPerSecond ?? DEFAULT_MAX_RECORDS_PER_SECOND
    this.#groups = new AddressMap(init.hashSeed)
    this.#maxGroups = init.maxGroups ?? DEFAULT_MAX_GROUPS
    this.#rate = new TokenBucket(perSecond * BURST_SECONDS, perSecond, nowMs)
    this.#groupInit = {
      timers: init.timers ?? DEFAULT_MULTICAST_TIMERS,
      maxSources: init.maxSourcesPerGroup ?? DEFAULT_MAX_SOURCES_PER_GROUP,
      fastLeave: init.fastLeave ?? false,
      hashSeed: init.hashSeed,
    }
  }

  get size(): number {
    return this.#groups.size
  }

  get groups(): Iterable<PortGroup> {
    return this.#groups
  }

  /** Whether the port wants frames of this source to this group. Free of allocations. */
  wants(
    bytes: Uint8Array,
    groupOffset: number,
    sourceOffset: number,
    addressBytes: number,
    nowMs: number,
  ): boolean {
    const group = this.#groups.find(bytes, groupOffset, addressBytes)
    return group?.wants(bytes, sourceOffset, nowMs) ?? false
  }

  /**
   * Takes over one group record of a report, see `PortGroup.apply`.
   * @param olderVersion of the host, where it speaks an older version
   */
  apply(
    address: Uint8Array,
    type: number,
    sources: readonly Uint8Array[],
    ask: boolean,
    nowMs: number,
    olderVersion: 1 | 2 | null = null,
  ): void {
    if (!this.#rate.take(nowMs)) {
      this.stats.recordsRefused++
      return
    }
    const group = this.#groupOf(address, asksForMore(type, sources.length))
    if (group === null) return
    if (olderVersion !== null && type === RECORD_IS_EXCLUDE) group.noteOlderHost(olderVersion, nowMs)
    const refused = group.sourcesRefused
    group.apply(type, sources, ask, nowMs)
    this.stats.sourcesRefused += group.sourcesRefused - refused
    this.#settle(group)
  }

  /** A querier on the port that is not this switch asked without the suppress flag. */
  lowerTimers(address: Uint8Array, sources: readonly Uint8Array[], nowMs: number): void {
    const group = this.#groups.get(address)
    if (group === null) return
    group.lowerTimers(sources, nowMs)
    this.#dueMs = Math.min(this.#dueMs, group.dueMs())
  }

  /** Timers for what is reported from now on. */
  setTimers(timers: MulticastTimers): void {
    this.#groupInit.timers = timers
  }

  /** When `tick` has something to do. */
  get dueMs(): number {
    return this.#dueMs
  }

  tick(nowMs: number, ask: AskGroup): void {
    if (nowMs < this.#dueMs) return
    this.#dueMs = Number.POSITIVE_INFINITY
    for (const group of this.#groups) {
      if (group.dueMs() <= nowMs) {
        group.tick(nowMs, ask)
        this.#settle(group)
      } else this.#dueMs = Math.min(this.#dueMs, group.dueMs())
    }
  }

  clear(): void {
    if (this.#groups.size > 0) this.revision++
    this.stats.groupsRemoved += this.#groups.size
    this.#groups.clear()
    this.#dueMs = Number.POSITIVE_INFINITY
  }

  /** The group, made where the record asks for something and there is room. */
  #groupOf(address: Uint8Array, isWanted: boolean): PortGroup | null {
    const known = this.#groups.get(address)
    if (known !== null || !isWanted) return known
    if (this.#groups.size >= this.#maxGroups) {
      this.stats.groupsRefused++
      return null
    }
    const group = new PortGroup(address, this.#groupInit)
    this.#groups.add(group)
    this.stats.groupsAdded++
    return group
  }

  #settle(group: PortGroup): void {
    this.revision++
    if (group.isEmpty) {
      this.#groups.delete(group)
      this.stats.groupsRemoved++
    } else this.#dueMs = Math.min(this.#dueMs, group.dueMs())
  }
}

/** Whether a record of this type asks for something that was not asked for before. */
function asksForMore(type: number, sourceCount: number): boolean {
  switch (type) {
    case RECORD_IS_EXCLUDE:
    case RECORD_TO_EXCLUDE:
      return true
    case RECORD_IS_INCLUDE:
    case RECORD_TO_INCLUDE:
    case RECORD_ALLOW:
      return sourceCount > 0
    default:
      return false
  }
}
