import { writeFileSync } from 'node:fs'
import { WakunetError } from '@wakunet/interface'
import { Lab, requireProgram } from '@wakunet/netlab'
import { install, installHint } from './install.ts'
import { describeMachine } from './machine.ts'
import { measureOnce } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { FULL_PLAN, QUICK_PLAN } from './plan.ts'
import { type BenchReport, buildReport, type MissingSystem, type SystemFacts } from './report.ts'
import { renderReport } from './report-text.ts'
import { runRounds } from './rounds.ts'
import type { System } from './system.ts'
import { formatFigure } from './table.ts'

/** Where output goes: the report on standard output, progress on standard error. */
export interface BenchOutput {
  print(text: string): void
  progress(text: string): void
}

/**
 * Measures what the options ask for and prints it.
 * @throws WakunetError where nothing could be measured, or a system that was asked for by name cannot run
 */
export async function runBench(
  options: BenchOptions,
  systems: readonly System[],
  output: BenchOutput,
  signal: AbortSignal,
): Promise<BenchReport> {
  requireLab()
  const wanted =
    options.only.length === 0 ? systems : systems.filter(({ name }) => options.only.includes(name))
  if (options.install) await installMissing(wanted, output, signal)
  const missing = wanted.flatMap(findMissing)
  if (options.only.length > 0) refuseMissing(missing)
  const available = wanted.filter(({ name }) => missing.every((other) => other.name !== name))
  const [machine, facts] = await Promise.all([describeMachine(), Promise.all(available.map(readFacts))])
  const plan = options.quick ? QUICK_PLAN : FULL_PLAN
  const { runs, failures } = await runRounds({
    systems: available,
    runs: options.runs,
    signal,
    measure: (system) => measureOnce(system, plan, signal),
    onRun: ({ name }, run, { figures }) =>
      output.progress(
        `run ${run}/${options.runs}  ${name}: TCP ${formatFigure(figures.tcp1Mbps)} Mbit/s, ` +
          `ping ${formatFigure(figures.pingP50Us)} µs`,
      ),
    onFailure: ({ name, reason }) => output.progress(`${name} failed: ${reason}`),
  })
  const settings = { runs: options.runs, quick: options.quick, plan }
  const report = buildReport({ machine, settings, facts, runs, missing, failures })
  if (options.jsonFile !== null) writeJson(options.jsonFile, report)
  output.print(renderReport(report))
  return report
}

function requireLab(): void {
  const { kind, reason } = Lab.privileges()
  if (kind !== 'root') throw new WakunetError('ERR_MISSING_PRIVILEGE', `The bench needs root. ${reason}`)
  for (const program of ['ip', 'ping', 'iperf3']) requireProgram(program)
}

async function installMissing(
  systems: readonly System[],
  output: BenchOutput,
  signal: AbortSignal,
): Promise<void> {
  for (const system of systems) {
    const { aptPackages, unpacked } = system.installation
    if (system.missing() === null || (aptPackages.length === 0 && unpacked === undefined)) continue
    output.progress(`installing ${system.name}`)
    await install(system, signal)
  }
}

function findMissing(system: System): MissingSystem[] {
  const reason = system.missing()
  return reason === null ? [] : [{ name: system.name, reason, install: installHint(system.installation) }]
}

function refuseMissing(missing: readonly MissingSystem[]): void {
  if (missing.length === 0) return
  const each = missing.map(({ name, reason, install: hint }) => `${name}: ${reason}. Get it: ${hint}`)
  throw new WakunetError('ERR_MISSING_PROGRAM', each.join('\n'))
}

async function readFacts(system: System): Promise<SystemFacts> {
  const { name, ours, layer, crypto } = system
  return { name, ours, layer, crypto, version: await system.version() }
}

function writeJson(file: string, report: BenchReport): void {
  try {
    writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`)
  } catch (error) {
    throw new WakunetError('ERR_USAGE', `--json: ${(error as Error).message}`, { cause: error })
  }
}
