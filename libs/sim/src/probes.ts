import type { SimNode } from './sim-node.ts'

interface Probe {
  /** Nodes that must get it. */
  readonly expected: ReadonlySet<number>
  readonly received: Set<number>
  /** Sent while the network was whole and quiet: it must arrive. */
  readonly mustArrive: boolean
  readonly onSettled: ((wasMissed: boolean) => void) | undefined
}

/** Frames whose way is followed: who got them, and how often. */
export class Probes {
  sent = 0
  delivered = 0
  /** A probe came out of one TAP twice. */
  duplicates = 0
  /** Of those that had to arrive: copies that did not. */
  unreached = 0
  /** Copies that came to somebody whom they were not for. */
  strayed = 0
  readonly #probes = new Map<number, Probe>()

  /**
   * @param onSettled called by `settle`
   * @returns the number to send it under
   */
  expect(
    expected: ReadonlySet<number>,
    mustArrive: boolean,
    onSettled?: (wasMissed: boolean) => void,
  ): number {
    const number = ++this.sent
    this.#probes.set(number, { expected, received: new Set(), mustArrive, onSettled })
    return number
  }

  deliver(node: SimNode, number: number): void {
    const probe = this.#probes.get(number)
    if (probe === undefined) return
    if (probe.received.has(node.index)) this.duplicates++
    else if (probe.mustArrive && !probe.expected.has(node.index)) this.strayed++
    probe.received.add(node.index)
    this.delivered++
  }

  /** Nothing is on its way any more: counts who was missed. @returns how many that were */
  settle(): number {
    let missed = 0
    for (const { expected, received, mustArrive, onSettled } of this.#probes.values()) {
      let ownMissed = 0
      for (const index of expected) if (!received.has(index)) ownMissed++
      if (mustArrive) missed += ownMissed
      onSettled?.(ownMissed > 0)
    }
    this.unreached += missed
    this.#probes.clear()
    return missed
  }
}
