import {
  createFrameView,
  decodeIgmp,
  decodeIpv4,
  decodeIpv6,
  decodeMld,
  type FrameView,
  IGMP_QUERY,
  IGMP_V1_REPORT,
  IGMP_V2_LEAVE,
  IGMP_V2_REPORT,
  IGMP_V3_REPORT,
  type IgmpMessage,
  type IgmpQuery,
  MLD_QUERY,
  MLD_V1_DONE,
  MLD_V1_REPORT,
  MLD_V2_REPORT,
  type MldMessage,
  type MldQuery,
  NOT_FRAGMENTED,
  parseFrame,
  RECORD_IS_EXCLUDE,
  RECORD_TO_INCLUDE,
} from '@wakunet/ethernet'
import { isTableGroup } from './group-frame.ts'
import { ALL_HOSTS4, ALL_NODES6, igmpFrame, type MulticastSpeaker, mldFrame } from './group-frames.ts'
import { PortTable, type PortTableInit } from './port-table.ts'
import { Querier } from './querier.ts'
import {
  DEFAULT_MULTICAST_TIMERS,
  type MulticastTimers,
  membershipIntervalMs,
  otherQuerierPresentMs,
} from './timers.ts'

export interface PortSnooperInit extends PortTableInit {
  readonly speaker: MulticastSpeaker
  /** Sends an Ethernet frame of its own to the TAP. */
  readonly toTap: (frame: Uint8Array) => void
  /** Somebody on the TAP's side has asked. */
  readonly onQuery: (query: IgmpQuery | MldQuery, nowMs: number) => void
}

/** Monotonic counters. */
export interface MulticastStats {
  queriesSent: number
  queriesHeard: number
  reportsHeard: number
  /** IGMP and MLD that does not decode, or is about groups that no table keeps. */
  ignored: number
}

/** From which side a frame came. */
export type MulticastSide = 'tap' | 'member'

/** Largest robustness that a query can say; more is written as 0 (RFC 3376 §4.1.6). */
const MAX_QUERY_ROBUSTNESS = 7

/**
 * What the TAP's side wants, found out by listening and asking: IGMP and MLD snooping (RFC 4541) with a querier of its own
 * (RFC 3376, RFC 3810).
 */
export class PortSnooper {
  readonly port: PortTable
  readonly querier4: Querier
  readonly querier6: Querier
  readonly stats: MulticastStats = { queriesSent: 0, queriesHeard: 0, reportsHeard: 0, ignored: 0 }
  readonly #init: PortSnooperInit
  readonly #timers: MulticastTimers
  readonly #view: FrameView = createFrameView()
  #routerUntilMs = 0

  constructor(init: PortSnooperInit, nowMs: number) {
    this.#init = init
    this.#timers = init.timers ?? DEFAULT_MULTICAST_TIMERS
    this.port = new PortTable(init, nowMs)
    this.querier4 = new Querier(init.speaker.address4, this.#timers, nowMs)
    this.querier6 = new Querier(init.speaker.address6, this.#timers, nowMs)
  }

  /** Until when a multicast router that was heard on the TAP's side is believed to be there. */
  get routerUntilMs(): number {
    return this.#routerUntilMs
  }

  /**
   * Learns from an IGMP or MLD frame. Reports count from the TAP's side only: members report through their switches.
   * Queries from a member are to be kept off by a guard; where they are not, they take part in the election.
   */
  snoop(bytes: Uint8Array, offset: number, length: number, side: MulticastSide, nowMs: number): void {
    if (
      parseFrame(bytes, offset, length, this.#view) !== 'ok' ||
      !this.#snoopPacket(bytes, offset, side, nowMs)
    )
      this.stats.ignored++
  }

  /** False for a frame that nothing was learned from. */
  #snoopPacket(bytes: Uint8Array, offset: number, side: MulticastSide, nowMs: number): boolean {
    const view = this.#view
    const length = view.ipEnd - view.l3Offset
    if (view.fragment !== NOT_FRAGMENTED) return false
    if (view.ipVersion === 4) {
      const packet = decodeIpv4(bytes, offset + view.l3Offset, length)
      const message = packet === null ? null : decodeIgmp(packet.payload)
      return message !== null && this.#onIgmp(message, packet!.source, side, nowMs)
    }
    const packet = view.ipVersion === 6 ? decodeIpv6(bytes, offset + view.l3Offset, length) : null
    const message = packet === null ? null : decodeMld(packet)
    return (
      message !== null && isLinkLocal(packet!.source) && this.#onMld(message, packet!.source, side, nowMs)
    )
  }

  #onIgmp(message: IgmpMessage, source: Uint8Array, side: MulticastSide, nowMs: number): boolean {
    if (message.type === IGMP_QUERY) {
      this.#onQuery(this.querier4, message, source, side, nowMs)
      return true
    }
    if (side !== 'tap') return false
    this.stats.reportsHeard++
    const ask = this.querier4.isElected
    switch (message.type) {
      case IGMP_V3_REPORT:
        for (const { type, group, sources } of message.records) this.#apply(group, type, sources, ask, nowMs)
        break
      case IGMP_V2_LEAVE:
        this.#apply(message.group, RECORD_TO_INCLUDE, [], ask, nowMs)
        break
      case IGMP_V1_REPORT:
      case IGMP_V2_REPORT: {
        const version = message.type === IGMP_V1_REPORT ? 1 : 2
        this.#apply(message.group, RECORD_IS_EXCLUDE, [], ask, nowMs, version)
      }
    }
    return true
  }

  #onMld(message: MldMessage, source: Uint8Array, side: MulticastSide, nowMs: number): boolean {
    if (message.type === MLD_QUERY) {
      this.#onQuery(this.querier6, message, source, side, nowMs)
      return true
    }
    if (side !== 'tap') return false
    this.stats.reportsHeard++
    const ask = this.querier6.isElected
    switch (message.type) {
      case MLD_V2_REPORT:
        for (const { type, group, sources } of message.records) this.#apply(group, type, sources, ask, nowMs)
        break
      case MLD_V1_DONE:
        this.#apply(message.group, RECORD_TO_INCLUDE, [], ask, nowMs)
        break
      case MLD_V1_REPORT:
        // MLDv1 is the counterpart of IGMPv2: it can say that it leaves (RFC 3810 §8.3.2).
        this.#apply(message.group, RECORD_IS_EXCLUDE, [], ask, nowMs, 2)
    }
    return true
  }

