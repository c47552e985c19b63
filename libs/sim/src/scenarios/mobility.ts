import { announcementFrame } from '@wakunet/switching'
import { probeFrame } from '../sim-frames.ts'
import { SimHost } from '../sim-host.ts'
import type { SimNode } from '../sim-node.ts'
import type { Simulation } from '../simulation.ts'

const MAX_GUESTS = 32
const SETTLE_MS = 2_000
const SENDERS = 3
const PROBE_MS = 50
const PROBES = 40
/** A station that has moved is reachable by then. */
const REACHABLE_MS = 1_000

interface Guest {
  readonly host: SimHost
  node: SimNode
}

/** Stations move from member to member and say so, as a station does when its cable is plugged in elsewhere. */
export function moveGuests(simulation: Simulation, events: number): void {
  const { network, random } = simulation
  const count = Math.min(MAX_GUESTS, network.nodes.length >> 1)
  const guests = Array.from({ length: count }, (_, i): Guest => {
    const host = new SimHost(0x0600_0000_0000 + i + 1, Uint8Array.of(10, 99, i >> 8, (i & 255) + 1))
    const guest = { host, node: random.pick(network.aliveNodes) }
    arrive(simulation, guest)
    return guest
  })
  simulation.run(SETTLE_MS)
  for (let i = 0; i < events; i++) move(simulation, random.pick(guests))
}

function arrive({ network }: Simulation, { host, node }: Guest): void {
  node.guests.add(host)
  network.at(node, () => node.send(announcementFrame(host), network.nowMs))
}

function move(simulation: Simulation, guest: Guest): void {
  const { network, random } = simulation
  const nodes = network.aliveNodes.filter((node) => node !== guest.node)
  guest.node.guests.delete(guest.host)
  guest.node = random.pick(nodes)
  const movedMs = network.nowMs
  arrive(simulation, guest)
  const others = network.aliveNodes.filter((node) => node !== guest.node)
  const senders = Array.from({ length: SENDERS }, () => random.pick(others))
  let reachableMs = 0
  for (const sender of senders)
    for (let i = 1; i <= PROBES; i++) {
      const sentMs = movedMs + i * PROBE_MS
      network.queue.at(sentMs, () => {
        const probe = simulation.probes.expect(new Set([guest.node.index]), false, (wasMissed) => {
          if (wasMissed) reachableMs = Math.max(reachableMs, sentMs + PROBE_MS - movedMs)
        })
        network.at(sender, () => sender.send(probeFrame(guest.host.mac, sender.mac, probe), network.nowMs))
      })
    }
  simulation.run(PROBES * PROBE_MS + SETTLE_MS)
  simulation.probes.settle()
  simulation.movesMs.push(reachableMs)
  if (reachableMs > REACHABLE_MS)
    simulation.violate(`a station that has moved was not reachable for ${reachableMs} ms`)
  simulation.checkDelivery()
}
