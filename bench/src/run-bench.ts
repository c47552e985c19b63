import { WakunetError } from '@wakunet/interface'
import { Lab, requireProgram } from '@wakunet/netlab'
import { install, installHint } from './install.ts'
import { writeReport } from './json-file.ts'
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

/** What is measured of two hosts. */
export interface ComparisonInit {
  readonly quick: boolean
  readonly runs: number
  readonly signal: AbortSignal
  readonly progress: (text: string) => void
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
  const { quick, runs } = options
  const report = await compareSystems(available, missing, {
    quick,
    runs,
    signal,
    progress: (text) => output.progress(text),
  })
  writeReport(options.jsonFile, report)
  output.print(renderReport(report))
  return report
}

/** Measures systems that are there, in turns. */
export async function compareSystems(
  systems: readonly System[],
  missing: readonly MissingSystem[],
  { quick, runs: wantedRuns, signal, progress }: ComparisonInit,
): Promise<BenchReport> {
  const [machine, facts] = await Promise.all([describeMachine(), Promise.all(systems.map(readFacts))])
  const plan = quick ? QUICK_PLAN : FULL_PLAN
  const { runs, failures } = await runRounds({
    systems,
    runs: wantedRuns,
    signal,
    measure: (system) => measureOnce(system, plan, signal),
    onRun: ({ name }, run, { figures }) =>
      progress(
        `run ${run}/${wantedRuns}  ${name}: TCP ${formatFigure(figures.tcp1Mbps)} Mbit/s, ` +
          `ping ${formatFigure(figures.pingP50Us)} µs`,
      ),
    onFailure: ({ name, reason }) => progress(`${name} failed: ${reason.split('\n', 1)[0]}`),
  })
  const settings = { runs: wantedRuns, quick, plan }
  return buildReport({ machine, settings, facts, runs, missing, failures })
}

/** @throws WakunetError that says what of it is missing */
export function requireLab(): void {
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

export function findMissing(system: System): MissingSystem[] {
  const reason = system.missing()
  return reason === null ? [] : [{ name: system.name, reason, install: installHint(system.installation) }]
}

/** @throws WakunetError `ERR_MISSING_PROGRAM` with all of them */
export function refuseMissing(missing: readonly MissingSystem[]): void {
  if (missing.length === 0) return
  const each = missing.map(({ name, reason, install: hint }) => `${name}: ${reason}. Get it: ${hint}`)
  throw new WakunetError('ERR_MISSING_PROGRAM', each.join('\n'))
}

async function readFacts(system: System): Promise<SystemFacts> {
  const { name, ours, layer, crypto } = system
  return { name, ours, layer, crypto, version: await system.version() }
}
