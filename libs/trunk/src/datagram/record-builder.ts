import { toSuperFramePart } from '@wakunet/ethernet'
import {
  FRAME_HEADER_BYTES,
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  MAX_FRAME_BYTES,
  NEEDS_CSUM,
} from '@wakunet/interface'
import {
  FRAME_SEQUENCE_BYTES,
  MAX_RECORD_FRAMES,
  RECORD_FIELD,
  RECORD_HEADER_BYTES,
  readU16,
  readU32,
  writeFrameHeader,
  writeU32,
} from '@wakunet/record'
import { type ReceiveContext, ReceiveContexts } from './contexts.ts'
import { UdpRun } from './udp-run.ts'
import {
  FORM,
  FORM_BYTES,
  FORM_MASK,
  FORM_SHIFT,
  KIND,
  KIND_MASK,
  LONG_BIT,
  LONG_HEADER_AT,
  LONG_PREFIX_BYTES,
  PACKED_HEAD_BYTES,
  PACKED_LENGTH_MASK,
  SHORT_PREFIX_BYTES,
  SLICE_ECN_BIT,
  SLICE_LAST_BIT,
  SLICE_SIZE_BYTES,
  SLICE_TAIL_BYTES,
  SLICE_TYPE_MASK,
  SLICE_TYPE_SHIFT,
} from './wire.ts'

const SLICE_GSO_TYPES: readonly number[] = [GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4]
const TCP_CHECKSUM_OFFSET = 16
const UDP_CHECKSUM_OFFSET = 6

/** Why a plaintext makes no record; closed, so that it labels a counter. */
export type BuildVerdict = 'ok' | 'malformed' | 'context-unknown'

/**
 * Makes records of the plaintexts of datagrams, in place where the frame is one, and hands each on. The record stands behind free
 * bytes, so that a lane can put its envelope there.
 */
export class RecordBuilder {
  readonly contexts = new ReceiveContexts()
  records = 0
  readonly #onRecord: (record: Uint8Array, freeBytes: number) => void
  readonly #maxRecordBytes: number
  readonly #scratch: Uint8Array
  readonly #run = new UdpRun()
  readonly #hint = { flags: 0, gsoType: GSO_NONE, gsoSize: 0, csumStart: 0, csumOffset: 0 }
  /** Of the datagram in hand. */
  #context: ReceiveContext | null = null
  #sequenceHigh = 0
  #sequenceLow = 0

  constructor(maxRecordBytes: number, onRecord: (record: Uint8Array, freeBytes: number) => void) {
    this.#maxRecordBytes = maxRecordBytes
    this.#onRecord = onRecord
    this.#scratch = new Uint8Array(HEADROOM_BYTES + maxRecordBytes)
  }

  /**
   * Takes the plaintext of `length` bytes at `at`, of kind frame, frames, slice or sized slice; slices may have been joined. The
   * bytes, and the 128 before them, are written to.
   * @param sliceBytes payload of the first of the slices
   */
  take(bytes: Uint8Array, at: number, length: number, slices: number, sliceBytes: number): BuildVerdict {
    const kind = bytes[at]! & KIND_MASK
    const isLong = (bytes[at]! & LONG_BIT) !== 0
    const prefixBytes = isLong ? LONG_PREFIX_BYTES : SHORT_PREFIX_BYTES
    if (length <= prefixBytes) return 'malformed'
    const verdict = isLong ? this.#readLong(bytes, at) : this.#readShort(bytes, at)
    if (verdict !== 'ok') return verdict
    const from = at + prefixBytes
    const end = at + length
    if (kind === KIND.frame) return this.#takeFrame(bytes, at, from, end)
    if (kind === KIND.frames) return this.#takeFrames(bytes, from, end)
    return this.#takeSlices(bytes, at, from, end, slices, sliceBytes)
  }

