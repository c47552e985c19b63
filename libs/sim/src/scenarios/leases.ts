import { SimDhcpClient } from '../sim-dhcp-client.ts'
import type { SimNode } from '../sim-node.ts'
import type { Simulation } from '../simulation.ts'
import { linksBetweenHalves } from './partition.ts'

const FIRST_PART = 0.5
const MORE_PART = 0.1
/** A lease is probed for, given, announced, and known everywhere by then. */
const SETTLE_MS = 20_000
const PARTITION_MS = 10_000

/** Hosts join at once; then the network falls into halves that both give leases, and heals. */
export function giveLeases(simulation: Simulation, events: number): void {
  const { network, random } = simulation
  join(simulation, FIRST_PART)
  simulation.run(SETTLE_MS)
  simulation.checkAddresses()
  for (let i = 0; i < events; i++) {
    const cut = linksBetweenHalves(network, random)
    simulation.disturb(() => {
      for (const link of cut) network.linkDown(link, 'cut')
    })
    join(simulation, MORE_PART)
    simulation.run(PARTITION_MS)
    simulation.disturb(() => {
      for (const link of cut) network.linkUp(link)
    })
    simulation.run(SETTLE_MS)
    simulation.checkAddresses()
  }
}

/** New hosts behind so many of the nodes, one or two each, which all ask within a moment. */
function join({ network, random }: Simulation, part: number): void {
  for (const node of network.aliveNodes) {
    if (random.unit() >= part) continue
    const count = 1 + random.below(2)
    for (let i = 0; i < count; i++) addClient(node)
  }

  function addClient(node: SimNode): void {
    const client = new SimDhcpClient(0x0a00_0000_0000 + random.uint32())
    node.guests.add(client)
    network.queue.after(random.between(0, 200), () =>
      network.at(node, () => node.send(client.discover(), network.nowMs)),
    )
  }
}
