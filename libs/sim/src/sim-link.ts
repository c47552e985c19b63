import type { SimNode } from './sim-node.ts'

/** How the end of a trunk becomes known: it is closed, or nothing comes over it any more. */
export type Ending = 'close' | 'cut'

/** One end of a trunk. */
export class LinkEnd {
  readonly node: SimNode
  readonly link: SimLink
  /** As this end has measured it: the ends do not agree. */
  readonly cost: number
  /** Its port in the tree; 0 while the end does not know of the trunk. */
  port = 0
  /** What the node's tree does with the port. */
  forwards = false
  isOpen = false
  /** When the last record for this end arrives: none overtakes another. */
  arrivalMs = 0

  constructor(node: SimNode, link: SimLink, cost: number) {
    this.node = node
    this.link = link
    this.cost = cost
  }

  get other(): LinkEnd {
    return this.link.a === this ? this.link.b : this.link.a
  }

  /** The node begins anew. */
  reset(): void {
    this.port = 0
    this.forwards = false
    this.isOpen = false
  }
}

export interface SimLinkInit {
  readonly a: SimNode
  readonly b: SimNode
  /** What each end takes the trunk to cost. */
  readonly costs: readonly [number, number]
  /** One way. */
  readonly delayMs: number
  /** The peer that a virtual link runs over, which is no member; null for a trunk of its own. */
  readonly relay: number | null
}

/** A trunk between two nodes. */
export class SimLink {
  readonly a: LinkEnd
  readonly b: LinkEnd
  readonly delayMs: number
  readonly relay: number | null
  up = false
  /** Grows whenever it goes up or down: what was under way before does not arrive. */
  incarnation = 0
  /** Both ends send frames over it. */
  isOpen = false

  constructor({ a, b, costs, delayMs, relay }: SimLinkInit) {
    this.a = new LinkEnd(a, this, costs[0])
    this.b = new LinkEnd(b, this, costs[1])
    this.delayMs = delayMs
    this.relay = relay
  }
}
