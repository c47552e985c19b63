import { churn } from './scenarios/churn.ts'
import { giveLeases } from './scenarios/leases.ts'
import { moveGuests } from './scenarios/mobility.ts'
import { changeGroups } from './scenarios/multicast.ts'
import { partition } from './scenarios/partition.ts'
import { crashRoots } from './scenarios/roots.ts'
import type { Simulation } from './simulation.ts'

/**
 * - `idle`: a network starts, and nothing happens after that
 * - `churn`: nodes crash, leave and come, trunks break, are closed and are made, several at a time
 * - `roots`: whoever is root crashes, again and again, and comes back
 * - `partition`: the network falls into two halves for longer than anything is remembered, and heals
 * - `mobility`: stations move from member to member, and must be reachable there in under a second
 * - `multicast`: stations join and leave groups; streams come to those who want them, and to nobody else
 * - `leases`: hosts ask for addresses, many at once, also while the network is in two halves; after it has healed none is
 *   at two hosts, and everybody knows the same leases
 */
export const SCENARIOS = ['idle', 'churn', 'roots', 'partition', 'mobility', 'multicast', 'leases'] as const
export type Scenario = (typeof SCENARIOS)[number]

const RUNS: Record<Scenario, (simulation: Simulation, events: number) => void> = {
  idle: () => {},
  churn,
  roots: crashRoots,
  partition,
  mobility: moveGuests,
  multicast: changeGroups,
  leases: giveLeases,
}

/** @param events how many things happen */
export function runScenario(simulation: Simulation, scenario: Scenario, events: number): void {
  RUNS[scenario](simulation, events)
}
