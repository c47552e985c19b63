/** Two hosts by number, from 1, with a cable between them. */
export type HostPair = readonly [number, number]

/** 1-2-3-...-n. */
export function lineGraph(hosts: number): HostPair[] {
  return Array.from({ length: hosts - 1 }, (_, index): HostPair => [index + 1, index + 2])
}

/** A line whose ends are joined; from 3 hosts. */
export function ringGraph(hosts: number): HostPair[] {
  return [...lineGraph(hosts), [1, hosts]]
}

/** Everybody with everybody. */
export function meshGraph(hosts: number): HostPair[] {
  return Array.from({ length: hosts }, (_, index) => index + 1).flatMap((first) =>
    Array.from({ length: hosts - first }, (_, index): HostPair => [first, first + index + 1]),
  )
}

/**
 * A connected graph in which no host has more than `maxDegree` cables: a random tree, then random cables until there
 * are `cables` or no host can take one more.
 * @param random numbers in [0, 1); the same numbers give the same graph
 * @param cables at least `hosts - 1`
 */
export function randomGraph(
  hosts: number,
  { random, maxDegree, cables }: { random: () => number; maxDegree: number; cables: number },
): HostPair[] {
  const degrees = new Array<number>(hosts + 1).fill(0)
  const graph: HostPair[] = []
  const add = ([first, second]: HostPair) => {
    graph.push([first, second])
    degrees[first]!++
    degrees[second]!++
  }
  const isFree = (host: number) => degrees[host]! < maxDegree
  for (let host = 2; host <= hosts; host++) {
    const before = Array.from({ length: host - 1 }, (_, index) => index + 1)
    add([pick(before.filter(isFree), random), host])
  }
  while (graph.length < cables) {
    const possible = meshGraph(hosts).filter(
      ([first, second]) =>
        isFree(first) && isFree(second) && !graph.some(([a, b]) => a === first && b === second),
    )
    if (possible.length === 0) break
    add(pick(possible, random))
  }
  return graph
}

function pick<T>(choices: readonly T[], random: () => number): T {
  return choices[Math.floor(random() * choices.length)]!
}
