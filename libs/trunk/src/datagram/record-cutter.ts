import { checkOffload, createOffloadHint, tcpHeaderBytes } from '@wakunet/ethernet'
import {
  FRAME_HEADER_BYTES,
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_UDP_L4,
  MAX_FRAME_BYTES,
  NEEDS_CSUM,
} from '@wakunet/interface'
import {
  DATAGRAM_HEAD_BYTES,
  DATAGRAM_OVERHEAD_BYTES,
  type DatagramSealer,
  MAX_SLICE_HEAD_BYTES,
} from '@wakunet/netio'
import {
  FRAME_SEQUENCE_BYTES,
  frameSequences,
  RECORD_FIELD,
  RECORD_HEADER_BYTES,
  readFrameHint,
  readFrameLength,
  readU32,
  writeU16,
} from '@wakunet/record'
import { SendContexts } from './contexts.ts'
import type { Destination, Outbox } from './outbox.ts'
import {
  FORM,
  FORM_BYTES,
  FORM_SHIFT,
  FRAGMENT_HEAD_BYTES,
  KIND,
  LONG_BIT,
  LONG_PREFIX_BYTES,
  MAX_FRAGMENTS,
  MESSAGE_HEAD_BYTES,
  PACKED_HEAD_BYTES,
  PACKED_LENGTH_MASK,
  SLICE_ECN_BIT,
  SLICE_SIZE_BYTES,
  SLICE_TAIL_BYTES,
  SLICE_TYPE,
  SLICE_TYPE_SHIFT,
} from './wire.ts'

/** Where what is cut goes. */
export interface CutTarget {
  readonly sealer: DatagramSealer
  readonly outbox: Outbox
  readonly to: Destination
  /** Largest UDP payload. */
  readonly datagramBytes: number
}

/** What went wrong with a record; closed, so that it labels a counter. */
export type CutVerdict = 'ok' | 'malformed' | 'key-used-up'

/** Slices of the largest super-frame, each with the longest header. */
const MOST_SLICES_BYTES = 128 * 1024
const UDP_HEADER_BYTES = 8

/**
 * Cuts records into datagrams (`docs/protocols/trunk.md`, "datagrams"), seals them and leaves them in an outbox. A super-frame
 * becomes slices of whole segments, small frames share a datagram, what is too large for one is sent in fragments.
 */
export class RecordCutter {
  readonly contexts = new SendContexts()
  readonly #hint = createOffloadHint()
  readonly #slicePrefix = new Uint8Array(LONG_PREFIX_BYTES + SLICE_TAIL_BYTES + SLICE_SIZE_BYTES)
  /** Its views, by length: there are four. */
  readonly #slicePrefixes: Uint8Array[] = []
  /** A frame that is sent in fragments. */
  #whole = new Uint8Array(0)
  readonly #offset = new Uint32Array(1)
  readonly #length = new Uint32Array(1)

  /** Bytes of the record are written to for a moment, and are as they were when it returns. */
  cut(record: Uint8Array, target: CutTarget): CutVerdict {
    const count = record[RECORD_FIELD.frameCount]
    if (record.length < RECORD_HEADER_BYTES || count === 0) return 'malformed'
    const context = this.contexts.of(record)
    let sequence = sequenceOf(record)
    let at = RECORD_HEADER_BYTES
    for (let i = 0; i < count!; ) {
      if (record.length - at < FRAME_HEADER_BYTES) return 'malformed'
      const length = readFrameLength(record, at)
      if (record.length - at - FRAME_HEADER_BYTES < length || length > MAX_FRAME_BYTES || length === 0)
        return 'malformed'
      readFrameHint(record, at, this.#hint)
      const form = this.#form()
      const room = target.datagramBytes - DATAGRAM_OVERHEAD_BYTES
      const prefix = context.prefix(sequence)
      if (prefix.length + FORM_BYTES[form]! + length > room) {
        const verdict = this.#sendLarge(record, at, length, form, prefix, target)
        if (verdict !== 'ok') return verdict
        sequence += frameSequences(length)
        at += FRAME_HEADER_BYTES + length
        i++
        continue
      }
      const packed = this.#pack(record, at, count! - i, prefix, room, target)
      if (packed === 0) return 'key-used-up'
      for (let j = 0; j < packed; j++) {
        const frameLength = readFrameLength(record, at)
        sequence += frameSequences(frameLength)
        at += FRAME_HEADER_BYTES + frameLength
      }
      i += packed
    }
    return 'ok'
  }

  /** Hints of the frame in `#hint`, as short as they can be. */
  #form(): number {
    const { flags, gsoType, csumStart, csumOffset } = this.#hint
    if (gsoType !== GSO_NONE) return FORM.full
    if (flags === 0) return FORM.none
    return flags === NEEDS_CSUM && csumStart < 256 && csumOffset < 256 ? FORM.checksum : FORM.full
  }

  // --- one or several frames in a datagram ---------------------------------------------------------------------

