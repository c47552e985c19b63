import type { SimNetwork } from '../network.ts'
import type { Random } from '../random.ts'
import type { SimLink } from '../sim-link.ts'
import type { Simulation } from '../simulation.ts'

const PARTITION_MS = 90_000

/** Cuts every trunk between two halves, lets each forget the other, and joins them again. */
export function partition(simulation: Simulation, events: number): void {
  for (let i = 0; i < events; i++) {
    const cut = linksBetweenHalves(simulation.network, simulation.random)
    simulation.disturb(() => {
      for (const link of cut) simulation.network.linkDown(link, 'cut')
    })
    simulation.run(PARTITION_MS)
    simulation.disturb(() => {
      for (const link of cut) simulation.network.linkUp(link)
    })
  }
}

/** Trunks between one half of the nodes and the other, drawn by lot. */
export function linksBetweenHalves(network: SimNetwork, random: Random): SimLink[] {
  const half = new Set(
    random
      .shuffle([...network.nodes])
      .slice(0, network.nodes.length >> 1)
      .map(({ index }) => index),
  )
  return network.links.filter(({ a, b, up }) => up && half.has(a.node.index) !== half.has(b.node.index))
}