  #apply(
    group: Uint8Array,
    type: number,
    sources: readonly Uint8Array[],
    ask: boolean,
    nowMs: number,
    olderVersion: 1 | 2 | null = null,
  ): void {
    if (isTableGroup(group)) this.port.apply(group, type, sources, ask, nowMs, olderVersion)
    else this.stats.ignored++
  }

  #onQuery(
    querier: Querier,
    query: IgmpQuery | MldQuery,
    source: Uint8Array,
    side: MulticastSide,
    nowMs: number,
  ): void {
    this.stats.queriesHeard++
    const isUnspecified = source.every((byte) => byte === 0)
    if (querier.hear(source, query, nowMs)) this.#adoptTimers()
    if (side !== 'tap') return
    // RFC 4541 §2.1.1: a query without an address comes from a switch, not from a router.
    if (!isUnspecified) this.noteRouter(nowMs)
    if (!querier.isElected && !query.suppress && isTableGroup(query.group))
      this.port.lowerTimers(query.group, query.sources, nowMs)
    this.#init.onQuery(query, nowMs)
  }

  /** A multicast router is on the TAP's side: it queries, says PIM hello or advertises itself (RFC 4541 §2.1.1 (1)). */
  noteRouter(nowMs: number): void {
    this.#routerUntilMs = nowMs + otherQuerierPresentMs(this.#timers)
  }

  /** The timers of the queriers that are believed in; of two families those that keep groups longer. */
  #adoptTimers(): void {
    const [timers4, timers6] = [this.querier4.timers, this.querier6.timers]
    this.port.setTimers(membershipIntervalMs(timers4) > membershipIntervalMs(timers6) ? timers4 : timers6)
  }

  /** The TAP came up: asks at once. */
  portUp(nowMs: number): void {
    this.querier4.restart(nowMs)
    this.querier6.restart(nowMs)
  }

  /** The TAP went down: nobody is there any more. */
  portDown(nowMs: number): void {
    this.port.clear()
    this.#routerUntilMs = nowMs
  }

  get dueMs(): number {
    return Math.min(this.querier4.dueMs, this.querier6.dueMs, this.port.dueMs)
  }

  tick(nowMs: number): void {
    if (this.querier4.tick(nowMs)) this.#ask(new Uint8Array(4), [], false)
    if (this.querier6.tick(nowMs)) this.#ask(new Uint8Array(16), [], false)
    this.#adoptTimers()
    this.port.tick(nowMs, this.#ask)
  }

  /** Sends a query to the TAP: general, group-specific, or for sources of a group. */
  readonly #ask = (group: Uint8Array, sources: readonly Uint8Array[], suppress: boolean): void => {
    const { speaker, toTap } = this.#init
    const isGeneral = group.every((byte) => byte === 0)
    const query = {
      maxResponseMs: isGeneral ? this.#timers.queryResponseMs : this.#timers.lastMemberQueryIntervalMs,
      group,
      suppress,
      robustness: this.#timers.robustness > MAX_QUERY_ROBUSTNESS ? 0 : this.#timers.robustness,
      intervalSeconds: Math.round(this.#timers.queryIntervalMs / 1000),
      sources,
    }
    this.stats.queriesSent++
    if (group.length === 4)
      toTap(igmpFrame(speaker, isGeneral ? ALL_HOSTS4 : group, { type: IGMP_QUERY, version: 3, ...query }))
    else toTap(mldFrame(speaker, isGeneral ? ALL_NODES6 : group, { type: MLD_QUERY, version: 2, ...query }))
  }
}

/** fe80::/10: what MLD must come from (RFC 3810 §6.2, §7.4). */
function isLinkLocal(address: Uint8Array): boolean {
  return address[0] === 0xfe && (address[1]! & 0xc0) === 0x80
}
