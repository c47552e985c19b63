import { MAX_FRAME_BYTES, MIN_FRAME_BYTES } from '@wakunet/interface'
import {
  frameHintIsDefined,
  frameHintIsZero,
  RECORD_FRAME_HEADER_BYTES,
  readFrameLength,
} from './frame-header.ts'
import {
  type DecodedHeader,
  decodeRecordHeader,
  MAX_RECORD_FRAMES,
  RECORD_HEADER_BYTES,
  RECORD_HEADER_FAULTS,
  SEAL_TAG_BYTES,
} from './header.ts'

/** Smallest control message: its type and its version. */
export const MIN_CONTROL_MESSAGE_BYTES = 2

/** Why a record is refused; a closed set, so that it can label a counter. */
export const RECORD_FAULTS = [
  ...RECORD_HEADER_FAULTS,
  'frame-truncated',
  'frame-length',
  'frame-hint',
  'trailing-bytes',
] as const
export type RecordFault = (typeof RECORD_FAULTS)[number]

/** A record taken apart in place: header fields, and a batch whose offsets point into the same bytes. */
export interface DecodedRecord extends DecodedHeader {
  /** Where the record ends in `bytes`. */
  end: number
  /** Frame headers in the header slots; write virtio-net headers over them to hand the batch to a TAP. */
  readonly batch: { bytes: Uint8Array; offsets: Uint32Array; lengths: Uint32Array; count: number }
}

const NO_BYTES = new Uint8Array(0)

/** An empty object for `decodeRecord` to fill again and again. */
export function createDecodedRecord(): DecodedRecord {
  return {
    bytes: NO_BYTES,
    offset: 0,
    tree: false,
    control: false,
    sealed: false,
    end: 0,
    hopLimit: 0,
    frameCount: 0,
    epoch: 0,
    sequence: 0,
    bootNonceHigh: 0,
    bootNonceLow: 0,
    vlanKey: 0,
    ingressKey: 0,
    egressKey: 0,
    batch: {
      bytes: NO_BYTES,
      offsets: new Uint32Array(MAX_RECORD_FRAMES),
      lengths: new Uint32Array(MAX_RECORD_FRAMES),
      count: 0,
    },
  }
}

/**
 * Reads the record that fills `bytes` from `offset` to `end` into `out`: checks the header, then walks every
 * frame header. Bytes after the last frame refuse the record. Of a sealed record only the header is read, and its batch is
 * empty: see `readOpenedFrames`. Allocates nothing. After anything but `ok` the batch of `out` is empty and its other
 * fields mean nothing.
 */
export function decodeRecord(
  bytes: Uint8Array,
  out: DecodedRecord,
  offset = 0,
  end = bytes.length,
): 'ok' | RecordFault {
  out.batch.count = 0
  const verdict = decodeRecordHeader(bytes, out, offset, end)
  if (verdict !== 'ok') return verdict
  out.end = end
  if (!out.sealed) return readFrames(out, end)
  const least = out.frameCount * (RECORD_FRAME_HEADER_BYTES + MIN_FRAME_BYTES) + SEAL_TAG_BYTES
  return end - offset - RECORD_HEADER_BYTES < least ? 'frame-truncated' : 'ok'
}

/**
 * Walks the frames of a sealed record that has been opened in place, so that its batch is that of any other. What is behind
 * the frames, where the tag was, is cut off.
 */
export function readOpenedFrames(record: DecodedRecord): 'ok' | RecordFault {
  record.end -= SEAL_TAG_BYTES
  return readFrames(record, record.end)
}

function readFrames(out: DecodedRecord, end: number): 'ok' | RecordFault {
  const { batch, bytes } = out
  const minLength = out.control ? MIN_CONTROL_MESSAGE_BYTES : MIN_FRAME_BYTES
  let at = out.offset + RECORD_HEADER_BYTES
  for (let i = 0; i < out.frameCount; i++) {
    if (end - at < RECORD_FRAME_HEADER_BYTES) return 'frame-truncated'
    const length = readFrameLength(bytes, at)
    if (length < minLength || length > MAX_FRAME_BYTES) return 'frame-length'
    if (end - at - RECORD_FRAME_HEADER_BYTES < length) return 'frame-truncated'
    if (!(out.control ? frameHintIsZero(bytes, at) : frameHintIsDefined(bytes, at))) return 'frame-hint'
    batch.offsets[i] = at
    batch.lengths[i] = length
    at += RECORD_FRAME_HEADER_BYTES + length
  }
  if (at !== end) return 'trailing-bytes'
  batch.bytes = bytes
  batch.count = out.frameCount
  return 'ok'
}
