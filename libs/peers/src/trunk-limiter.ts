import { LOCAL_GROUP } from './network-group.ts'

/** A trunk younger than this has had no time to be of use. */
const YOUNG_MS = 30_000
/** A trunk to a peer of no common VLAN gives way after this: what it is in, it has said by then. */
const STRANGER_YOUNG_MS = 5_000
/** Times of use within this of each other are the same. */
const USE_STEP_MS = 10_000

/** What the limiter has to know of a trunk. Times are monotonic milliseconds. */
export interface LimitedTrunk {
  /** To a configured peer. */
  readonly pinned: boolean
  /** Part of a VLAN's spanning tree: without it, members might lose each other. */
  readonly tree: boolean
  /** A switch of a VLAN of the peer does not say what it uses. */
  readonly mayMatter: boolean
  /** The peer is in a VLAN of this node. */
  readonly member: boolean
  /** This node has dialled, so that nobody chose the peer for it. */
  readonly ours: boolean
  readonly upAtMs: number
  readonly usefulAtMs: number
  readonly bytesPerSecond: number
  /** Opened for a busy pair. */
  readonly shortcut: boolean
  /** `networkGroup` of the peer. */
  readonly network: string
}

/** How the places for trunks are shared out. */
export interface TrunkShares {
  /** Trunks at the most. */
  readonly limit: number
  /** Places that are freed again when they are taken, so that there is one for a newcomer. */
  readonly reserved: number
  /** Trunks of longest standing that newcomers do not displace, however many come. */
  readonly kept: number
  /** Members of each VLAN that this node dials by itself. */
  readonly members: number
  /** Peers of no common VLAN that it dials by itself: they know of others. */
  readonly contacts: number
}

export function trunkShares(limit: number): TrunkShares {
  return {
    limit,
    reserved: limit < 4 ? 0 : Math.max(1, Math.floor(limit / 8)),
    kept: Math.floor(limit / 2),
    members: Math.min(8, Math.max(1, Math.ceil((limit * 2) / 3) - 1)),
    contacts: Math.min(3, Math.max(1, Math.floor(limit / 4))),
  }
}

/**
 * The trunk that would be missed least where one has to make room for a busier pair; null where each has its use. Those to configured
 * peers and those of a tree stay, or making room would tear a hole; and so do young ones, or two pairs would take the last place
 * from each other in turn; and those that carry more than half of what the pair exchanges.
 */
export function leastUseful<T extends LimitedTrunk>(
  trunks: readonly T[],
  nowMs: number,
  bytesPerSecond: number,
): T | null {
  const spare = trunks.filter(
    (trunk) =>
      !isFixed(trunk) && nowMs - trunk.upAtMs >= YOUNG_MS && trunk.bytesPerSecond <= bytesPerSecond / 2,
  )
  return first(spare, trunks)
}

/**
 * The trunk to end so that a newcomer finds a place; null where none may. Beside those of `leastUseful` the `kept` trunks of longest
 * standing stay, those that this node has dialled before others: a crowd of strangers only ever competes for the rest.
 * @param forMember the newcomer is known to be a member: it need not wait until a stranger has said what it is in
 */
export function toPrune<T extends LimitedTrunk>(
  trunks: readonly T[],
  nowMs: number,
  { kept }: Pick<TrunkShares, 'kept'>,
  forMember = false,
): T | null {
  const standing = new Set(
    trunks
      .filter((trunk) => trunk.member)
      .sort((a, b) => Number(b.ours) - Number(a.ours) || a.upAtMs - b.upAtMs)
      .slice(0, kept),
  )
  const spare = trunks.filter((trunk) => {
    if (isFixed(trunk) || standing.has(trunk)) return false
    const youngMs = trunk.member ? YOUNG_MS : forMember ? 0 : STRANGER_YOUNG_MS
    return nowMs - trunk.upAtMs >= youngMs
  })
  return first(spare, trunks)
}

/** Never ended by choice: below these the trees would not hold together. */
export function isFixed({ pinned, tree, mayMatter }: LimitedTrunk): boolean {
  return pinned || tree || mayMatter
}

function first<T extends LimitedTrunk>(spare: readonly T[], all: readonly T[]): T | null {
  const crowd = new Map<string, number>()
  for (const { network } of all) crowd.set(network, (crowd.get(network) ?? 0) + 1)
  const rank = (trunk: T): readonly number[] => [
    trunk.member ? 1 : 0,
    // Of many in one network the first to go; private networks say nothing of where a peer is.
    trunk.network === LOCAL_GROUP ? -1 : -(crowd.get(trunk.network) ?? 1),
    Math.round(trunk.usefulAtMs / USE_STEP_MS),
    trunk.bytesPerSecond,
    trunk.shortcut ? 0 : 1,
    -trunk.upAtMs,
  ]
  let least: { trunk: T; rank: readonly number[] } | null = null
  for (const trunk of spare) {
    const ranked = rank(trunk)
    if (least === null || isLess(ranked, least.rank)) least = { trunk, rank: ranked }
  }
  return least?.trunk ?? null
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, i) => value !== b[i])
  return at >= 0 && a[at]! < b[at]!
}
