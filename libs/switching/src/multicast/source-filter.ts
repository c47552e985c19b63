import { compareAddresses } from '../address-map.ts'

/**
 * Which sources of a group somebody wants: those of a list, or all but those of a list (RFC 3376 §3). Addresses
 * ascend, each once.
 */
export interface SourceFilter {
  readonly exclude: boolean
  readonly sources: readonly Uint8Array[]
}

/** Wants nothing: not a member of the group. */
export const NO_SOURCES: SourceFilter = { exclude: false, sources: [] }

export function sortAddresses(addresses: Iterable<Uint8Array>): Uint8Array[] {
  return [...addresses].sort(compareAddresses)
}

/** What is wanted by either: the rule for several sockets of RFC 3376 §3.2. */
export function mergeFilters(a: SourceFilter, b: SourceFilter): SourceFilter {
  if (!a.exclude && !b.exclude)
    return { exclude: false, sources: sortAddresses([...without(a.sources, b.sources), ...b.sources]) }
  if (a.exclude && b.exclude)
    return { exclude: true, sources: without(a.sources, without(a.sources, b.sources)) }
  const [excluding, including] = a.exclude ? [a, b] : [b, a]
  return { exclude: true, sources: without(excluding.sources, including.sources) }
}

/** The addresses of `from` that are not in `away`, in their order. */
export function without(from: readonly Uint8Array[], away: readonly Uint8Array[]): Uint8Array[] {
  return from.filter((address) => !away.some((other) => compareAddresses(address, other) === 0))
}
