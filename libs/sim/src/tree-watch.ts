/**
 * The trunks that forward at both ends, at every moment, as a graph. One that closes a circle is a forwarding loop.
 */
export class TreeWatch {
  /** Neighbours of each node over forwarding trunks. */
  readonly #neighbours: Set<number>[] = []
  #links = 0
  loops = 0

  constructor(nodes: number) {
    for (let i = 0; i < nodes; i++) this.#neighbours.push(new Set())
  }

  /** Trunks that forward. */
  get links(): number {
    return this.#links
  }

  /** @returns false where this closes a loop */
  add(a: number, b: number): boolean {
    if (this.#neighbours[a]!.has(b)) return true
    const isLoop = this.#isConnected(a, b)
    if (isLoop) this.loops++
    this.#neighbours[a]!.add(b)
    this.#neighbours[b]!.add(a)
    this.#links++
    return !isLoop
  }

  remove(a: number, b: number): void {
    if (!this.#neighbours[a]!.delete(b)) return
    this.#neighbours[b]!.delete(a)
    this.#links--
  }

  #isConnected(a: number, b: number): boolean {
    // From both sides at a time: the part that is being connected is often a small one.
    const seen = new Map([
      [a, 0],
      [b, 1],
    ])
    const fronts: number[][] = [[a], [b]]
    while (fronts[0]!.length > 0 && fronts[1]!.length > 0) {
      for (const [side, front] of fronts.entries()) {
        const node = front.shift()
        if (node === undefined) continue
        for (const next of this.#neighbours[node]!) {
          const other = seen.get(next)
          if (other === undefined) {
            seen.set(next, side)
            front.push(next)
          } else if (other !== side) return true
        }
      }
    }
    return false
  }
}
