/**
 * Bytes that one call of `run` leaves on the heap, on average and after it was optimised. A collection in between can
 * only make it less.
 */
export function allocatedBytes(run: () => void, calls = 100_000): number {
  for (let i = 0; i < calls; i++) run()
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 3; round++) {
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < calls; i++) run()
    least = Math.min(least, Math.max(0, process.memoryUsage().heapUsed - before))
  }
  return least / calls
}
