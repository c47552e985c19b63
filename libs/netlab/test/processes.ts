import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

const DEADLINE_MS = 10_000

/** False also for a zombie: it has ended, and waits for an init that collects it. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return false
  }
}

/** Other processes give no event to wait for: looks again until nothing remains or the time is over. */
export async function untilNothing(remains: () => readonly string[]): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  while (remains().length > 0 && performance.now() < deadline) await new Promise(setImmediate)
  assert.deepEqual(remains(), [])
}
