import type { Clock, Timer } from '@wakunet/interface'
import type { ListingSource } from './listing-store.ts'

/** A listing that waits to be verified. */
export interface IntakeItem {
  /** Null marks the end of an answer: what came before it has been looked at. */
  readonly encoded: Uint8Array | null
  /** Null: this node's own, from its disk. */
  readonly source: ListingSource | null
  /** Whether the peer was asked for it; `restored` comes from the disk of this node. */
  readonly why: 'answer' | 'news' | 'result' | 'restored'
  /** Of the search that it answers. */
  readonly search?: number
}

/** So many signatures in one go, then the event loop gets its turn: frames do not wait for the directory. */
const SLICE = 4
const SLICE_MS = 10
const MAX_ITEMS_OF_PEER = 256
const MAX_BYTES_OF_PEER = 4 * 1_048_576
const MAX_ITEMS = 2_048
const MAX_BYTES = 32 * 1_048_576

/**
 * The line in which listings wait to be verified. A signature costs about a millisecond, so they are taken a few at a time; what a peer may have
 * in the line is bounded. What comes from the disk waits behind what comes from peers.
 */
export class Intake {
  readonly #clock: Clock
  readonly #take: (item: IntakeItem) => void
  #line: IntakeItem[] = []
  #restored: IntakeItem[] = []
  #bytes = 0
  #timer: Timer | null = null

  constructor(clock: Clock, take: (item: IntakeItem) => void) {
    this.#clock = clock
    this.#take = take
  }

  get size(): number {
    return this.#line.length
  }

  /** @returns false where there is no room in the line */
  push(item: IntakeItem): boolean {
    const bytes = item.encoded?.length ?? 0
    const ofPeer = this.#line.filter(({ source }) => source?.peer === item.source?.peer)
    const bytesOfPeer = ofPeer.reduce((sum, { encoded }) => sum + (encoded?.length ?? 0), bytes)
    if (ofPeer.length >= MAX_ITEMS_OF_PEER || bytesOfPeer > MAX_BYTES_OF_PEER) return false
    if (this.#line.length >= MAX_ITEMS || this.#bytes + bytes > MAX_BYTES) return false
    this.#line.push(item)
    this.#bytes += bytes
    this.#wake()
    return true
  }

  /** What was on disk. */
  restore(items: readonly IntakeItem[]): void {
    this.#restored.push(...items)
    this.#wake()
  }

  /** Forgets what waits of a peer that is gone. */
  forget(peer: string): void {
    this.#line = this.#line.filter(({ source }) => source?.peer !== peer)
    this.#bytes = this.#line.reduce((sum, { encoded }) => sum + (encoded?.length ?? 0), 0)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#line = []
    this.#restored = []
    this.#bytes = 0
  }

  #wake(): void {
    if (this.#timer !== null || this.#line.length + this.#restored.length === 0) return
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = null
      this.#slice()
      this.#wake()
    }, SLICE_MS)
  }

  #slice(): void {
    for (let i = 0; i < SLICE; i++) {
      const item = this.#line.shift() ?? this.#restored.shift()
      if (item === undefined) return
      if (item.why !== 'restored') this.#bytes -= item.encoded?.length ?? 0
      this.#take(item)
    }
  }
}
