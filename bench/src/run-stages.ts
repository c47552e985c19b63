import path from 'node:path'
import { Lab } from '@wakunet/netlab'
import type { BenchOptions } from './options.ts'
import type { StageResult } from './stages/stage.ts'
import { formatFigure, renderTable } from './table.ts'

const PROGRAM = path.join(import.meta.dirname, 'stages/program.ts')
const SECONDS = 1
const QUICK_SECONDS = 0.2
const TIMEOUT_MS = 300_000

/** Measures the stages of the frame path one by one, in a host of their own. @returns the table */
export async function runStages(options: Pick<BenchOptions, 'quick'>, signal: AbortSignal): Promise<string> {
  await using lab = await Lab.create({ name: 'stages', hosts: 1, signal })
  const host = lab.host(1)
  const seconds = String(options.quick ? QUICK_SECONDS : SECONDS)
  const { stdout } = await host.exec(process.execPath, [PROGRAM, seconds, host.directory], {
    timeoutMs: TIMEOUT_MS,
    signal,
  })
  return renderStages(JSON.parse(stdout) as StageResult[])
}

/** One row a stage; both ends of a stage share one process. */
export function renderStages(results: readonly StageResult[]): string {
  const rows = results.map(({ name, operations, bytes, wallSeconds, cpuSeconds }) => [
    name,
    formatFigure((wallSeconds / operations) * 1e6),
    formatFigure((cpuSeconds / operations) * 1e6),
    formatFigure((bytes * 8) / wallSeconds / 1e9),
    formatFigure(cpuSeconds / (bytes / 1e9)),
  ])
  return renderTable(['stage', 'µs/call', 'CPU µs/call', 'Gbit/s', 'CPU s/GB'], rows)
}
