import { VlanFabric } from '@wakunet/switching'
import { median } from '../statistics.ts'
import { fabricInit } from './converged-switch.ts'
import { FabricNet } from './fabric-net.ts'
import type { Subject, SubjectCounts } from './subject.ts'
import { acceptFrames, acceptOf } from './subjects.ts'
import { toAll } from './workload.ts'
import { createWorld, type Station, type World } from './world.ts'

/** What a broadcast frame costs the switches of a VLAN in which everybody has a trunk to everybody. */
export interface FanOutCost {
  readonly members: number
  /** At the sender, whose trunks all forward (the root of the tree), up to the one message for its lane. */
  readonly senderNsPerFrame: number
  /** At all receivers together: decoding, checks and learning. */
  readonly receiversNsPerFrame: number
}

export const FAN_OUT_MEMBERS = [2, 8, 32] as const
const FRAME_BYTES = 512
const BATCH_FRAMES = 16
/** Between two turns of the receivers. */
const CALLS = 8
const SETTLE_MS = 5_000

/** Switches without guards, for about so many seconds. @throws Error when a frame does not reach everybody */
export function measureFanOut(members: number, seconds: number): FanOutCost {
  const { net, sender, root, counts, outlet, world } = fullMesh(members)
  const subject: Subject = {
    counts,
    fromTap: (batch) => sender.forward(batch, net.nowMs),
    fromTrunk: () => {},
  }
  const fromRoot = { ...world, self: root }
  const init = { world: fromRoot, frameBytes: FRAME_BYTES, batchFrames: BATCH_FRAMES, calls: CALLS }
  const workload = toAll(subject, init)
  const nsPerFrame = (run: () => void) => {
    const startedMs = performance.now()
    run()
    return ((performance.now() - startedMs) * 1e6) / workload.frames
  }
  const sending: number[] = []
  const receiving: number[] = []
  const untilMs = performance.now() + seconds * 1000
  do {
    // Once for its time alone, and once more for those who get it: bringing it to them is no work of a switch.
    outlet.isOpen = false
    workload.restore()
    sending.push(nsPerFrame(() => workload.run()))
    outlet.isOpen = true
    workload.restore()
    workload.run()
    const delivered = counts.delivered
    receiving.push(nsPerFrame(() => net.run(1)))
    if (counts.delivered - delivered !== workload.frames * (members - 1))
      throw new Error('a broadcast frame has not reached everybody')
  } while (performance.now() < untilMs)
  return { members, senderNsPerFrame: median(sending), receiversNsPerFrame: median(receiving) }
}

interface Mesh {
  readonly net: FabricNet
  readonly world: World
  readonly root: Station
  readonly sender: VlanFabric
  readonly counts: SubjectCounts
  readonly outlet: Outlet
}

/** Whether what switches send reaches anybody. */
interface Outlet {
  isOpen: boolean
}

function fullMesh(members: number): Mesh {
  const world = createWorld(members, 0)
  const net = new FabricNet()
  const counts: SubjectCounts = { sent: 0, delivered: 0 }
  const outlet = { isOpen: true }
  const stations = [world.self, ...world.others]
  const fabrics = stations.map((station) => addFabric(net, world, station, counts, outlet))
  for (const [i, { node }] of fabrics.entries())
    for (const other of fabrics.slice(i + 1)) net.connect(node, other.node)
  net.run(SETTLE_MS)
  const index = fabrics.findIndex(({ fabric }) => fabric.treePeers.length === members - 1)
  if (index < 0) throw new Error('no switch has every trunk open: the tree is no star')
  return { net, world, root: stations[index]!, sender: fabrics[index]!.fabric, counts, outlet }
}

function addFabric(net: FabricNet, world: World, station: Station, counts: SubjectCounts, outlet: Outlet) {
  let fabric: VlanFabric | null = null
  const node = net.add(station, (carry) => {
    const send = (parts: readonly Uint8Array[]) => {
      if (outlet.isOpen) carry(parts)
    }
    const made = new VlanFabric(fabricInit(world, station), { send }, net.nowMs)
    fabric = made
    const accept = acceptOf(made.bridge)
    return {
      addTrunk: (...args: Parameters<VlanFabric['addTrunk']>) => made.addTrunk(...args),
      receive(...[record, peerOffset, nowMs]: Parameters<VlanFabric['receive']>) {
        const from = made.receive(record, peerOffset, nowMs)
        if (from === null) return
        counts.delivered += acceptFrames(record, from, nowMs, accept)
      },
      nextTickMs: (nowMs: number) => made.nextTickMs(nowMs),
      tick: (nowMs: number) => made.tick(nowMs),
    }
  })
  return { node, fabric: fabric! as VlanFabric }
}
