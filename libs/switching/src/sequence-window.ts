/** Sequences behind the highest that are still known. */
export const SEQUENCE_WINDOW = 16_384

const WORDS = SEQUENCE_WINDOW / 32
/** Sequences that the bitmap holds until somebody sends more: most members of a large VLAN send next to nothing here. */
const SMALL_WINDOW = 512
const SMALL_WORDS = SMALL_WINDOW / 32
/** Of these, before the first that was seen. */
const SMALL_BEFORE = 64

export type SequenceVerdict = 'new' | 'seen' | 'old'

/**
 * Frame hash cache of one sender: which of the sequences of one (ingress node, boot nonce, VLAN) were seen.
 *
 * A sender numbers its records one by one, so a bitmap over the newest sequences is exact and bounded where
 * a cache of hashes is neither (the construction is the replay window of RFC 6479). It is keyed by sequence
 * and not by content, because a byte-identical ARP retry is a new frame (DESIGN.md 3.6).
 */
export class SequenceWindow {
  #bits = new Uint32Array(SMALL_WORDS)
  /** Sequence of the first bit while the bitmap is small. */
  #base = 0
  /** Highest sequence so far. */
  #top = 0

  get top(): number {
    return this.#top
  }

  /**
   * Marks `sequence` (1 to `Number.MAX_SAFE_INTEGER`) as seen.
   * @returns `new` the first time; `seen` after that; `old` where it is `SEQUENCE_WINDOW` or more behind the
   * highest, so that nobody knows any more
   */
  accept(sequence: number): SequenceVerdict {
    if (this.#bits.length === SMALL_WORDS) {
      if (this.#top === 0) this.#base = Math.max(0, sequence - SMALL_BEFORE)
      const index = sequence - this.#base
      if (index >= 0 && index < SMALL_WINDOW) {
        if (sequence > this.#top) this.#top = sequence
        return this.#mark(index)
      }
      this.#grow()
    }
    if (sequence > this.#top) this.#advance(sequence)
    else if (this.#top - sequence >= SEQUENCE_WINDOW) return 'old'
    return this.#mark(sequence % SEQUENCE_WINDOW)
  }

  /** What `accept` would answer; nothing is marked. */
  look(sequence: number): SequenceVerdict {
    const isSmall = this.#bits.length === SMALL_WORDS
    if (sequence > this.#top) return 'new'
    if (!isSmall && this.#top - sequence >= SEQUENCE_WINDOW) return 'old'
    const index = isSmall ? sequence - this.#base : sequence % SEQUENCE_WINDOW
    // What is before a small window has not been seen: only the first sequence has moved it.
    if (index < 0) return this.#top - sequence >= SEQUENCE_WINDOW ? 'old' : 'new'
    return (this.#bits[index >>> 5]! & (1 << (index & 31))) === 0 ? 'new' : 'seen'
  }

  #mark(index: number): SequenceVerdict {
    const word = index >>> 5
    const bit = 1 << (index & 31)
    if ((this.#bits[word]! & bit) !== 0) return 'seen'
    this.#bits[word]! |= bit
    return 'new'
  }

  #grow(): void {
    const small = this.#bits
    this.#bits = new Uint32Array(WORDS)
    for (let i = 0; i < SMALL_WINDOW; i++)
      if ((small[i >>> 5]! & (1 << (i & 31))) !== 0) this.#mark((this.#base + i) % SEQUENCE_WINDOW)
  }

  /** Clears the bits of the sequences after the top, up to and including `sequence`; at most one round. */
  #advance(sequence: number): void {
    const steps = sequence - this.#top
    if (steps >= SEQUENCE_WINDOW) {
      this.#bits.fill(0)
    } else {
      let index = (this.#top + 1) % SEQUENCE_WINDOW
      let left = steps
      while (left > 0) {
        const shift = index & 31
        const count = Math.min(32 - shift, left)
        const mask = count === 32 ? 0xffff_ffff : ((1 << count) - 1) << shift
        this.#bits[index >>> 5]! &= ~mask
        index = (index + count) % SEQUENCE_WINDOW
        left -= count
      }
    }
    this.#top = sequence
  }
}
