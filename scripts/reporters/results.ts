import type { TestEvent } from 'node:test/reporters'
import type { TestResults } from '../lib/results.ts'

/** Reporter of `node --test`: the totals as JSON. */
export default async function* results(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    // Each file has a summary as well; the one without a file is that of the whole run.
    if (event.type !== 'test:summary' || event.data.file !== undefined) continue
    const { counts, duration_ms } = event.data
    const totals: TestResults = {
      passed: counts.passed,
      failed: counts.tests - counts.passed - counts.skipped - counts.todo,
      skipped: counts.skipped + counts.todo,
      durationMs: Math.round(duration_ms),
    }
    yield `${JSON.stringify(totals)}\n`
  }
}
