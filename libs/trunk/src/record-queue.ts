import type { Block } from './block-pool.ts'

/**
 * Records that wait for the stream, bounded in bytes. When a record does not fit, the oldest go: late frames
 * are worth less than fresh ones, and the senders' own retransmission takes care of the loss.
 */
export class RecordQueue {
  readonly #maxBytes: number
  #units: (Block | undefined)[] = []
  #head = 0
  #bytes = 0
  #dropped = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get length(): number {
    return this.#units.length - this.#head
  }

  /** Records thrown out, since the start. */
  get dropped(): number {
    return this.#dropped
  }

  /** Takes over `unit`. One that is larger than the whole queue is dropped itself. */
  push(unit: Block): void {
    const { length } = unit.bytes
    if (length > this.#maxBytes) {
      this.#drop(unit)
      return
    }
    while (this.#bytes + length > this.#maxBytes) this.#drop(this.shift())
    this.#units.push(unit)
    this.#bytes += length
  }

  /** The oldest unit, which the caller takes over, or undefined. */
  shift(): Block | undefined {
    const unit = this.#units[this.#head]
    if (unit === undefined) return undefined
    this.#units[this.#head++] = undefined
    this.#bytes -= unit.bytes.length
    if (this.#head === this.#units.length) {
      this.#units.length = 0
      this.#head = 0
    } else if (this.#head >= 1024) {
      this.#units = this.#units.slice(this.#head)
      this.#head = 0
    }
    return unit
  }

  clear(): void {
    for (let unit = this.shift(); unit !== undefined; unit = this.shift()) unit.release()
  }

  #drop(unit: Block | undefined): void {
    unit?.release()
    this.#dropped++
  }
}