  #readLong(bytes: Uint8Array, at: number): BuildVerdict {
    const header = at + LONG_HEADER_AT
    const id = readU16(bytes, at + 1)
    this.contexts.define(id, bytes, header)
    this.#context = this.contexts.get(id) ?? { header: bytes.slice(header, header + RECORD_HEADER_BYTES) }
    this.#sequenceHigh = readU32(bytes, header + RECORD_FIELD.sequence)
    this.#sequenceLow = readU32(bytes, header + RECORD_FIELD.sequence + 4)
    return 'ok'
  }

  #readShort(bytes: Uint8Array, at: number): BuildVerdict {
    const context = this.contexts.find(readU16(bytes, at + 1))
    if (context === undefined) return 'context-unknown'
    this.#context = context
    this.#sequenceHigh = readU32(context.header, RECORD_FIELD.sequence)
    this.#sequenceLow = readU32(bytes, at + 3)
    return 'ok'
  }

  #takeFrame(bytes: Uint8Array, at: number, from: number, end: number): BuildVerdict {
    const form = (bytes[at]! >> FORM_SHIFT) & FORM_MASK
    const frame = this.#readHint(bytes, from, end, form)
    if (frame === 0) return 'malformed'
    return this.#emit(bytes, frame, end - frame)
  }

  /**
   * Frames of 2-byte lengths become frames of 12-byte headers, in another buffer; datagrams of one UDP flow that follow each other
   * become a super-frame, which costs the TAP and the kernel behind it as much as one of them.
   */
  #takeFrames(bytes: Uint8Array, from: number, end: number): BuildVerdict {
    const out = this.#scratch
    const run = this.#run
    run.count = 0
    let to = HEADROOM_BYTES + RECORD_HEADER_BYTES
    let count = 0
    for (let at = from; at < end; ) {
      if (end - at <= PACKED_HEAD_BYTES || count === MAX_RECORD_FRAMES) return 'malformed'
      const head = readU16(bytes, at)
      const length = head & PACKED_LENGTH_MASK
      const frame = this.#readHint(bytes, at + PACKED_HEAD_BYTES, end, head >> 14)
      if (frame === 0 || length === 0 || length > end - frame) return 'malformed'
      if (to + FRAME_HEADER_BYTES + length > out.length) return 'malformed'
      at = frame + length
      const joined = run.join(out, to, bytes, frame, length, this.#hint)
      if (joined > 0) {
        to += joined
        continue
      }
      run.finish(out, to)
      writeFrameHeader(out, to, length, this.#hint)
      out.set(bytes.subarray(frame, frame + length), to + FRAME_HEADER_BYTES)
      run.begin(out, to + FRAME_HEADER_BYTES, length, this.#hint)
      to += FRAME_HEADER_BYTES + length
      count++
    }
    run.finish(out, to)
    this.#writeHeader(out, HEADROOM_BYTES, count)
    this.#deliver(out, HEADROOM_BYTES, to)
    return 'ok'
  }

  #takeSlices(
    bytes: Uint8Array,
    at: number,
    from: number,
    end: number,
    slices: number,
    sliceBytes: number,
  ): BuildVerdict {
    const first = bytes[at]!
    const isSized = (first & KIND_MASK) === KIND.sizedSlice
    const frame = from + SLICE_TAIL_BYTES + (isSized ? SLICE_SIZE_BYTES : 0)
    const gsoType = SLICE_GSO_TYPES[(first >> SLICE_TYPE_SHIFT) & SLICE_TYPE_MASK]
    if (frame >= end || end - frame > MAX_FRAME_BYTES || gsoType === undefined) return 'malformed'
    const payloadOffset = readU16(bytes, from)
    const l4Offset = bytes[from + 2]!
    const isUdp = gsoType === GSO_UDP_L4
    const isLast = (first & SLICE_LAST_BIT) !== 0
    const headBytes = frameHeadBytes(bytes, frame, end, l4Offset, isUdp)
    if (headBytes === 0) return 'malformed'
    const payloadBytes = end - frame - headBytes
    const segmentBytes = isSized
      ? readU16(bytes, from + SLICE_TAIL_BYTES)
      : slices > 1
        ? sliceBytes
        : payloadBytes
    if (segmentBytes === 0) return 'malformed'
    if (payloadOffset !== 0 || !isLast) {
      const part = {
        l4Offset,
        udp: isUdp,
        payloadOffset,
        // The last one alone does not tell the size of those before it; that they are no smaller than this is enough.
        segment: Math.floor(
          payloadOffset / (isLast && slices === 1 && !isSized ? FRAME_SEQUENCE_BYTES : segmentBytes),
        ),
        last: isLast,
      }
      if (!toSuperFramePart(bytes, frame, end - frame, part)) return 'malformed'
    }
    const isSuperFrame = payloadBytes > segmentBytes
    const hint = this.#hint
    hint.flags = NEEDS_CSUM
    hint.gsoType = isSuperFrame ? gsoType | ((first & SLICE_ECN_BIT) !== 0 ? GSO_ECN : 0) : GSO_NONE
    hint.gsoSize = isSuperFrame ? segmentBytes : 0
    hint.csumStart = l4Offset
    hint.csumOffset = isUdp ? UDP_CHECKSUM_OFFSET : TCP_CHECKSUM_OFFSET
    return this.#emit(bytes, frame, end - frame)
  }

  /** Reads hints of that form at `at` into `#hint`. @returns the offset behind them; 0 where they are none */
  #readHint(bytes: Uint8Array, at: number, end: number, form: number): number {
    const frame = at + (FORM_BYTES[form] ?? end)
    if (frame >= end) return 0
    const hint = this.#hint
    hint.flags = form === FORM.checksum ? NEEDS_CSUM : 0
    hint.gsoType = GSO_NONE
    hint.gsoSize = 0
    hint.csumStart = form === FORM.checksum ? bytes[at]! : 0
    hint.csumOffset = form === FORM.checksum ? bytes[at + 1]! : 0
    if (form === FORM.full) {
      hint.flags = bytes[at]!
      hint.gsoType = bytes[at + 1]!
      hint.gsoSize = readU16(bytes, at + 2)
      hint.csumStart = readU16(bytes, at + 4)
      hint.csumOffset = readU16(bytes, at + 6)
    }
    return frame
  }

  /** One frame where it is, its headers written in front of it. */
  #emit(bytes: Uint8Array, frame: number, length: number): BuildVerdict {
    const record = frame - FRAME_HEADER_BYTES - RECORD_HEADER_BYTES
    if (length > MAX_FRAME_BYTES || frame + length - record > this.#maxRecordBytes) return 'malformed'
    writeFrameHeader(bytes, frame - FRAME_HEADER_BYTES, length, this.#hint)
    this.#writeHeader(bytes, record, 1)
    this.#deliver(bytes, record, frame + length)
    return 'ok'
  }

  #writeHeader(bytes: Uint8Array, at: number, count: number): void {
    bytes.set(this.#context!.header, at)
    bytes[at + RECORD_FIELD.frameCount] = count
    writeU32(bytes, at + RECORD_FIELD.sequence, this.#sequenceHigh)
    writeU32(bytes, at + RECORD_FIELD.sequence + 4, this.#sequenceLow)
  }

  #deliver(bytes: Uint8Array, from: number, end: number): void {
    this.records++
    this.#onRecord(bytes.subarray(from, end), HEADROOM_BYTES)
  }
}

/** Free bytes before every record, for an envelope. */
const HEADROOM_BYTES = 32

/** Up to the end of the TCP or UDP header, which some payload must follow; 0 where they do not fit. */
function frameHeadBytes(
  bytes: Uint8Array,
  frame: number,
  end: number,
  l4Offset: number,
  isUdp: boolean,
): number {
  const l4 = frame + l4Offset
  if (isUdp) return l4 + 8 < end ? l4Offset + 8 : 0
  if (l4 + 20 >= end) return 0
  const headBytes = l4Offset + (bytes[l4 + 12]! >> 4) * 4
  return headBytes >= l4Offset + 20 && frame + headBytes < end ? headBytes : 0
}
