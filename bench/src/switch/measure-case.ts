import { median } from '../statistics.ts'
import type { Workload } from './workload.ts'

/** What one case costs. */
export interface CaseCost {
  /** Median over the rounds. */
  readonly nsPerFrame: number
  readonly minNsPerFrame: number
  readonly maxNsPerFrame: number
  /** Left on the heap by a frame, and by a call for a whole batch. */
  readonly heapBytesPerFrame: number
  readonly heapBytesPerCall: number
  readonly framesPerCall: number
}

const ROUNDS = 5
const WARM_UP_SHARE = 0.3
/** Passes without a collection in between; what they leave must fit the young generation of the process. */
const HEAP_PASSES = 8

/**
 * Measures for about so many seconds. Heap needs `node --expose-gc`.
 * @param counted how many frames have gone through so far; all of them must: whoever drops frames is fast
 */
export function measureCase(workload: Workload, seconds: number, counted: () => number): CaseCost {
  checkRun(workload, counted)
  runFor(workload, seconds * WARM_UP_SHARE)
  const heap = heapBytes(workload)
  const rounds = Array.from({ length: ROUNDS }, () =>
    runFor(workload, (seconds * (1 - WARM_UP_SHARE)) / ROUNDS),
  )
  checkRun(workload, counted)
  return {
    nsPerFrame: median(rounds),
    minNsPerFrame: Math.min(...rounds),
    maxNsPerFrame: Math.max(...rounds),
    heapBytesPerFrame: heap / workload.frames,
    heapBytesPerCall: heap / workload.calls,
    framesPerCall: workload.frames / workload.calls,
  }
}

function checkRun(workload: Workload, counted: () => number): void {
  workload.restore()
  const before = counted()
  workload.run()
  const seen = counted() - before
  if (seen !== workload.frames)
    throw new Error(`of ${workload.frames} frames ${seen} went through the switch`)
}

/** @returns nanoseconds of a frame */
function runFor(workload: Workload, seconds: number): number {
  let ms = 0
  let frames = 0
  do {
    workload.restore()
    const startedMs = performance.now()
    workload.run()
    ms += performance.now() - startedMs
    frames += workload.frames
  } while (ms < seconds * 1000)
  return (ms * 1e6) / frames
}

/** Bytes that one run leaves on the heap; `restore` has a share of its own, which is measured and taken off. */
function heapBytes(workload: Workload): number {
  const restoring = leftOver(() => workload.restore())
  const both = leftOver(() => {
    workload.restore()
    workload.run()
  })
  return Math.max(0, both - restoring)
}

function leftOver(run: () => void): number {
  run()
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < HEAP_PASSES; i++) run()
  return (process.memoryUsage().heapUsed - before) / HEAP_PASSES
}
