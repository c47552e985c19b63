import { encodeAdvertisement, VlanFabric, type VlanFabricInit } from '@wakunet/switching'
import { FabricNet, type NetSwitch } from './fabric-net.ts'
import { macOf, type Station, type World } from './world.ts'

/** Simulated time in which a star of switches agrees on its tree and its graph. */
const SETTLE_MS = 5_000
const FIRST_SEQUENCE = 1_700_000_000_000
const LEAF_COST = 10

type Send = (parts: readonly Uint8Array[]) => void

/** A switch that may be more than a fabric. */
export interface FabricSwitch extends NetSwitch {
  readonly fabric: VlanFabric
}

/**
 * Puts a switch in the middle of a star of real ones, with members behind them that are only advertised, and waits until
 * tree and graph stand. From then on what it sends goes to `sent`.
 */
export function convergedSwitch<M extends FabricSwitch>(
  world: World,
  create: (init: VlanFabricInit, send: Send) => M,
  sent: Send,
): { machine: M; nowMs: number } {
  const net = new FabricNet()
  const { self, others, direct } = world
  let isConverged = false
  const machine = net.add(self, (send) =>
    create(fabricInit(world, self), (parts) => (isConverged ? sent(parts) : send(parts))),
  )
  for (const [index, station] of others.slice(0, direct).entries()) {
    const peer = net.add(station, (send) => new VlanFabric(fabricInit(world, station), { send }, 0))
    net.connect(machine, peer)
    for (const { id, bootNonce } of leavesOf(world, index))
      peer.addTrunk({ id, bootNonce, cost: LEAF_COST }, 0)
  }
  net.run(SETTLE_MS)
  advertiseLeaves(world, machine.fabric, net.nowMs)
  net.run(SETTLE_MS)
  if (machine.fabric.treePeers.length !== direct) throw new Error('the tree has not opened every trunk')
  isConverged = true
  return { machine, nowMs: net.nowMs }
}

/** A fabric with what every node has by default. */
export function fabricInit(world: World, { id, bootNonce, mac }: Station): VlanFabricInit {
  return {
    vlanId: world.vlanId,
    nodeId: id,
    bootNonce,
    mac,
    macOf,
    firstSequence: FIRST_SEQUENCE,
    firstNumber: id[0]!,
  }
}

function leavesOf(world: World, via: number): Station[] {
  return world.others.filter((station, index) => index >= world.direct && station.via === via)
}

function advertiseLeaves(world: World, fabric: VlanFabric, nowMs: number): void {
  const neighbour = [...fabric.trunks.all][0]?.neighbour
  if (neighbour === null || neighbour === undefined) throw new Error('the switch has no neighbour')
  for (const { id, bootNonce, via } of world.others.slice(world.direct)) {
    const toHub = [{ id: world.others[via]!.id, cost: LEAF_COST }]
    const bytes = encodeAdvertisement(id, bootNonce, FIRST_SEQUENCE, toHub)
    fabric.linkState.receive(neighbour, bytes, 0, bytes.length, nowMs)
  }
}
