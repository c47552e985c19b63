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
  MLD_QUERY,
  MLD_V1_DONE,
  MLD_V1_REPORT,
  MLD_V2_REPORT,
  type MldMessage,
  NOT_FRAGMENTED,
  parseFrame,
  RECORD_IS_EXCLUDE,
  RECORD_TO_INCLUDE,
} from '@wakunet/ethernet'
import { compareAddresses } from '../address-map.ts'
import type { MulticastReport, ReportedGroup } from '../control/multicast-report.ts'
import { classifyGroupFrame, createGroupFrame, isTableGroup } from './group-frame.ts'
import { ALL_HOSTS4, ALL_NODES6, igmpFrame, type MulticastSpeaker, mldFrame } from './group-frames.ts'
import { MemberGroups } from './member-groups.ts'
import { MulticastTargets } from './multicast-targets.ts'
import { PortTable, type PortTableInit } from './port-table.ts'
import { type HeardQuery, Querier } from './querier.ts'
import { type MulticastPeer, ReportExchange, type ReportExchangeInit } from './report-exchange.ts'
import { RouterProxy } from './router-proxy.ts'
import {
  DEFAULT_MULTICAST_TIMERS,
  type MulticastTimers,
  membershipIntervalMs,
  otherQuerierPresentMs,
} from './timers.ts'

export interface MulticastSwitchInit<P extends MulticastPeer> extends PortTableInit {
  readonly nodeId: Uint8Array
  readonly speaker: MulticastSpeaker
  /** See `ReportExchangeInit`. */
  readonly firstSequence: number
  readonly send: ReportExchangeInit<P>['send']
  /** Sends an Ethernet frame of its own to the TAP. */
  readonly toTap: (frame: Uint8Array) => void
  /** In [0, 1): spreads answers to queries. */
  readonly random: () => number
  /** False floods all multicast, as a switch without snooping does. Default true. */
  readonly snooping?: boolean
  /** Groups of all members. */
  readonly maxMemberGroups?: number
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
 * The multicast tables of one VLAN: what the TAP's side wants, found out by snooping and asking (RFC 4541, RFC 3376,
 * RFC 3810), and what members want, told by their switches. IGMP and MLD themselves stay on the TAP's side.
 *
 * Frames: `targets` for every multicast frame of either side, `snoop` for those of kind `igmp` and `mld`. Clock: `tick` at
 * `dueMs`.
 */
export class MulticastSwitch<P extends MulticastPeer> {
  readonly port: PortTable
  readonly members: MemberGroups<P>
  readonly exchange: ReportExchange<P>
  readonly querier4: Querier
  readonly querier6: Querier
  readonly stats: MulticastStats = { queriesSent: 0, queriesHeard: 0, reportsHeard: 0, ignored: 0 }
  /** Can be changed at any time. */
  snooping: boolean
  readonly #init: MulticastSwitchInit<P>
  readonly #timers: MulticastTimers
  readonly #proxy: RouterProxy
  readonly #targets = new MulticastTargets<P>()
  readonly #view: FrameView = createFrameView()
  readonly #frame = createGroupFrame()
  #known: readonly P[] = []
  /** Time of the message that is being taken over. */
  #nowMs = 0
  #routerUntilMs = 0
  #reportedRevision = 0
  #reportedRouter = false

