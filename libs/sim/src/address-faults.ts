import { readU32 } from '@wakunet/record'
import type { SimNetwork } from './network.ts'
import type { SimNode } from './sim-node.ts'

/**
 * What is wrong with the addresses of a network that has come to rest: an address at two stations that can reach each
 * other, a station without one, or members that do not know the same leases. In words, one for each fault.
 */
export function addressFaults(network: SimNetwork): string[] {
  const faults: string[] = []
  const checked = new Set<number>()
  for (const node of network.aliveNodes) {
    if (node.addressing === null || checked.has(node.index)) continue
    const connected = network.componentOf(node)
    for (const index of connected) checked.add(index)
    const nodes = [...connected].map((index) => network.nodes[index]!)
    faults.push(...sharedAddresses(nodes), ...differingTables(nodes))
  }
  return faults
}

function sharedAddresses(nodes: readonly SimNode[]): string[] {
  const faults: string[] = []
  const holders = new Map<number, number>()
  for (const node of nodes)
    for (const host of [node.host, ...node.guests]) {
      const address = readU32(host.address, 0)
      const text = host.address.join('.')
      const holder = holders.get(address)
      if (address === 0) faults.push(`a station of node ${node.index} has no address`)
      else if (holder !== undefined) faults.push(`nodes ${holder} and ${node.index} both have ${text}`)
      holders.set(address, node.index)
    }
  return faults
}

function differingTables(nodes: readonly SimNode[]): string[] {
  const [first, ...others] = nodes
  if (first === undefined) return []
  const expected = tableDigest(first)
  return others
    .filter((node) => tableDigest(node) !== expected)
    .map(({ index }) => `nodes ${first.index} and ${index} do not know the same leases`)
}

/** Of every lease that counts for a node: addresses and who has them, in any order. */
function tableDigest({ addressing }: SimNode): string {
  let count = 0
  let sum = 0
  for (const { address, mac } of addressing!.leases()) {
    let hash = 0x811c_9dc5
    for (const byte of address) hash = Math.imul(hash ^ byte, 0x0100_0193)
    for (const byte of mac) hash = Math.imul(hash ^ byte, 0x0100_0193)
    sum = (sum + hash) >>> 0
    count++
  }
  return `${count} ${sum}`
}
