import { IdMap } from '@wakunet/record'
import type { GossipDocument, HeldDocument } from './held-document.ts'
import type { GossipDigest } from './messages.ts'
import { compareIdsAt } from './node-ids.ts'

/** Whose document is held, and since when the next one may come. */
export class Origin<P, D extends GossipDocument> {
  /** 16 bytes. */
  readonly id: Uint8Array
  /** Null for this node. */
  member: P | null
  /** Null before the first document of this node. */
  held: HeldDocument<D> | null = null
  /** Until when its rate is used up (a leaky bucket of time). */
  busyUntilMs = 0

  constructor(id: Uint8Array, member: P | null) {
    this.id = id
    this.member = member
  }

  /** For summaries. */
  get origin(): Uint8Array {
    return this.id
  }

  /** Of the document; 0 for none. */
  get sequence(): number {
    return this.held === null ? 0 : this.held.document.sequence
  }
}

/** The documents of all members, in the order of their origins, with the digest over them. */
export class HeldDocuments<P, D extends GossipDocument> {
  readonly #byId = new IdMap<Origin<P, D>>()
  /** Ascending by id. */
  readonly #sorted: Origin<P, D>[] = []
  #bytes = 0
  #digestHigh = 0
  #digestLow = 0

  get size(): number {
    return this.#sorted.length
  }

  /** Of all documents. */
  get bytes(): number {
    return this.#bytes
  }

  get digest(): GossipDigest {
    return { high: this.#digestHigh >>> 0, low: this.#digestLow >>> 0 }
  }

  /** Those who have a document here, ascending by id. */
  get sorted(): readonly Origin<P, D>[] {
    return this.#sorted
  }

  /** The origin whose id is at `offset`, or null where nothing of it is held. */
  find(bytes: Uint8Array, offset: number): Origin<P, D> | null {
    return this.#byId.find(bytes, offset)
  }

  /** Takes over a document in place of what its origin said before. */
  put(origin: Origin<P, D>, held: HeldDocument<D>): void {
    if (origin.held !== null) this.#toggle(origin.held, -1)
    else {
      this.#byId.add(origin)
      this.#sorted.splice(this.firstFrom(origin.id, 0), 0, origin)
    }
    origin.held = held
    this.#toggle(held, 1)
  }

  /** Forgets an origin that has a document here. */
  delete(origin: Origin<P, D>): void {
    this.#toggle(origin.held!, -1)
    this.#byId.delete(origin)
    this.#sorted.splice(this.firstFrom(origin.id, 0), 1)
  }

  /** Index of the first origin whose id is not below the one at `offset`. */
  firstFrom(bytes: Uint8Array, offset: number): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareIdsAt(this.#sorted[middle]!.id, 0, bytes, offset) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #toggle({ bytes, digestHigh, digestLow }: HeldDocument<D>, sign: 1 | -1): void {
    this.#bytes += sign * bytes.length
    this.#digestHigh ^= digestHigh
    this.#digestLow ^= digestLow
  }
}
