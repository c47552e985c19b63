import type { HostPair } from '@wakunet/netlab'
import type { PairReport } from './datagram-tickers.ts'
import type { Station } from './station.ts'

export type StationPair = readonly [from: Station, to: Station]

/** All ordered pairs. */
export function pairsOf(stations: readonly Station[]): StationPair[] {
  return stations.flatMap((from) => stations.filter((to) => to !== from).map((to): StationPair => [from, to]))
}

/** Pairs of stations (h1 is number 1) that the cables that are left still join. */
export function joinedPairs(stations: readonly Station[], cables: readonly HostPair[]): StationPair[] {
  const number = (station: Station) => Number(station.name.slice(1))
  return pairsOf(stations).filter(([from, to]) => reached(number(from), cables).has(number(to)))
}

function reached(start: number, cables: readonly HostPair[]): Set<number> {
  const found = new Set([start])
  for (let before = 0; before < found.size; ) {
    before = found.size
    for (const cable of cables)
      if (cable.some((host) => found.has(host))) for (const host of cable) found.add(host)
  }
  return found
}

/**
 * For how long each of the pairs lost datagrams after `sinceMs`: the longest gap between two that came, by the times of
 * their sending, less the interval between datagrams; 0 where none was lost.
 */
export function outagesOf(
  reports: readonly PairReport[],
  pairs: readonly StationPair[],
  { sinceMs, intervalMs }: { sinceMs: number; intervalMs: number },
): number[] {
  return pairs.map(([from, to]) => {
    const report = reports.find((candidate) => candidate.from === from && candidate.to === to)
    if (report === undefined) throw new Error(`no report of ${from.name} to ${to.name}`)
    const lengths = report.gaps
      .filter(([, afterMs]) => afterMs > sinceMs)
      .map(([beforeMs, afterMs]) => afterMs - beforeMs - intervalMs)
    return Math.max(0, ...lengths)
  })
}
