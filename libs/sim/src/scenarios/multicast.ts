import type { SimNode } from '../sim-node.ts'
import type { Simulation } from '../simulation.ts'

const MAX_GROUPS = 8
const SUBSCRIBERS_PART = 0.05
const MIN_SUBSCRIBERS = 2
const CHANGES = 6
/** A report has gone from neighbour to neighbour through the whole tree by then. */
const SETTLE_MS = 5_000
const FLIGHT_MS = 3_000
const STREAMS = 2

/** Stations join and leave groups; streams come to those who want them, and to nobody else. */
export function changeGroups(simulation: Simulation, events: number): void {
  const { network, random } = simulation
  const groups = Array.from({ length: MAX_GROUPS }, (_, i) => Uint8Array.of(239, 1, 2, i + 1))
  const wanted = Math.max(MIN_SUBSCRIBERS, Math.floor(SUBSCRIBERS_PART * network.nodes.length))
  for (const group of groups)
    for (let i = 0; i < wanted; i++) subscribe(simulation, random.pick(network.aliveNodes), group, true)
  for (let i = 0; i < events; i++) {
    for (let n = 0; n < CHANGES; n++) {
      const node = random.pick(network.aliveNodes)
      const group = random.pick(groups)
      subscribe(simulation, node, group, !node.host.wants(group))
    }
    simulation.run(SETTLE_MS)
    for (const group of groups) for (let n = 0; n < STREAMS; n++) stream(simulation, group)
    simulation.run(FLIGHT_MS)
    simulation.checkDelivery()
  }
}

function subscribe({ network }: Simulation, node: SimNode, group: Uint8Array, isMember: boolean): void {
  const frame = node.host.subscribe(group, isMember)
  network.at(node, () => node.send(frame, network.nowMs))
}

function stream(simulation: Simulation, group: Uint8Array): void {
  const { network, random, probes } = simulation
  const sender = random.pick(network.aliveNodes)
  const connected = network.componentOf(sender)
  const expected = network.aliveNodes.filter(
    (node) => node !== sender && connected.has(node.index) && node.host.wants(group),
  )
  const probe = probes.expect(new Set(expected.map(({ index }) => index)), true)
  network.at(sender, () => sender.send(sender.host.stream(group, probe), network.nowMs))
}
