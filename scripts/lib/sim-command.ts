import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import {
  formatTable,
  MAX_ADDRESSING_NODES,
  plotSvg,
  SCENARIOS,
  type Scenario,
  type SimOptions,
  type SimReport,
  simulateVlans,
  TOPOLOGIES,
  type Topology,
} from '@wakunet/sim'

export const USAGE = `usage: npm run sim [-- OPTIONS]
  --nodes N          members, 1000; more than one VLAN has are several, one after the other
  --vlan-members N   most members of one VLAN, ${MAX_ADDRESSING_NODES}; 4096 at most
  --seed N           what all chance follows from; a new one each time
  --scenario NAME    ${SCENARIOS.join(', ')}; churn
  --events N         things that happen, 8
  --topology NAME    ${TOPOLOGIES.join(', ')}; random
  --limit N          trunks of a member (connectionLimit), 32
  --loss PART        part of the control records that is lost, 0
  --addressing WORD  on or off: whether members have addresses and give leases; on up to ${MAX_ADDRESSING_NODES} members of a VLAN
  --sweep            the sizes 50, 100, 200, 500 and 1000, or those of --sizes
  --sizes N,N,...    the sizes of a sweep
  --json FILE        writes the report; of a sweep, a list of them
  --svg FILE         draws how time to heal and control traffic change with the size`

const SWEEP_SIZES = [50, 100, 200, 500, 1_000]

export class UsageError extends Error {}

const OPTIONS = {
  nodes: { type: 'string', default: '1000' },
  'vlan-members': { type: 'string', default: String(MAX_ADDRESSING_NODES) },
  seed: { type: 'string' },
  scenario: { type: 'string', default: 'churn' },
  events: { type: 'string', default: '8' },
  topology: { type: 'string', default: 'random' },
  limit: { type: 'string', default: '32' },
  loss: { type: 'string', default: '0' },
  addressing: { type: 'string' },
  sweep: { type: 'boolean', default: false },
  sizes: { type: 'string' },
  json: { type: 'string' },
  svg: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

type Values = ReturnType<typeof parse>

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS }).values
}

export interface SimCommandComponents {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Seconds that pass. */
  readonly now: () => number
  readonly simulate?: (options: SimOptions) => SimReport
}

function numberOf(name: string, text: string, low: number, high: number): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= low && value <= high) || (high > 1 && !Number.isInteger(value)))
    throw new UsageError(`--${name} is ${low} to ${high}, not "${text}"`)
  return value
}

function oneOf<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((known) => known === text)
  if (choice === undefined) throw new UsageError(`--${name} is one of ${choices.join(', ')}, not "${text}"`)
  return choice
}

function optionsFor(values: Values, nodes: number, seed: number): SimOptions {
  return {
    nodes,
    seed,
    vlanMembers: numberOf('vlan-members', values['vlan-members'], 2, 4_096),
    scenario: oneOf<Scenario>('scenario', values.scenario, SCENARIOS),
    topology: oneOf<Topology>('topology', values.topology, TOPOLOGIES),
    events: numberOf('events', values.events, 0, 100_000),
    connectionLimit: numberOf('limit', values.limit, 2, 64),
    loss: numberOf('loss', values.loss, 0, 1),
    ...(values.addressing !== undefined && {
      addressing: oneOf('addressing', values.addressing, ['on', 'off'] as const) === 'on',
    }),
  }
}

function sizesOf(values: Values): number[] {
  if (values.sizes !== undefined)
    return values.sizes.split(',').map((text) => numberOf('sizes', text, 2, 1e5))
  return values.sweep ? SWEEP_SIZES : [numberOf('nodes', values.nodes, 2, 1e5)]
}

function replayOf(values: Values, report: SimReport): string {
  const { nodes, seed, scenario, topology, connectionLimit, loss, addressing } = report
  return `npm run sim -- --nodes ${nodes} --seed ${seed} --scenario ${scenario} --events ${values.events} --topology ${topology} --limit ${connectionLimit} --loss ${loss} --addressing ${addressing ? 'on' : 'off'} --vlan-members ${values['vlan-members']}`
}

/**
 * Runs what the arguments ask for.
 * @returns the exit code: 1 where an invariant was violated
 * @throws UsageError for arguments that ask for nothing that there is
 */
export function runSimCommand(args: readonly string[], components: SimCommandComponents): number {
  const { out, err, now, simulate = simulateVlans } = components
  const values = parse(args)
  if (values.help) {
    out(USAGE)
    return 0
  }
  const seed = numberOf('seed', values.seed ?? String(Date.now() % 2 ** 31), 0, 2 ** 32 - 1)
  const reports = sizesOf(values).map((nodes) => {
    const startedAt = now()
    const report = simulate(optionsFor(values, nodes, seed))
    const peakMiB = Math.round(process.resourceUsage().maxRSS / 1_024)
    err(
      `${nodes} members, seed ${seed}: ${report.simulatedSeconds} s of simulated time in ${(now() - startedAt).toFixed(1)} s, ${peakMiB} MiB at the most`,
    )
    return report
  })
  out(formatTable(reports))
  write(values, reports)
  const failed = reports.filter(({ invariantViolations }) => invariantViolations > 0)
  for (const report of failed) {
    err(`${report.invariantViolations} violations, seed ${report.seed}; replay: ${replayOf(values, report)}`)
    for (const violation of report.violations) err(`  ${violation}`)
  }
  return failed.length === 0 ? 0 : 1
}

function write(values: Values, reports: readonly SimReport[]): void {
  const isSweep = values.sweep || values.sizes !== undefined
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify(isSweep ? reports : reports[0], null, 2)}\n`)
  if (values.svg !== undefined) writeFileSync(values.svg, plotSvg(reports))
}
