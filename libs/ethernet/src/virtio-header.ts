import {
  FRAME_HEADER_BYTES,
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  NEEDS_CSUM,
} from '@wakunet/interface'
import { tcpHeaderBytes } from './tcp.ts'
import { UDP_HEADER_BYTES } from './udp.ts'

/**
 * What a frame still needs done: its checksum completed, and cut into segments. Callers reuse one object.
 * From anywhere but this host's own kernel it is a claim, see `checkOffload`.
 */
export interface OffloadHint {
  /** `NEEDS_CSUM`, `DATA_VALID`. */
  flags: number
  /** `GSO_NONE`, or `GSO_TCPV4`, `GSO_TCPV6` (either with `GSO_ECN`), `GSO_UDP_L4`. */
  gsoType: number
  /** Payload bytes of each segment but the last, behind the upper-layer header. */
  gsoSize: number
  /** Where summing starts, in bytes from the start of the frame. */
  csumStart: number
  /** Where the checksum is stored, in bytes from `csumStart`. */
  csumOffset: number
}

export function createOffloadHint(): OffloadHint {
  return { flags: 0, gsoType: GSO_NONE, gsoSize: 0, csumStart: 0, csumOffset: 0 }
}

/*
 * struct virtio_net_hdr_mrg_rxbuf, little-endian (virtio 1.3 §5.1.6; linux/virtio_net.h):
 *
 *   0 flags | 1 gso_type | 2 hdr_len | 4 gso_size | 6 csum_start | 8 csum_offset | 10 num_buffers
 */

/**
 * Reads the 12-byte header at `offset` into `out`. `hdr_len` is left out: drivers set it to whatever they
 * keep in one piece (virtio 1.3 §5.1.6.2), so the header length is always parsed from the frame.
 */
export function readVirtioHeader(bytes: Uint8Array, offset: number, out: OffloadHint): void {
  out.flags = bytes[offset]!
  out.gsoType = bytes[offset + 1]!
  out.gsoSize = readLittle16(bytes, offset + 4)
  out.csumStart = readLittle16(bytes, offset + 6)
  out.csumOffset = readLittle16(bytes, offset + 8)
}

/**
 * Builds the 12-byte header at `offset` for the frame of `frameLength` bytes directly behind it. The hint must
 * have passed `checkOffload` for this frame. Fields that the flags and the type give no meaning are zero, whatever
 * the hint says; `DATA_VALID` is never passed on, since nobody here has checked the sum.
 */
export function writeVirtioHeader(
  bytes: Uint8Array,
  offset: number,
  frameLength: number,
  hint: OffloadHint,
): void {
  const partial = (hint.flags & NEEDS_CSUM) !== 0
  const headerBytes = segmentHeaderBytes(bytes, offset + FRAME_HEADER_BYTES, hint)
  const segmented = headerBytes !== 0
  bytes[offset] = partial ? NEEDS_CSUM : 0
  bytes[offset + 1] = segmented ? hint.gsoType : GSO_NONE
  // The kernel refuses a header longer than the frame (drivers/net/tun.c), so never claim one.
  writeLittle16(bytes, offset + 2, Math.min(headerBytes, frameLength))
  writeLittle16(bytes, offset + 4, segmented ? hint.gsoSize : 0)
  writeLittle16(bytes, offset + 6, partial ? hint.csumStart : 0)
  writeLittle16(bytes, offset + 8, partial ? hint.csumOffset : 0)
  // "num_buffers" belongs to receiving with merged buffers (virtio 1.3 §5.1.6.4.1).
  writeLittle16(bytes, offset + 10, 0)
}

/**
 * Bytes that every segment repeats: everything up to the end of the TCP or UDP header, which starts where the
 * checksum does. 0 where the frame is not a super-frame.
 */
function segmentHeaderBytes(bytes: Uint8Array, frameOffset: number, hint: OffloadHint): number {
  switch (hint.gsoType & ~GSO_ECN) {
    case GSO_TCPV4:
    case GSO_TCPV6:
      return hint.csumStart + tcpHeaderBytes(bytes, frameOffset + hint.csumStart)
    case GSO_UDP_L4:
      return hint.csumStart + UDP_HEADER_BYTES
    default:
      return 0
  }
}

function readLittle16(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8)
}

function writeLittle16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value
  bytes[offset + 1] = value >>> 8
}
