import { writeVirtioHeader } from '@wakunet/ethernet'
import { FRAME_HEADER_BYTES, type FrameBatch, GSO_NONE, GSO_TCPV4, NEEDS_CSUM } from '@wakunet/interface'
import { RECORD_HEADROOM_BYTES } from '@wakunet/record'

const HEADER_BYTES = 14 + 20 + 20
const CHECKSUM_START = 14 + 20
const TCP_CHECKSUM_OFFSET = 16
const SEGMENT_BYTES = 1348
/** Inside the overlays that are compared. */
export const SAMPLE_MTU = 1400

/** Offload header of a sample frame. */
export function sampleHint(payloadBytes: number) {
  return {
    flags: NEEDS_CSUM,
    gsoType: payloadBytes > SEGMENT_BYTES ? GSO_TCPV4 : GSO_NONE,
    gsoSize: payloadBytes > SEGMENT_BYTES ? SEGMENT_BYTES : 0,
    csumStart: CHECKSUM_START,
    csumOffset: TCP_CHECKSUM_OFFSET,
  }
}

/** A batch of one TCP frame as a TAP hands it out, a super-frame where the payload is more than a segment. */
export function sampleBatch(payloadBytes: number): FrameBatch {
  const length = HEADER_BYTES + payloadBytes
  const offset = RECORD_HEADROOM_BYTES
  const bytes = new Uint8Array(offset + FRAME_HEADER_BYTES + length)
  writeHeaders(new DataView(bytes.buffer, offset + FRAME_HEADER_BYTES), length)
  writeVirtioHeader(bytes, offset, length, sampleHint(payloadBytes))
  return { bytes, offsets: Uint32Array.of(offset), lengths: Uint32Array.of(length), count: 1 }
}

/** A batch of so many small TCP frames, one after another. */
export function packedBatch(count: number, frameBytes: number): FrameBatch {
  const step = FRAME_HEADER_BYTES + frameBytes
  const bytes = new Uint8Array(RECORD_HEADROOM_BYTES + count * step)
  const offsets = Uint32Array.from({ length: count }, (_, i) => RECORD_HEADROOM_BYTES + i * step)
  for (const offset of offsets) {
    writeHeaders(new DataView(bytes.buffer, offset + FRAME_HEADER_BYTES), frameBytes)
    writeVirtioHeader(bytes, offset, frameBytes, sampleHint(frameBytes - HEADER_BYTES))
  }
  return { bytes, offsets, lengths: new Uint32Array(count).fill(frameBytes), count }
}

/** Ethernet II, IPv4 (RFC 791) and TCP (RFC 9293) without options; the checksums are left to the offloads. */
function writeHeaders(frame: DataView, length: number): void {
  frame.setUint16(0, 0x0200)
  frame.setUint32(2, 2)
  frame.setUint16(6, 0x0200)
  frame.setUint32(8, 1)
  frame.setUint16(12, 0x0800)
  frame.setUint8(14, 0x45)
  frame.setUint16(16, length - 14)
  frame.setUint8(22, 64)
  frame.setUint8(23, 6)
  frame.setUint32(26, 0x0a4d0001)
  frame.setUint32(30, 0x0a4d0002)
  frame.setUint16(34, 5201)
  frame.setUint16(36, 5201)
  frame.setUint8(46, 5 << 4)
  frame.setUint8(47, 0x10)
}
