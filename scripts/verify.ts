/**
 * `npm run verify`: what people and CI share before anything is merged: format and lint, types, dead code, unit
 * tests. Runs all of them, and tells which failed.
 */
import { run } from './lib/process.ts'
import { ROOT } from './lib/projects.ts'

const STEP_TIMEOUT_MS = 5 * 60_000

const CHECKS = [
  {
    name: 'format and lint (biome)',
    command: ['biome', 'check', '--error-on-warnings'],
    fix: 'npx biome check --write',
  },
  { name: 'types (tsc)', command: ['tsc', '--noEmit', '-p', 'tsconfig.json'], fix: null },
  { name: 'dead code (knip)', command: ['knip', '--no-progress', '--no-config-hints'], fix: null },
] as const

const failed: string[] = []

for (const { name, command, fix } of CHECKS) {
  const startedAt = performance.now()
  const [program, ...args] = command
  const { ok, output } = await run(program, args, { cwd: ROOT, timeoutMs: STEP_TIMEOUT_MS, output: 'keep' })
  console.log(`${ok ? '✔' : '✖'} ${name} (${((performance.now() - startedAt) / 1_000).toFixed(1)} s)`)
  if (ok) continue
  failed.push(name)
  console.log(output.trimEnd())
  if (fix !== null) console.log(`  most of it is put right by: ${fix}`)
}

const tests = await run(process.execPath, ['scripts/test.ts', '--unit'], {
  cwd: ROOT,
  timeoutMs: 2 * STEP_TIMEOUT_MS,
  output: 'show',
})
if (!tests.ok) failed.push('unit tests')
if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
