import type { SimLink } from './network.ts'
import type { Simulation } from './simulation.ts'

/**
 * - `idle`: a network starts, and nothing happens after that
 * - `churn`: nodes crash and come, trunks break and are made, several at a time
 * - `roots`: whoever is root crashes, again and again, and comes back
 * - `partition`: the network falls into two halves for longer than anything is remembered, and heals
 */
export const SCENARIOS = ['idle', 'churn', 'roots', 'partition'] as const
export type Scenario = (typeof SCENARIOS)[number]

const PARTITION_MS = 90_000

/** @param events how many things happen */
export function runScenario(simulation: Simulation, scenario: Scenario, events: number): void {
  switch (scenario) {
    case 'idle':
      return
    case 'churn':
      for (let i = 0; i < events; i++) simulation.disturb(() => churn(simulation))
      return
    case 'roots':
      for (let i = 0; i < events; i++) crashRoot(simulation)
      return
    case 'partition':
      for (let i = 0; i < events; i++) partition(simulation)
  }
}

function churn({ network, random }: Simulation): void {
  const changes = 1 + random.below(3)
  for (let i = 0; i < changes; i++) {
    const kind = random.unit()
    const alive = network.aliveNodes
    const dead = network.nodes.filter((node) => !node.alive)
    if (kind < 0.3 && alive.length > 2) network.crash(random.pick(alive))
    else if (kind < 0.6 && dead.length > 0) network.start(random.pick(dead))
    else {
      const link = random.pick(network.links)
      if (link.up) network.linkDown(link)
      else network.linkUp(link)
    }
  }
}

function crashRoot(simulation: Simulation): void {
  const { network } = simulation
  const [first] = network.aliveNodes
  if (first === undefined) return
  const rootId = first.fabric.tree.rootId.subarray(2)
  const root = network.nodes.find(({ nodeId }) => nodeId.every((byte, i) => byte === rootId[i]))
  if (root === undefined) return
  simulation.disturb(() => network.crash(root))
  simulation.disturb(() => network.start(root))
}

/** Cuts every trunk between two halves, lets each forget the other, and joins them again. */
function partition(simulation: Simulation): void {
  const { network, random } = simulation
  const half = new Set(
    random
      .shuffle([...network.nodes])
      .slice(0, network.nodes.length >> 1)
      .map(({ index }) => index),
  )
  const cut: SimLink[] = network.links.filter(({ a, b, up }) => up && half.has(a.index) !== half.has(b.index))
  simulation.disturb(() => {
    for (const link of cut) network.linkDown(link)
  })
  simulation.run(PARTITION_MS)
  simulation.disturb(() => {
    for (const link of cut) network.linkUp(link)
  })
}
