import { AddressMap } from '../address-map.ts'
import type { MulticastReport, ReportedGroup } from '../control/multicast-report.ts'
import { type GroupFrame, isTableGroup } from './group-frame.ts'
import type { MulticastTargets } from './multicast-targets.ts'
import { mergeFilters, NO_SOURCES, type SourceFilter } from './source-filter.ts'

/** What one member wants of one group. */
interface Subscription<M> {
  readonly member: M
  readonly exclude: boolean
  /** Null for an empty list. */
  readonly sources: AddressMap<{ readonly address: Uint8Array }> | null
}

interface MemberGroup<M> {
  readonly address: Uint8Array
  subscriptions: Subscription<M>[]
}

interface MemberState<M> {
  readonly groups: MemberGroup<M>[]
  readonly router: boolean
}

export interface MemberGroupsInit {
  readonly hashSeed: number
  /** Groups of all members together. Default 16,384. */
  readonly maxGroups?: number
}

export const DEFAULT_MAX_MEMBER_GROUPS = 16_384

/** The groups that members have reported, turned around: who wants a group. */
export class MemberGroups<M> {
  /** Subscriptions left out because the table was full. */
  groupsRefused = 0
  readonly #seed: number
  readonly #maxGroups: number
  readonly #groups: AddressMap<MemberGroup<M>>
  readonly #members = new Map<M, MemberState<M>>()
  #routers: M[] = []

  constructor(init: MemberGroupsInit) {
    this.#seed = init.hashSeed
    this.#maxGroups = init.maxGroups ?? DEFAULT_MAX_MEMBER_GROUPS
    this.#groups = new AddressMap(init.hashSeed)
  }

  get size(): number {
    return this.#groups.size
  }

  /** Members with a multicast router on their side. */
  get routers(): readonly M[] {
    return this.#routers
  }

  get groups(): Iterable<{ readonly address: Uint8Array }> {
    return this.#groups
  }

  /** @returns addresses of the groups that somebody wants, or wanted, otherwise than before */
  replace(member: M, report: MulticastReport): Uint8Array[] {
    const touched = this.remove(member)
    const groups: MemberGroup<M>[] = []
    for (const reported of report.groups) {
      const group = this.#groupOf(reported.address)
      if (group === null) continue
      group.subscriptions.push(this.#subscriptionOf(member, reported))
      groups.push(group)
    }
    this.#members.set(member, { groups, router: report.router })
    if (report.router) this.#routers.push(member)
    return [...touched, ...groups.map(({ address }) => address)]
  }

  /** @returns addresses of the groups that the member wanted */
  remove(member: M): Uint8Array[] {
    const state = this.#members.get(member)
    if (state === undefined) return []
    this.#members.delete(member)
    if (state.router) this.#routers = this.#routers.filter((other) => other !== member)
    for (const group of state.groups) {
      group.subscriptions = group.subscriptions.filter((subscription) => subscription.member !== member)
      if (group.subscriptions.length === 0) this.#groups.delete(group)
    }
    return state.groups.map(({ address }) => address)
  }

  /** Adds the members that want this frame. Free of allocations. */
  collect(bytes: Uint8Array, frame: GroupFrame, targets: MulticastTargets<M>): void {
    const group = this.#groups.find(bytes, frame.groupOffset, frame.addressBytes)
    if (group === null) return
    for (let i = 0; i < group.subscriptions.length; i++) {
      const { member, exclude, sources } = group.subscriptions[i]!
      const isListed =
        sources !== null && sources.find(bytes, frame.sourceOffset, frame.addressBytes) !== null
      if (isListed !== exclude) targets.add(member)
    }
  }

  /** What all members together want of a group. */
  filterOf(address: Uint8Array): SourceFilter {
    const group = this.#groups.get(address)
    if (group === null) return NO_SOURCES
    return group.subscriptions
      .map(({ exclude, sources }) => ({ exclude, sources: sources === null ? [] : addressesOf(sources) }))
      .reduce<SourceFilter>(mergeFilters, NO_SOURCES)
  }

  #groupOf(address: Uint8Array): MemberGroup<M> | null {
    if (!isTableGroup(address)) return null
    const known = this.#groups.get(address)
    if (known !== null) return known
    if (this.#groups.size >= this.#maxGroups) {
      this.groupsRefused++
      return null
    }
    const group = { address, subscriptions: [] }
    this.#groups.add(group)
    return group
  }

  #subscriptionOf(member: M, { exclude, sources }: ReportedGroup): Subscription<M> {
    if (sources.length === 0) return { member, exclude, sources: null }
    const map = new AddressMap<{ readonly address: Uint8Array }>(this.#seed)
    for (const address of sources) map.add({ address })
    return { member, exclude, sources: map }
  }
}

function addressesOf(map: AddressMap<{ readonly address: Uint8Array }>): Uint8Array[] {
  return [...map].map(({ address }) => address)
}
