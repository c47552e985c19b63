import type { Simulation } from '../simulation.ts'

/** Whoever is root crashes, again and again, and comes back. */
export function crashRoots(simulation: Simulation, events: number): void {
  for (let i = 0; i < events; i++) crashRoot(simulation)
}

function crashRoot(simulation: Simulation): void {
  const { network } = simulation
  const [first] = network.aliveNodes
  if (first === undefined) return
  const rootId = first.fabric.tree.rootId.subarray(2)
  const root = network.nodes.find(({ nodeId }) => nodeId.every((byte, i) => byte === rootId[i]))
  if (root === undefined) return
  simulation.disturb(() => network.stop(root, 'cut'))
  simulation.disturb(() => network.start(root))
}
