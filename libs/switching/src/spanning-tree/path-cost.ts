/**
 * Cost of a trunk by its round trip. Classes, and not the time itself, so that jitter does not move the tree; the steps
 * are wide enough that one slow trunk is worth several fast ones.
 */
const RTT_CLASSES = [
  { belowMs: 1, cost: 10 },
  { belowMs: 3, cost: 20 },
  { belowMs: 10, cost: 50 },
  { belowMs: 30, cost: 120 },
  { belowMs: 70, cost: 300 },
  { belowMs: 150, cost: 700 },
  { belowMs: 400, cost: 2_000 },
] as const
const SLOWEST_COST = 6_000

/** Cost of a trunk that was not measured yet. */
export const DEFAULT_PATH_COST = 300
export const MAX_PATH_COST = 65_535

export function pathCostOfRtt(rttMs: number): number {
  for (const { belowMs, cost } of RTT_CLASSES) if (rttMs < belowMs) return cost
  return SLOWEST_COST
}

/** A cost as ports have it: a whole number from 1 on. */
export function clampCost(cost = DEFAULT_PATH_COST): number {
  return Math.min(MAX_PATH_COST, Math.max(1, Math.round(cost)))
}
