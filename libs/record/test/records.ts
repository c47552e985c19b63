import { type FrameBatch, GSO_NONE } from '@wakunet/interface'
import {
  encodeRecordHeader,
  type FrameHint,
  MAX_HOP_LIMIT,
  RECORD_FRAME_HEADER_BYTES,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  writeFrameHeader,
} from '../src/index.ts'

export const NO_HINT: FrameHint = { flags: 0, gsoType: GSO_NONE, gsoSize: 0, csumStart: 0, csumOffset: 0 }

export function id(fill: number): Uint8Array {
  return new Uint8Array(16).fill(fill)
}

export function header(fields: Partial<RecordHeader> = {}): RecordHeader {
  return {
    hopLimit: MAX_HOP_LIMIT,
    frameCount: 1,
    epoch: 0,
    sequence: 1,
    bootNonce: new Uint8Array(8).fill(0xb0),
    vlanId: id(0x11),
    ingress: id(0x22),
    egress: id(0x33),
    control: false,
    ...fields,
  }
}

/** A record of the frames, put together the simple way: the reference for the writer. */
export function encodeRecord(fields: Partial<RecordHeader>, frames: readonly Uint8Array[], hint = NO_HINT) {
  const size = frames.reduce((sum, f) => sum + RECORD_FRAME_HEADER_BYTES + f.length, RECORD_HEADER_BYTES)
  const bytes = new Uint8Array(size)
  encodeRecordHeader(bytes, 0, header({ frameCount: frames.length, ...fields }))
  let at = RECORD_HEADER_BYTES
  for (const frame of frames) {
    writeFrameHeader(bytes, at, frame.length, hint)
    bytes.set(frame, at + RECORD_FRAME_HEADER_BYTES)
    at += RECORD_FRAME_HEADER_BYTES + frame.length
  }
  return bytes
}

/** A batch as a TAP hands it out: headroom, then 12-byte headers and frames without gaps. */
export function batchOf(frames: readonly Uint8Array[], headroom: number): FrameBatch {
  const size = frames.reduce((sum, f) => sum + RECORD_FRAME_HEADER_BYTES + f.length, headroom)
  const batch = {
    bytes: new Uint8Array(size),
    offsets: new Uint32Array(frames.length),
    lengths: new Uint32Array(frames.length),
    count: frames.length,
  }
  let at = headroom
  for (const [i, frame] of frames.entries()) {
    batch.offsets[i] = at
    batch.lengths[i] = frame.length
    writeFrameHeader(batch.bytes, at, frame.length, NO_HINT)
    batch.bytes.set(frame, at + RECORD_FRAME_HEADER_BYTES)
    at += RECORD_FRAME_HEADER_BYTES + frame.length
  }
  return batch
}
