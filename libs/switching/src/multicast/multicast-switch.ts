import { createFrameView, type FrameView, parseFrame } from '@wakunet/ethernet'
import type { GossipMembers } from '@wakunet/gossip'
import { compareAddresses } from '../address-map.ts'
import type { MulticastReport, ReportedGroup } from '../control/multicast-report.ts'
import { classifyGroupFrame, createGroupFrame, isRouterSign } from './group-frame.ts'
import { MemberGroups } from './member-groups.ts'
import { MulticastTargets } from './multicast-targets.ts'
import { type MulticastSide, PortSnooper, type PortSnooperInit } from './port-snooper.ts'
import { type MulticastPeer, ReportExchange, type ReportExchangeInit } from './report-exchange.ts'
import { RouterProxy } from './router-proxy.ts'

export interface MulticastSwitchInit<P extends MulticastPeer> extends Omit<PortSnooperInit, 'onQuery'> {
  readonly nodeId: Uint8Array
  /** See `ReportExchangeInit`. */
  readonly firstSequence: number
  readonly send: ReportExchangeInit<P>['send']
  readonly wallMs?: ReportExchangeInit<P>['wallMs']
  /** In [0, 1): spreads answers to queries. */
  readonly random: () => number
  /** False floods all multicast, as a switch without snooping does. Default true. */
  readonly snooping?: boolean
  /** Groups of all members. */
  readonly maxMemberGroups?: number
}

/**
 * The multicast tables of one VLAN: what the TAP's side wants, found out by snooping and asking (RFC 4541, RFC 3376,
 * RFC 3810), and what members want, told by their switches. IGMP and MLD themselves stay on the TAP's side.
 *
 * Frames: `targets` for every multicast frame of either side, `snoop` for those of kind `igmp` and `mld`. Clock: `tick` at
 * `dueMs`.
 */
export class MulticastSwitch<P extends MulticastPeer> {
  readonly snooper: PortSnooper
  readonly members: MemberGroups<P>
  readonly exchange: ReportExchange<P>
  /** Can be changed at any time. */
  snooping: boolean
  readonly #proxy: RouterProxy
  readonly #targets = new MulticastTargets<P>()
  readonly #view: FrameView = createFrameView()
  readonly #frame = createGroupFrame()
  /** Time of the message that is being taken over. */
  #nowMs = 0
  #reportedRevision = 0
  #reportedRouter = false

  constructor(init: MulticastSwitchInit<P>, nowMs: number) {
    this.snooping = init.snooping ?? true
    const { maxMemberGroups } = init
    this.members = new MemberGroups(
      maxMemberGroups === undefined
        ? { hashSeed: init.hashSeed }
        : { hashSeed: init.hashSeed, maxGroups: maxMemberGroups },
    )
    this.snooper = new PortSnooper(
      { ...init, onQuery: (query, at) => this.#proxy.onQuery(query, init.random(), at) },
      nowMs,
    )
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
    return nowMs < this.snooper.routerUntilMs
  }

  /** The members of the VLAN without this node, and those of them with a trunk that forwards in the tree. */
  setPeers(members: GossipMembers<P>, neighbours: readonly P[], nowMs: number): void {
    for (const gone of this.exchange.setMembers(members, nowMs)) this.#touch(this.members.remove(gone), nowMs)
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
    if (isTap && isRouterSign(bytes, offset, this.#view)) this.snooper.noteRouter(nowMs)
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
        this.isRouterPort(nowMs) ||
        this.snooper.port.wants(bytes, groupOffset, sourceOffset, addressBytes, nowMs)
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
    this.snooper.snoop(bytes, offset, length, side, nowMs)
  }

  /** The TAP came up: asks at once. */
  portUp(nowMs: number): void {
    this.snooper.portUp(nowMs)
  }

  /** The TAP went down: nobody is there any more. */
  portDown(nowMs: number): void {
    this.snooper.portDown(nowMs)
  }

  /** When `tick` has something to do; may be sooner after every other call. */
  dueMs(nowMs: number): number {
    return Math.min(
      this.snooper.dueMs,
      this.#proxy.dueMs,
      this.exchange.dueMs(nowMs),
      this.#hasNews(nowMs) ? nowMs : Number.POSITIVE_INFINITY,
      this.#reportedRouter ? this.snooper.routerUntilMs : Number.POSITIVE_INFINITY,
    )
  }

  tick(nowMs: number): void {
    this.snooper.tick(nowMs)
    this.#proxy.tick(nowMs)
    if (this.#hasNews(nowMs)) {
      this.#reportedRevision = this.snooper.port.revision
      this.#reportedRouter = this.isRouterPort(nowMs)
      this.exchange.setOwn(this.#reportedRouter, this.#ownGroups(), nowMs)
    }
    this.exchange.tick(nowMs)
  }

  #hasNews(nowMs: number): boolean {
    return (
      this.snooper.port.revision !== this.#reportedRevision ||
      this.isRouterPort(nowMs) !== this.#reportedRouter
    )
  }

  #ownGroups(): ReportedGroup[] {
    const groups: ReportedGroup[] = []
    for (const group of this.snooper.port.groups) {
      const filter = group.filter()
      if (filter.exclude || filter.sources.length > 0) groups.push({ address: group.address, ...filter })
    }
    return groups.sort((a, b) => compareAddresses(a.address, b.address))
  }
}
