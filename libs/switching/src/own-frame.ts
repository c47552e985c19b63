import { FRAME_HEADER_BYTES, type FrameBatch } from '@wakunet/interface'
import { RECORD_HEADROOM_BYTES, writeFrameHeader } from '@wakunet/record'

/** Largest frame that a switch sends of its own: a fragment for a member's port, with tags. */
export const MAX_OWN_FRAME_BYTES = 9_022
const NO_HINT = { flags: 0, gsoType: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 }

/** A batch of one frame that the switch itself sends into the VLAN; the buffer is used again for the next. */
export class OwnFrame {
  readonly #batch: FrameBatch = {
    bytes: new Uint8Array(RECORD_HEADROOM_BYTES + FRAME_HEADER_BYTES + MAX_OWN_FRAME_BYTES),
    offsets: Uint32Array.of(RECORD_HEADROOM_BYTES),
    lengths: new Uint32Array(1),
    count: 1,
  }

  /** Valid until the next call. @param frame at most `MAX_OWN_FRAME_BYTES` */
  batchOf(frame: Uint8Array): FrameBatch {
    const { bytes, lengths } = this.#batch
    writeFrameHeader(bytes, RECORD_HEADROOM_BYTES, frame.length, NO_HINT)
    bytes.set(frame, RECORD_HEADROOM_BYTES + FRAME_HEADER_BYTES)
    lengths[0] = frame.length
    return this.#batch
  }
}
