import { MAX_FRAME_BYTES } from '@wakunet/interface'
import { UNIT_HEADROOM_BYTES } from '@wakunet/netio'
import { FRAGMENT_HEAD_BYTES, LONG_PREFIX_BYTES, MAX_FRAGMENTS } from './wire.ts'

/** Plaintexts that are being put together at once. */
const MAX_GROUPS = 8
/** The largest frame in long form with all its hints. */
const MAX_WHOLE_BYTES = LONG_PREFIX_BYTES + 8 + MAX_FRAME_BYTES

interface Group {
  /** Of the key, and the counter of the first fragment. */
  readonly key: string
  readonly parts: (Uint8Array | undefined)[]
  bytes: number
  missing: number
}

/** Puts plaintexts that came in fragments together again. Bounded; the oldest that is not complete is given up. */
export class Fragments {
  /** Fragments that came for nothing: the others of their frame did not. */
  lost = 0
  malformed = 0
  readonly #groups: Group[] = []

  /**
   * Takes the fragment of `length` bytes at `at`. The counters of a frame's fragments follow each other, so that counter and
   * index name the frame.
   * @returns the whole plaintext, `UNIT_HEADROOM_BYTES` into an array of its own, when this one was the last missing; else null
   */
  take(
    generation: number,
    counter: number,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): Uint8Array | null {
    const index = bytes[at + 1]!
    const count = bytes[at + 2]!
    if (
      length <= FRAGMENT_HEAD_BYTES ||
      index >= count ||
      count < 2 ||
      count > MAX_FRAGMENTS ||
      counter < index
    ) {
      this.malformed++
      return null
    }
    const group = this.#group(`${generation}:${counter - index}`, count)
    const size = length - FRAGMENT_HEAD_BYTES
    if (group === null || group.parts[index] !== undefined || group.bytes + size > MAX_WHOLE_BYTES) {
      this.malformed++
      return null
    }
    group.parts[index] = bytes.slice(at + FRAGMENT_HEAD_BYTES, at + length)
    group.bytes += size
    if (--group.missing > 0) return null
    this.#groups.splice(this.#groups.indexOf(group), 1)
    return join(group)
  }

  /** Forgets what is not complete. */
  clear(): void {
    this.#groups.length = 0
  }

  #group(key: string, count: number): Group | null {
    const found = this.#groups.find((group) => group.key === key)
    if (found !== undefined) return found.parts.length === count ? found : null
    if (this.#groups.length >= MAX_GROUPS) {
      const oldest = this.#groups.shift()!
      this.lost += oldest.parts.length - oldest.missing
    }
    const group = {
      key,
      parts: new Array<Uint8Array | undefined>(count).fill(undefined),
      bytes: 0,
      missing: count,
    }
    this.#groups.push(group)
    return group
  }
}

function join(group: Group): Uint8Array {
  const whole = new Uint8Array(UNIT_HEADROOM_BYTES + group.bytes)
  let at = UNIT_HEADROOM_BYTES
  for (const part of group.parts) {
    whole.set(part!, at)
    at += part!.length
  }
  return whole
}
