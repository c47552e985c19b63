/**
 * Records that wait for the stream, bounded in bytes. When a record does not fit, the oldest go: late frames
 * are worth less than fresh ones, and the senders' own retransmission takes care of the loss.
 */
export class RecordQueue {
  readonly #maxBytes: number
  #units: (Uint8Array | undefined)[] = []
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
  push(unit: Uint8Array): void {
    if (unit.length > this.#maxBytes) {
      this.#dropped++
      return
    }
    while (this.#bytes + unit.length > this.#maxBytes) {
      this.shift()
      this.#dropped++
    }
    this.#units.push(unit)
    this.#bytes += unit.length
  }

  /** The oldest unit, or undefined. */
  shift(): Uint8Array | undefined {
    const unit = this.#units[this.#head]
    if (unit === undefined) return undefined
    this.#units[this.#head++] = undefined
    this.#bytes -= unit.length
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
    this.#units.length = 0
    this.#head = 0
    this.#bytes = 0
  }
}
