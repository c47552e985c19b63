import type { Random } from './random.ts'

export const TOPOLOGIES = ['random', 'line', 'ring', 'mesh'] as const
export type Topology = (typeof TOPOLOGIES)[number]

/** Pairs of node numbers. */
export type Edge = readonly [number, number]

/**
 * Trunks of a network.
 * - `random`: what members of a large VLAN have: each connects to others at random until it has as many as it may
 * - `line`, `ring`, `mesh`: the shapes of the textbook
 * @param limit most trunks of a node, for `random`; 2 at least
 */
export function makeTopology(kind: Topology, nodes: number, limit: number, random: Random): Edge[] {
  switch (kind) {
    case 'line':
      return Array.from({ length: nodes - 1 }, (_, i): Edge => [i, i + 1])
    case 'ring':
      return Array.from({ length: nodes }, (_, i): Edge => [i, (i + 1) % nodes])
    case 'mesh':
      return Array.from({ length: nodes }, (_, i) => i).flatMap((i) =>
        Array.from({ length: i }, (_, j): Edge => [i, j]),
      )
    case 'random':
      return randomTopology(nodes, limit, random)
  }
}

/** A ring in random order, so that it is connected without any one node, and chords at random. */
function randomTopology(nodes: number, limit: number, random: Random): Edge[] {
  const order = random.shuffle(Array.from({ length: nodes }, (_, i) => i))
  const edges: Edge[] = []
  const degrees = new Array<number>(nodes).fill(0)
  const known = new Set<number>()
  const add = (a: number, b: number): void => {
    const key = Math.min(a, b) * nodes + Math.max(a, b)
    if (a === b || known.has(key) || degrees[a]! >= limit || degrees[b]! >= limit) return
    known.add(key)
    degrees[a]!++
    degrees[b]!++
    edges.push([a, b])
  }
  for (const [i, node] of order.entries()) add(node, order[(i + 1) % nodes]!)
  const wanted = Math.min((nodes * limit) / 2, (nodes * (nodes - 1)) / 2)
  // The last few places are hard to fill by chance; a node that lacks one trunk is no worse a model.
  for (let tries = 0; edges.length < wanted && tries < 4 * wanted; tries++)
    add(random.below(nodes), random.below(nodes))
  return edges
}
