import { MAX_ORIGINS } from '@wakunet/switching'
import { runScenario, type Scenario } from './scenarios.ts'
import { Simulation, type SimulationInit } from './simulation.ts'

export interface SimOptions extends SimulationInit {
  readonly scenario: Scenario
  /** Things that happen. */
  readonly events: number
  /** Most members of one VLAN: more nodes are several. Default `MAX_ORIGINS`, which is also the most there can be. */
  readonly vlanMembers?: number
  /** Called when the network has come up, before anything is checked: tests break something there. */
  readonly onStarted?: (simulation: Simulation) => void
}

/** What a run has shown. Follows from the options alone. */
export interface SimReport {
  readonly nodes: number
  /** VLANs that they are divided among. */
  readonly vlans: number
  readonly seed: number
  readonly scenario: Scenario
  readonly topology: string
  readonly connectionLimit: number
  readonly loss: number
  readonly trunks: number
  readonly events: number
  readonly invariantViolations: number
  /** The first of them, in words. */
  readonly violations: readonly string[]
  /** From the last node's start to a tree that spans all. */
  readonly startMs: number
  readonly convergenceP50Ms: number
  readonly convergenceP99Ms: number
  readonly convergenceMaxMs: number
  /** How long stations that moved could not be reached; 0 where none did. */
  readonly moveMaxMs: number
  readonly controlBitsPerSecondPerIdleNode: number
  readonly duplicateDeliveries: number
  readonly unreached: number
  /** Whether members had addresses, and faults of these. */
  readonly addressing: boolean
  readonly addressConflicts: number
  readonly probesSent: number
  readonly probesDelivered: number
  readonly simulatedSeconds: number
  readonly simulatedEvents: number
}

/** Hellos have become rare by then. */
const IDLE_WAIT_MS = 180_000
const IDLE_MEASURE_MS = 60_000

/** Runs one VLAN from its start to its end. @throws RangeError for options that make no network */
export function simulate(options: SimOptions): SimReport {
  if (options.nodes < 2 || options.nodes > MAX_ORIGINS)
    throw new RangeError(`a VLAN has 2 to ${MAX_ORIGINS} members, not ${options.nodes}`)
  const simulation = new Simulation(options)
  const startMs = simulation.start()
  options.onStarted?.(simulation)
  simulation.checkDelivery()
  runScenario(simulation, options.scenario, options.events)
  const idleBits = simulation.measureIdle(IDLE_WAIT_MS, IDLE_MEASURE_MS)
  simulation.checkDelivery()
  simulation.checkAddresses()
  const { network, probes, convergenceMs } = simulation
  return {
    nodes: options.nodes,
    vlans: 1,
    seed: options.seed,
    scenario: options.scenario,
    topology: options.topology ?? 'random',
    connectionLimit: options.connectionLimit ?? 32,
    loss: options.loss ?? 0,
    trunks: network.links.length,
    events: convergenceMs.length,
    invariantViolations: simulation.violations,
    violations: simulation.described,
    startMs: Math.round(startMs),
    convergenceP50Ms: Math.round(percentile(convergenceMs, 0.5)),
    convergenceP99Ms: Math.round(percentile(convergenceMs, 0.99)),
    convergenceMaxMs: Math.round(percentile(convergenceMs, 1)),
    moveMaxMs: Math.round(percentile(simulation.movesMs, 1)),
    controlBitsPerSecondPerIdleNode: Math.round(idleBits),
    duplicateDeliveries: probes.duplicates,
    unreached: probes.unreached,
    addressing: network.nodes[0]!.addressing !== null,
    addressConflicts: simulation.addressConflicts,
    probesSent: probes.sent,
    probesDelivered: probes.delivered,
    simulatedSeconds: Math.round(network.nowMs / 1000),
    simulatedEvents: network.queue.ran,
  }
}

/**
 * The same for any number of nodes: more than one VLAN can have are several VLANs, one after the other, as their switches
 * know nothing of each other. Counts add up; of times and traffic the worst VLAN counts.
 */
export function simulateVlans(options: SimOptions): SimReport {
  const vlans = Math.max(1, Math.ceil(options.nodes / (options.vlanMembers ?? MAX_ORIGINS)))
  const reports = Array.from({ length: vlans }, (_, i) => {
    const nodes = Math.floor((options.nodes + i) / vlans)
    return simulate({ ...options, nodes, seed: (options.seed + i) >>> 0 })
  })
  return { ...reports.reduce(worst), nodes: options.nodes, vlans, seed: options.seed }
}

function worst(a: SimReport, b: SimReport): SimReport {
  const sum = (key: keyof SimReport) => ({ [key]: (a[key] as number) + (b[key] as number) })
  const most = (key: keyof SimReport) => ({ [key]: Math.max(a[key] as number, b[key] as number) })
  return {
    ...a,
    violations: [...a.violations, ...b.violations],
    ...Object.assign({}, ...SUMMED.map(sum), ...WORST.map(most)),
  }
}

const SUMMED = [
  'trunks',
  'events',
  'invariantViolations',
  'duplicateDeliveries',
  'unreached',
  'addressConflicts',
  'probesSent',
  'probesDelivered',
  'simulatedSeconds',
  'simulatedEvents',
] as const
const WORST = [
  'startMs',
  'convergenceP50Ms',
  'convergenceP99Ms',
  'convergenceMaxMs',
  'moveMaxMs',
  'controlBitsPerSecondPerIdleNode',
] as const

/** The value that `part` of all values do not exceed (nearest rank); 0 where there are none. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0
}

const COLUMNS = [
  ['nodes', 'nodes'],
  ['trunks', 'trunks'],
  ['events', 'events'],
  ['start ms', 'startMs'],
  ['heal p50', 'convergenceP50Ms'],
  ['heal p99', 'convergenceP99Ms'],
  ['heal max', 'convergenceMaxMs'],
  ['idle bit/s', 'controlBitsPerSecondPerIdleNode'],
  ['probes', 'probesDelivered'],
  ['duplicates', 'duplicateDeliveries'],
  ['unreached', 'unreached'],
  ['addresses', 'addressConflicts'],
  ['violations', 'invariantViolations'],
] as const

/** The reports as lines of a table. */
export function formatTable(reports: readonly SimReport[]): string {
  const rows = [
    COLUMNS.map(([title]) => title as string),
    ...reports.map((report) => COLUMNS.map(([, key]) => String(report[key]))),
  ]
  const widths = COLUMNS.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  return rows.map((row) => row.map((cell, i) => cell.padStart(widths[i]!)).join('  ')).join('\n')
}
