import {
  FRAME_HEADER_BYTES,
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  NEEDS_CSUM,
} from '@wakunet/interface'
import { readU16, readU32, writeU16, writeU32 } from './integers.ts'

/**
 * The frame header of a record, 12 bytes, big-endian: it takes the place of the virtio-net header that the
 * frame had at its TAP.
 *
 * ```text
 *   0  u32  frame length
 *   4  u8   flags (bit 0: checksum to be completed)
 *   5  u8   GSO type
 *   6  u16  GSO size
 *   8  u16  checksum start
 *  10  u16  checksum offset
 * ```
 */
export const RECORD_FRAME_HEADER_BYTES = FRAME_HEADER_BYTES

/** The offload hints of a frame header: claims of another host until they were checked against the frame. */
export interface FrameHint {
  flags: number
  gsoType: number
  gsoSize: number
  csumStart: number
  csumOffset: number
}

/** Writes the header of a frame of `length` bytes at `offset`. Hints outside their width are cut to it. */
export function writeFrameHeader(bytes: Uint8Array, offset: number, length: number, hint: FrameHint): void {
  writeU32(bytes, offset, length)
  bytes[offset + 4] = hint.flags
  bytes[offset + 5] = hint.gsoType
  writeU16(bytes, offset + 6, hint.gsoSize)
  writeU16(bytes, offset + 8, hint.csumStart)
  writeU16(bytes, offset + 10, hint.csumOffset)
}

/** Length of the frame behind the header at `offset`, as it claims. */
export function readFrameLength(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset)
}

/** Reads the hints of the header at `offset` into `out`. */
export function readFrameHint(bytes: Uint8Array, offset: number, out: FrameHint): void {
  out.flags = bytes[offset + 4]!
  out.gsoType = bytes[offset + 5]!
  out.gsoSize = readU16(bytes, offset + 6)
  out.csumStart = readU16(bytes, offset + 8)
  out.csumOffset = readU16(bytes, offset + 10)
}

/** True where flags and GSO type have only bits and values that version 1 defines. */
export function frameHintIsDefined(bytes: Uint8Array, offset: number): boolean {
  if ((bytes[offset + 4]! & ~NEEDS_CSUM) !== 0) return false
  const gsoType = bytes[offset + 5]! & ~GSO_ECN
  return gsoType === GSO_NONE || gsoType === GSO_TCPV4 || gsoType === GSO_TCPV6 || gsoType === GSO_UDP_L4
}

/** True where every hint is zero: a control message is no Ethernet frame and has nothing to offload. */
export function frameHintIsZero(bytes: Uint8Array, offset: number): boolean {
  return readU32(bytes, offset + 4) === 0 && readU32(bytes, offset + 8) === 0
}

/**
 * Rewrites the virtio-net header (`struct virtio_net_hdr_mrg_rxbuf`, little-endian) at `offset` into the
 * record's frame header, in place. Fields that mean nothing without their flag become zero, so that nothing
 * of this host's memory leaves it; `DATA_VALID` is this kernel's opinion and stays here.
 */
export function virtioToFrameHeader(bytes: Uint8Array, offset: number, length: number): void {
  const flags = bytes[offset]! & NEEDS_CSUM
  const gsoType = bytes[offset + 1]!
  const gsoSize = gsoType === GSO_NONE ? 0 : bytes[offset + 4]! | (bytes[offset + 5]! << 8)
  const csumStart = flags === 0 ? 0 : bytes[offset + 6]! | (bytes[offset + 7]! << 8)
  const csumOffset = flags === 0 ? 0 : bytes[offset + 8]! | (bytes[offset + 9]! << 8)
  writeU32(bytes, offset, length)
  bytes[offset + 4] = flags
  bytes[offset + 5] = gsoType
  writeU16(bytes, offset + 6, gsoSize)
  writeU16(bytes, offset + 8, csumStart)
  writeU16(bytes, offset + 10, csumOffset)
}
