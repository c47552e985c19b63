/** One record of 64 KiB and some, several times. */
const SLAB_BYTES = 512 * 1024
/** Slabs that wait for reuse; more go to the garbage collector. */
const MAX_SPARE_SLABS = 4

/**
 * Memory for bytes that live for microseconds, at the rate of the network. Left to the garbage collector, it makes
 * V8 mark the whole heap several times a second; here a slab is used again as soon as every block cut from it was
 * released. A block that is never released only keeps its slab from being reused.
 */
export class BlockPool {
  readonly #spare: Slab[] = []
  #current: Slab | null = null

  /** @param length bytes, all of which the caller overwrites */
  allocate(length: number): Block {
    if (length > SLAB_BYTES) return new Block(Buffer.allocUnsafeSlow(length), null)
    if (this.#current === null || this.#current.used + length > SLAB_BYTES) this.#next()
    const slab = this.#current!
    const view = new Uint8Array(slab.memory, slab.used, length)
    slab.used += length
    slab.blocks++
    return new Block(view, slab)
  }

  #next(): void {
    const full = this.#current
    this.#current = this.#spare.pop() ?? new Slab()
    this.#current.onFree = null
    if (full === null) return
    full.onFree = (slab) => {
      slab.used = 0
      if (this.#spare.length < MAX_SPARE_SLABS) this.#spare.push(slab)
    }
    if (full.blocks === 0) full.onFree(full)
  }
}

class Slab {
  readonly memory = Buffer.allocUnsafeSlow(SLAB_BYTES).buffer
  used = 0
  /** Blocks cut from it and not released. */
  blocks = 0
  /** Null while blocks are still cut from it. */
  onFree: ((slab: Slab) => void) | null = null
}

/** Bytes from the pool. After `release` they belong to somebody else. */
export class Block {
  readonly bytes: Uint8Array<ArrayBuffer>
  #slab: Slab | null

  constructor(bytes: Uint8Array<ArrayBuffer>, slab: Slab | null) {
    this.bytes = bytes
    this.#slab = slab
  }

  /** Idempotent. */
  release(): void {
    const slab = this.#slab
    if (slab === null) return
    this.#slab = null
    if (--slab.blocks === 0) slab.onFree?.(slab)
  }
}
