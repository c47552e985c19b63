import {
  continuesUdpRun,
  MAX_UDP_RUN,
  type OffloadHint,
  toSuperFramePart,
  udpRunOffset,
} from '@wakunet/ethernet'
import { FRAME_HEADER_BYTES, GSO_UDP_L4, NEEDS_CSUM } from '@wakunet/interface'
import { writeFrameHeader } from '@wakunet/record'

const UDP_HEADER_BYTES = 8
const UDP_CHECKSUM_OFFSET = 6
/** Far below what a frame may have. */
const MAX_RUN_BYTES = 60_000

/**
 * The last frame of a record that is being put together, while it is a UDP datagram that others of its flow can be joined to: of
 * equal size, the last one shorter.
 */
export class UdpRun {
  /** Datagrams so far; 0: the last frame is no such datagram. */
  count = 0
  #at = 0
  #l4Offset = 0
  #segmentBytes = 0
  /** A shorter one ends it. */
  #ended = false

  /** The frame of `length` bytes at `at` was written. */
  begin(out: Uint8Array, at: number, length: number, hint: OffloadHint): void {
    this.#l4Offset = udpRunOffset(out, at, length, hint)
    this.count = this.#l4Offset === 0 ? 0 : 1
    this.#at = at
    this.#segmentBytes = length - this.#l4Offset - UDP_HEADER_BYTES
    this.#ended = false
  }

  /**
   * Appends the payload of the frame at `frame` to the run, which ends at `to`, where it belongs to it.
   * @returns bytes written, 0 where it does not
   */
  join(
    out: Uint8Array,
    to: number,
    bytes: Uint8Array,
    frame: number,
    length: number,
    hint: OffloadHint,
  ): number {
    if (this.count === 0 || this.#ended || this.count === MAX_UDP_RUN) return 0
    const l4Offset = this.#l4Offset
    const payloadBytes = length - l4Offset - UDP_HEADER_BYTES
    if (payloadBytes > this.#segmentBytes || to + payloadBytes - this.#at > MAX_RUN_BYTES) return 0
    if (udpRunOffset(bytes, frame, length, hint) !== l4Offset) return 0
    if (!continuesUdpRun(out, this.#at, bytes, frame, l4Offset, this.count)) return 0
    const payload = frame + l4Offset + UDP_HEADER_BYTES
    out.set(bytes.subarray(payload, payload + payloadBytes), to)
    this.count++
    this.#ended = payloadBytes < this.#segmentBytes
    return payloadBytes
  }

  /** The run ends at `to`: its headers become those of the whole. */
  finish(out: Uint8Array, to: number): void {
    if (this.count > 1) {
      const length = to - this.#at
      const l4Offset = this.#l4Offset
      // Growing is like shrinking: lengths and the partial sum follow.
      toSuperFramePart(out, this.#at, length, {
        l4Offset,
        udp: true,
        payloadOffset: 0,
        segment: 0,
        last: true,
      })
      writeFrameHeader(out, this.#at - FRAME_HEADER_BYTES, length, {
        flags: NEEDS_CSUM,
        gsoType: GSO_UDP_L4,
        gsoSize: this.#segmentBytes,
        csumStart: l4Offset,
        csumOffset: UDP_CHECKSUM_OFFSET,
      })
    }
    this.count = 0
  }
}
