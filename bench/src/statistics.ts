/** A measured figure over several runs. */
export interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** @throws RangeError for no values */
export function median(values: readonly number[]): number {
  const sorted = sort(values)
  const middle = sorted.length / 2
  if (Number.isInteger(middle)) return (sorted[middle - 1]! + sorted[middle]!) / 2
  return sorted[Math.floor(middle)]!
}

/**
 * Percentile by nearest rank: a value that was really measured.
 * @param share 0 to 1, for example 0.99
 * @throws RangeError for no values
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = sort(values)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
}

/** @throws RangeError for no values */
export function summarize(values: readonly number[]): Summary {
  const sorted = sort(values)
  return { median: median(sorted), min: sorted[0]!, max: sorted.at(-1)! }
}

function sort(values: readonly number[]): number[] {
  if (values.length === 0) throw new RangeError('no values')
  return [...values].sort((a, b) => a - b)
}
