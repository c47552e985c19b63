import type { Simulation } from '../simulation.ts'

/**
 * Nodes crash, leave and come, trunks break, are closed and are made: one to three at a time. Where a virtual link breaks, the peer
 * has crashed that it runs over, and all of its others break too.
 */
export function churn(simulation: Simulation, events: number): void {
  for (let i = 0; i < events; i++) simulation.disturb(() => change(simulation))
}

function change({ network, random }: Simulation): void {
  const changes = 1 + random.below(3)
  for (let i = 0; i < changes; i++) {
    const kind = random.unit()
    const ending = random.unit() < 0.5 ? 'close' : 'cut'
    const alive = network.aliveNodes
    const dead = network.nodes.filter((node) => !node.alive)
    if (kind < 0.3 && alive.length > 2) network.stop(random.pick(alive), ending)
    else if (kind < 0.6 && dead.length > 0) network.start(random.pick(dead))
    else {
      const link = random.pick(network.links)
      const wasUp = link.up
      for (const other of network.sharingFate(link))
        if (wasUp) network.linkDown(other, link.relay === null ? ending : 'cut')
        else network.linkUp(other)
    }
  }
}
