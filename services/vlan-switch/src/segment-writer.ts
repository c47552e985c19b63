import { createOffloadHint, writeVirtioHeader } from '@wakunet/ethernet'
import { FRAME_HEADER_BYTES, type FrameBatch, MAX_FRAME_BYTES, type TapPort } from '@wakunet/interface'

const MAX_SEGMENTS = 64
const BUFFER_BYTES = 2 * (FRAME_HEADER_BYTES + MAX_FRAME_BYTES)
const NO_OFFLOAD = createOffloadHint()

/**
 * Writes the segments that were cut in software to a TAP, a batch at a time: for ports whose kernel does not
 * take super-frames. The buffer is made when the first one comes.
 */
export class SegmentWriter {
  #batch: { bytes: Uint8Array; offsets: Uint32Array; lengths: Uint32Array; count: number } | null = null
  #end = 0

  /** Copies a frame without offloads into the batch; writes the batch first where it is full. */
  add(frame: Uint8Array, tap: TapPort): void {
    this.#batch ??= {
      bytes: new Uint8Array(BUFFER_BYTES),
      offsets: new Uint32Array(MAX_SEGMENTS),
      lengths: new Uint32Array(MAX_SEGMENTS),
      count: 0,
    }
    const batch = this.#batch
    const needed = FRAME_HEADER_BYTES + frame.length
    if (batch.count === MAX_SEGMENTS || BUFFER_BYTES - this.#end < needed) this.flush(tap)
    batch.offsets[batch.count] = this.#end
    batch.lengths[batch.count] = frame.length
    batch.bytes.set(frame, this.#end + FRAME_HEADER_BYTES)
    writeVirtioHeader(batch.bytes, this.#end, frame.length, NO_OFFLOAD)
    batch.count++
    this.#end += needed
  }

  flush(tap: TapPort): void {
    if (this.#batch === null || this.#batch.count === 0) return
    tap.write(this.#batch satisfies FrameBatch)
    this.#batch.count = 0
    this.#end = 0
  }
}
