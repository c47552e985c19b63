/**
 * `npm run sim`: simulates VLANs of thousands of members with the real switching code and checks that nothing loops,
 * doubles or gets lost. Ends with 1 where an invariant was violated, and says how to run the same again.
 */
import { runSimCommand, USAGE, UsageError } from './lib/sim-command.ts'

try {
  process.exitCode = runSimCommand(process.argv.slice(2), {
    out: console.log,
    err: console.error,
    now: () => performance.now() / 1_000,
  })
} catch (error) {
  const isUsage = error instanceof UsageError || (error instanceof TypeError && 'code' in error)
  if (!isUsage) throw error
  console.error(`${error.message}\n${USAGE}`)
  process.exitCode = 2
}
