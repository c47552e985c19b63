/** Who sends to whom at the same time, by index of the host. */
export type Flow = readonly [from: number, to: number]

/** Neighbours in couples: each host has one flow. */
export function pairs(hosts: number): Flow[] {
  return Array.from({ length: Math.floor(hosts / 2) }, (_, i) => [2 * i, 2 * i + 1] as const)
}

/** Everybody to the first. */
export function toOne(hosts: number): Flow[] {
  return Array.from({ length: hosts - 1 }, (_, i) => [i + 1, 0] as const)
}

/** Each to the next, the last to the first: each host sends and receives. */
export function ring(hosts: number): Flow[] {
  return Array.from({ length: hosts }, (_, i) => [i, (i + 1) % hosts] as const)
}