  constructor(init: MulticastSwitchInit<P>, nowMs: number) {
    this.#init = init
    this.#timers = init.timers ?? DEFAULT_MULTICAST_TIMERS
    this.snooping = init.snooping ?? true
    this.port = new PortTable(init, nowMs)
    const { maxMemberGroups } = init
    this.members = new MemberGroups(
      maxMemberGroups === undefined
        ? { hashSeed: init.hashSeed }
        : { hashSeed: init.hashSeed, maxGroups: maxMemberGroups },
    )
    this.querier4 = new Querier(init.speaker.address4, this.#timers, nowMs)
    this.querier6 = new Querier(init.speaker.address6, this.#timers, nowMs)
    this.exchange = new ReportExchange<P>({ ...init, onReport: this.#onReport }, nowMs)
    this.#proxy = new RouterProxy({
      speaker: init.speaker,
      hashSeed: init.hashSeed,
      filterOf: (group) => this.members.filterOf(group),
      groups: () => this.members.groups,
      toTap: init.toTap,
    })
  }

  /** Whether a multicast router was heard on the TAP's side lately. */
  isRouterPort(nowMs: number): boolean {
    return nowMs < this.#routerUntilMs
  }

  /** The members of the VLAN without this node, and those of them with a trunk that forwards in the tree. */
  setPeers(members: readonly P[], neighbours: readonly P[], nowMs: number): void {
    const ids = new Set(members)
    for (const member of this.#known) if (!ids.has(member)) this.#touch(this.members.remove(member), nowMs)
    this.#known = members
    this.exchange.setMembers(members, nowMs)
    this.exchange.setNeighbours(neighbours, nowMs)
  }

  /** A control message of type 3. */
  receiveControl(bytes: Uint8Array, offset: number, length: number, from: P, nowMs: number): void {
    this.#nowMs = nowMs
    this.exchange.receive(bytes, offset, length, from, nowMs)
  }

  readonly #onReport = (member: P, report: MulticastReport): void => {
    this.#touch(this.members.replace(member, report), this.#nowMs)
  }

  /** Tells a router on the TAP's side what members want otherwise now. */
  #touch(groups: readonly Uint8Array[], nowMs: number): void {
    if (!this.isRouterPort(nowMs)) return
    for (const group of groups) this.#proxy.onChanged(group, nowMs)
  }

  /**
   * Who gets the frame of `length` bytes at `offset`. Free of allocations; the answer is valid until the next call.
   * @returns null for a frame that cannot be parsed
   */
  targets(
    bytes: Uint8Array,
    offset: number,
    length: number,
    side: MulticastSide,
    nowMs: number,
  ): MulticastTargets<P> | null {
    if (parseFrame(bytes, offset, length, this.#view) !== 'ok') return null
    const kind = classifyGroupFrame(bytes, offset, this.#view, this.#frame)
    const targets = this.#targets
    targets.reset(kind)
    const isTap = side === 'tap'
    switch (kind) {
      case 'unicast':
      case 'local':
        break
      case 'broadcast':
      case 'flood':
        this.#flood(isTap)
        break
      case 'igmp':
      case 'mld':
        // Without snooping they are frames like others; with it they stay where they are.
        if (!this.snooping) this.#flood(isTap)
        break
      case 'group':
        if (this.snooping) this.#select(bytes, isTap, nowMs)
        else this.#flood(isTap)
    }
    return targets
  }

  #flood(isTap: boolean): void {
    this.#targets.everybody = isTap
    this.#targets.tap = !isTap
  }

  #select(bytes: Uint8Array, isTap: boolean, nowMs: number): void {
    const { groupOffset, sourceOffset, addressBytes } = this.#frame
    if (!isTap) {
      this.#targets.tap =
        this.isRouterPort(nowMs) || this.port.wants(bytes, groupOffset, sourceOffset, addressBytes, nowMs)
      return
    }
    this.members.collect(bytes, this.#frame, this.#targets)
    const { routers } = this.members
    for (let i = 0; i < routers.length; i++) this.#targets.addOnce(routers[i]!)
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
    query: HeardQuery & {
      readonly version: number
      readonly group: Uint8Array
      readonly maxResponseMs: number
      readonly suppress: boolean
      readonly sources: readonly Uint8Array[]
    },
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
    this.#proxy.onQuery(query.group, query.version, query.maxResponseMs, this.#init.random(), nowMs)
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

  /** When `tick` has something to do; may be sooner after every other call. */
  dueMs(nowMs: number): number {
    return Math.min(
      this.querier4.dueMs,
      this.querier6.dueMs,
      this.port.dueMs,
      this.#proxy.dueMs,
      this.exchange.dueMs(nowMs),
      this.#hasNews(nowMs) ? nowMs : Number.POSITIVE_INFINITY,
      this.#reportedRouter ? this.#routerUntilMs : Number.POSITIVE_INFINITY,
    )
  }

  tick(nowMs: number): void {
    if (this.querier4.tick(nowMs)) this.#ask(new Uint8Array(4), [], false)
    if (this.querier6.tick(nowMs)) this.#ask(new Uint8Array(16), [], false)
    this.#adoptTimers()
    this.port.tick(nowMs, this.#ask)
    this.#proxy.tick(nowMs)
    if (this.#hasNews(nowMs)) {
      this.#reportedRevision = this.port.revision
      this.#reportedRouter = this.isRouterPort(nowMs)
      this.exchange.setOwn(this.#reportedRouter, this.#ownGroups(), nowMs)
    }
    this.exchange.tick(nowMs)
  }

  #hasNews(nowMs: number): boolean {
    return this.port.revision !== this.#reportedRevision || this.isRouterPort(nowMs) !== this.#reportedRouter
  }

  #ownGroups(): ReportedGroup[] {
    const groups: ReportedGroup[] = []
    for (const group of this.port.groups) {
      const filter = group.filter()
      if (filter.exclude || filter.sources.length > 0) groups.push({ address: group.address, ...filter })
    }
    return groups.sort((a, b) => compareAddresses(a.address, b.address))
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
