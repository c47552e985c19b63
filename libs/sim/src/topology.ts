import type { Random } from './random.ts'

export const TOPOLOGIES = ['random', 'line', 'ring', 'mesh', 'relayed'] as const
export type Topology = (typeof TOPOLOGIES)[number]

/** Pairs of node numbers; of a virtual link also the number of the peer that it runs over, which is no member. */
export type Edge = readonly [a: number, b: number, relay?: number]

/** Members of an island at the least. */
const ISLAND_NODES = 6

/**
 * Trunks of a network.
 * - `random`: what members of a large VLAN have: each connects to others at random until it has as many as it may
 * - `line`, `ring`, `mesh`: the shapes of the textbook
 * - `relayed`: islands of members with trunks at random, and nothing but virtual links between them, at most ten of a member
 * @param limit most trunks of a node, for `random` and `relayed`; 2 at least
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
    case 'relayed':
      return relayedTopology(nodes, limit, random)
  }
}

/**
 * A tree of islands: two virtual links from each to the one above it, from and to different members and over different peers,
 * each of which has several.
 */
function relayedTopology(nodes: number, limit: number, random: Random): Edge[] {
  const islands = Math.max(1, Math.floor(nodes / ISLAND_NODES))
  const relays = Math.max(2, Math.ceil(islands / 4))
  const firstOf = (island: number) => Math.floor((island * nodes) / islands)
  return Array.from({ length: islands }, (_, island): Edge[] => {
    const first = firstOf(island)
    const inside = randomTopology(firstOf(island + 1) - first, limit, random)
    const edges = inside.map(([a, b]): Edge => [first + a, first + b])
    if (island === 0) return edges
    const above = firstOf((island - 1) >> 2)
    const [one, other] = random.shuffle(Array.from({ length: ISLAND_NODES }, (_, i) => i))
    edges.push([above + one!, first + other!, (2 * island) % relays])
    edges.push([above + other!, first + one!, (2 * island + 1) % relays])
    return edges
  }).flat()
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
