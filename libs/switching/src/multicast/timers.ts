/** Timers of the router side of IGMP and MLD, all in milliseconds but for the counts (RFC 3376 §8, RFC 3810 §9). */
export interface MulticastTimers {
  /** How many losses in a row are survived. */
  readonly robustness: number
  readonly queryIntervalMs: number
  readonly queryResponseMs: number
  readonly lastMemberQueryIntervalMs: number
  readonly lastMemberQueryCount: number
}

/** The defaults of RFC 3376 §8 and RFC 3810 §9. */
export const DEFAULT_MULTICAST_TIMERS: MulticastTimers = {
  robustness: 2,
  queryIntervalMs: 125_000,
  queryResponseMs: 10_000,
  lastMemberQueryIntervalMs: 1_000,
  lastMemberQueryCount: 2,
}

/** How long a membership lasts without a report (§8.4, §9.4). */
export function membershipIntervalMs(timers: MulticastTimers): number {
  return timers.robustness * timers.queryIntervalMs + timers.queryResponseMs
}

/** How long another querier is believed in without a query of it (§8.5, §9.5). */
export function otherQuerierPresentMs(timers: MulticastTimers): number {
  return timers.robustness * timers.queryIntervalMs + timers.queryResponseMs / 2
}

/** How long the answer to a group-specific query is waited for (§8.10, §9.10). */
export function lastMemberQueryTimeMs(timers: MulticastTimers): number {
  return timers.lastMemberQueryIntervalMs * timers.lastMemberQueryCount
}
