import { WakunetError } from '@wakunet/interface'
import { LENGTH_PREFIX_BYTES } from './protocol.ts'

/** What libp2p hands out: one array, or a list of them that iterates without copying. */
export type StreamData = Uint8Array | Iterable<Uint8Array>

/**
 * Cuts a byte stream into units behind 32-bit lengths. A unit that lies whole in one chunk is handed out as
 * a view of it; one that spans chunks is put together in a buffer that the reader reuses. Either way its
 * bytes are valid, and writable, only during the call.
 */
export class UnitReader {
  readonly #maxUnitBytes: number
  readonly #onUnit: (unit: Uint8Array) => void
  /** A unit under way, prefix included; grown to the largest unit seen, never over the limit. */
  #partial: Uint8Array
  #partialBytes = 0
  #failed = false

  /** @param maxUnitBytes largest unit; a longer or empty one is an error */
  constructor(maxUnitBytes: number, onUnit: (unit: Uint8Array) => void) {
    this.#maxUnitBytes = maxUnitBytes
    this.#onUnit = onUnit
    this.#partial = new Uint8Array(Math.min(4096, LENGTH_PREFIX_BYTES + maxUnitBytes))
  }

  /**
   * Feeds what the stream delivered and hands out every unit that it completes.
   * @throws WakunetError `ERR_DECODE` for a length of 0 or over the limit; the reader takes nothing after it
   */
  push(data: StreamData): void {
    if (data instanceof Uint8Array) {
      this.#pushChunk(data)
      return
    }
    for (const chunk of data) this.#pushChunk(chunk)
  }

  #pushChunk(chunk: Uint8Array): void {
    if (this.#failed) return
    let at = this.#partialBytes > 0 ? this.#continuePartial(chunk) : 0
    while (chunk.length - at >= LENGTH_PREFIX_BYTES) {
      const length = this.#checkedLength(chunk, at)
      const end = at + LENGTH_PREFIX_BYTES + length
      if (end > chunk.length) break
      this.#onUnit(chunk.subarray(at + LENGTH_PREFIX_BYTES, end))
      at = end
    }
    if (at < chunk.length) this.#keep(chunk, at, chunk.length)
  }

  /** @returns where in `chunk` the unit under way ended, or the chunk's length if it did not */
  #continuePartial(chunk: Uint8Array): number {
    let at = 0
    if (this.#partialBytes < LENGTH_PREFIX_BYTES) {
      at = Math.min(LENGTH_PREFIX_BYTES - this.#partialBytes, chunk.length)
      this.#keep(chunk, 0, at)
      if (this.#partialBytes < LENGTH_PREFIX_BYTES) return at
    }
    const unitEnd = LENGTH_PREFIX_BYTES + this.#checkedLength(this.#partial, 0)
    const end = Math.min(at + unitEnd - this.#partialBytes, chunk.length)
    this.#keep(chunk, at, end)
    if (this.#partialBytes === unitEnd) {
      this.#partialBytes = 0
      this.#onUnit(this.#partial.subarray(LENGTH_PREFIX_BYTES, unitEnd))
    }
    return end
  }

  #keep(chunk: Uint8Array, from: number, to: number): void {
    const needed = this.#partialBytes + to - from
    if (needed > this.#partial.length) {
      const most = LENGTH_PREFIX_BYTES + this.#maxUnitBytes
      const grown = new Uint8Array(Math.min(most, Math.max(needed, this.#partial.length * 4)))
      grown.set(this.#partial.subarray(0, this.#partialBytes))
      this.#partial = grown
    }
    this.#partial.set(chunk.subarray(from, to), this.#partialBytes)
    this.#partialBytes = needed
  }

  #checkedLength(bytes: Uint8Array, at: number): number {
    const length = bytes[at]! * 0x1000000 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!)
    if (length === 0 || length > this.#maxUnitBytes) {
      this.#failed = true
      throw new WakunetError('ERR_DECODE', `unit of ${length} bytes, allowed are 1 to ${this.#maxUnitBytes}`)
    }
    return length
  }
}

/** Writes a unit's length prefix at `offset`. */
export function writeLength(bytes: Uint8Array, offset: number, length: number): void {
  bytes[offset] = length >>> 24
  bytes[offset + 1] = length >>> 16
  bytes[offset + 2] = length >>> 8
  bytes[offset + 3] = length
}

/** A unit with its prefix, in a fresh array. */
export function frameUnit(unit: Uint8Array): Uint8Array {
  const framed = new Uint8Array(LENGTH_PREFIX_BYTES + unit.length)
  writeLength(framed, 0, unit.length)
  framed.set(unit, LENGTH_PREFIX_BYTES)
  return framed
}