  /** @returns how many frames went into one datagram, at least the first, which fits; 0 when the key is used up */
  #pack(
    record: Uint8Array,
    at: number,
    left: number,
    prefix: Uint8Array,
    room: number,
    target: CutTarget,
  ): number {
    const { outbox } = target
    outbox.reserve(target.datagramBytes)
    const { bytes } = outbox
    const start = outbox.end + DATAGRAM_HEAD_BYTES
    const long = prefix.length === LONG_PREFIX_BYTES ? LONG_BIT : 0
    bytes.set(prefix, start)
    let to = start + prefix.length
    const end = start + room
    const count = this.#countPacked(record, at, left, end - to)
    let from = at
    for (let i = 0; i < count; i++) {
      const length = readFrameLength(record, from)
      readFrameHint(record, from, this.#hint)
      const form = this.#form()
      if (count === 1) bytes[start] = KIND.frame | long | (form << FORM_SHIFT)
      else {
        writeU16(bytes, to, (form << 14) | length)
        to += PACKED_HEAD_BYTES
      }
      to = writeHint(bytes, to, form, record, from)
      from += FRAME_HEADER_BYTES
      bytes.set(record.subarray(from, from + length), to)
      to += length
      from += length
    }
    if (count > 1) bytes[start] = KIND.frames | long
    return this.#seal(to - start, target) ? count : 0
  }

  /** How many frames from `at` on fit together; malformed ones end it. */
  #countPacked(record: Uint8Array, at: number, left: number, room: number): number {
    let count = 0
    let used = 0
    let from = at
    while (count < left && record.length - from >= FRAME_HEADER_BYTES) {
      const length = readFrameLength(record, from)
      if (length === 0 || length > PACKED_LENGTH_MASK || length > record.length - from - FRAME_HEADER_BYTES)
        break
      readFrameHint(record, from, this.#hint)
      used += PACKED_HEAD_BYTES + FORM_BYTES[this.#form()]! + length
      if (used > room) break
      count++
      from += FRAME_HEADER_BYTES + length
    }
    return Math.max(1, count)
  }

  /** The plaintext of `length` bytes lies where the next datagram's belongs. @returns false when the key is used up */
  #seal(length: number, { outbox, sealer, to }: CutTarget, joinable = true): boolean {
    this.#offset[0] = outbox.end
    this.#length[0] = length
    if (!sealer.sealBatch(outbox.bytes, this.#offset, this.#length, 1)) return false
    const bytes = length + DATAGRAM_OVERHEAD_BYTES
    outbox.commit(to, bytes, bytes, joinable)
    return true
  }

  // --- super-frames and fragments ------------------------------------------------------------------------------

  #sendLarge(
    record: Uint8Array,
    at: number,
    length: number,
    form: number,
    prefix: Uint8Array,
    target: CutTarget,
  ): CutVerdict {
    const start = at + FRAME_HEADER_BYTES
    const { gsoType, csumStart } = this.#hint
    // A hint that lies is for the receiver's switch to find.
    const isSuperFrame =
      gsoType !== GSO_NONE && checkOffload(record, start, length, this.#hint, MAX_FRAME_BYTES) === 'ok'
    if (!isSuperFrame || csumStart > 255) return this.#sendFragments(record, at, length, form, prefix, target)
    const isUdp = gsoType === GSO_UDP_L4
    const headBytes = csumStart + (isUdp ? UDP_HEADER_BYTES : tcpHeaderBytes(record, start + csumStart))
    const overhead = DATAGRAM_OVERHEAD_BYTES + prefix.length + SLICE_TAIL_BYTES + headBytes
    const sliceBytes = this.#sliceBytes(target.datagramBytes - overhead, isUdp)
    if (sliceBytes === 0 || headBytes > MAX_SLICE_HEAD_BYTES)
      return this.#sendFragments(record, at, length, form, prefix, target)
    const slicePrefix = this.#writeSlicePrefix(prefix, sliceBytes)
    const { outbox } = target
    outbox.reserve(MOST_SLICES_BYTES)
    const written = target.sealer.sealSlices(
      record,
      start,
      length,
      headBytes,
      sliceBytes,
      slicePrefix,
      outbox.bytes,
      outbox.end,
    )
    if (written === 0) return 'key-used-up'
    const size = DATAGRAM_OVERHEAD_BYTES + slicePrefix.length + headBytes + sliceBytes
    outbox.commit(target.to, written, size)
    return 'ok'
  }

  /** Payload of each slice: whole segments. 0 where one does not fit, which for TCP are made smaller. */
  #sliceBytes(most: number, isUdp: boolean): number {
    const { gsoSize } = this.#hint
    const segments = Math.floor((most - SLICE_SIZE_BYTES) / gsoSize)
    if (segments > 1) return segments * gsoSize
    if (gsoSize <= most) return gsoSize < FRAME_SEQUENCE_BYTES ? 0 : gsoSize
    return isUdp || most < FRAME_SEQUENCE_BYTES ? 0 : most
  }

  #writeSlicePrefix(prefix: Uint8Array, sliceBytes: number): Uint8Array {
    const { gsoType, gsoSize, csumStart } = this.#hint
    const isSized = sliceBytes > gsoSize
    const type = gsoType & ~GSO_ECN
    const sliceType =
      type === GSO_UDP_L4 ? SLICE_TYPE.udp : type === GSO_TCPV4 ? SLICE_TYPE.tcp4 : SLICE_TYPE.tcp6
    const out = this.#slicePrefix
    out.set(prefix)
    out[0] =
      (isSized ? KIND.sizedSlice : KIND.slice) |
      (prefix.length === LONG_PREFIX_BYTES ? LONG_BIT : 0) |
      (sliceType << SLICE_TYPE_SHIFT) |
      ((gsoType & GSO_ECN) !== 0 ? SLICE_ECN_BIT : 0)
    let to = prefix.length
    writeU16(out, to, 0)
    out[to + 2] = csumStart
    to += SLICE_TAIL_BYTES
    if (isSized) {
      writeU16(out, to, gsoSize)
      to += SLICE_SIZE_BYTES
    }
    const view = this.#slicePrefixes[to] ?? out.subarray(0, to)
    this.#slicePrefixes[to] = view
    return view
  }

  /** A plaintext of one frame, in pieces of equal size: with consecutive counters, by which the receiver knows them. */
  #sendFragments(
    record: Uint8Array,
    at: number,
    length: number,
    form: number,
    prefix: Uint8Array,
    target: CutTarget,
  ): CutVerdict {
    const total = prefix.length + FORM_BYTES[form]! + length
    if (this.#whole.length < total) this.#whole = new Uint8Array(total * 2)
    const whole = this.#whole
    whole.set(prefix)
    whole[0] = KIND.frame | (prefix.length === LONG_PREFIX_BYTES ? LONG_BIT : 0) | (form << FORM_SHIFT)
    const frameAt = writeHint(whole, prefix.length, form, record, at)
    whole.set(record.subarray(at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + length), frameAt)
    const most = target.datagramBytes - DATAGRAM_OVERHEAD_BYTES - FRAGMENT_HEAD_BYTES
    const count = Math.ceil(total / most)
    if (count > MAX_FRAGMENTS) return 'malformed'
    const size = Math.ceil(total / count)
    for (let i = 0; i < count; i++) {
      target.outbox.reserve(target.datagramBytes)
      const { bytes, end } = target.outbox
      const to = end + DATAGRAM_HEAD_BYTES
      const part = whole.subarray(i * size, Math.min(total, (i + 1) * size))
      bytes[to] = KIND.fragment
      bytes[to + 1] = i
      bytes[to + 2] = count
      bytes.set(part, to + FRAGMENT_HEAD_BYTES)
      if (!this.#seal(FRAGMENT_HEAD_BYTES + part.length, target)) return 'key-used-up'
    }
    return 'ok'
  }

  // --- what is no record -----------------------------------------------------------------------------------------

  /** @param padTo size of the datagram; 0: no larger than it has to be. @returns false when the key is used up */
  message(payload: Uint8Array, target: CutTarget, padTo: number): boolean {
    const length = Math.max(MESSAGE_HEAD_BYTES + payload.length, padTo - DATAGRAM_OVERHEAD_BYTES)
    target.outbox.reserve(length + DATAGRAM_OVERHEAD_BYTES)
    const { bytes, end } = target.outbox
    const to = end + DATAGRAM_HEAD_BYTES
    bytes[to] = KIND.message
    writeU16(bytes, to + 1, payload.length)
    bytes.set(payload, to + MESSAGE_HEAD_BYTES)
    bytes.fill(0, to + MESSAGE_HEAD_BYTES + payload.length, to + length)
    return this.#seal(length, target, false)
  }

  /** Tells the peer which contexts are known, or are not. @param flag bits of the first byte beside the kind */
  contextIds(ids: readonly number[], flag: number, target: CutTarget): boolean {
    const length = 1 + 2 * ids.length
    target.outbox.reserve(length + DATAGRAM_OVERHEAD_BYTES)
    const { bytes, end } = target.outbox
    const to = end + DATAGRAM_HEAD_BYTES
    bytes[to] = KIND.contexts | flag
    for (let i = 0; i < ids.length; i++) writeU16(bytes, to + 1 + 2 * i, ids[i]!)
    return this.#seal(length, target)
  }
}

/** Writes the hints of the record frame at `from` in that form. @returns the offset behind them */
function writeHint(bytes: Uint8Array, to: number, form: number, record: Uint8Array, from: number): number {
  if (form === FORM.checksum) {
    bytes[to] = record[from + 9]!
    bytes[to + 1] = record[from + 11]!
  } else if (form === FORM.full) {
    for (let i = 0; i < 8; i++) bytes[to + i] = record[from + 4 + i]!
  }
  return to + FORM_BYTES[form]!
}

function sequenceOf(record: Uint8Array): number {
  const at = RECORD_FIELD.sequence
  return readU32(record, at) * 0x1_0000_0000 + readU32(record, at + 4)
}
