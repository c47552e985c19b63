/** Large enough that allocation cost vanishes, small enough that a straggler pins little memory. */
const SLAB_BYTES = 512 * 1024

/**
 * Hands out uninitialised memory from large blocks. Nothing is ever given back by hand: a block is collected
 * when its last view is gone, so that a view may wait in a socket for as long as it must.
 */
export class SlabAllocator {
  #slab: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #used = 0

  /** @param length bytes, all of which the caller overwrites */
  allocate(length: number): Uint8Array<ArrayBuffer> {
    if (length > SLAB_BYTES) return Buffer.allocUnsafeSlow(length)
    if (this.#used + length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#used = 0
    }
    const view = new Uint8Array(this.#slab.buffer, this.#used, length)
    this.#used += length
    return view
  }
}
