import { type FrameBatch, ID_BYTES } from '@wakunet/interface'
import { envelopeBytes, MAX_ENVELOPE_BYTES, MAX_ENVELOPE_NODES, writeEnvelope } from './envelope.ts'
import { RECORD_FRAME_HEADER_BYTES, writeFrameHeader } from './frame-header.ts'
import {
  encodeRecordHeader,
  frameSequences,
  MAX_HOP_LIMIT,
  MAX_RECORD_BYTES,
  MAX_RECORD_FRAMES,
  RECORD_FIELD,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  SEAL_TAG_BYTES,
} from './header.ts'

/** Free bytes that a batch needs before its first frame so that any envelope and header fit there. */
export const RECORD_HEADROOM_BYTES = RECORD_HEADER_BYTES + MAX_ENVELOPE_BYTES

export interface RecordWriterInit {
  /** 16 bytes. */
  readonly vlanId: Uint8Array
  /** 16 bytes: this node. */
  readonly ingress: Uint8Array
  /** 8 bytes, random at every start. */
  readonly bootNonce: Uint8Array
}

/** Control records up to this size share buffers, one after the other. */
const MAX_SHARED_BYTES = 2_048
const SLAB_BYTES = 16_384

const NO_HINT = { flags: 0, gsoType: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 }

/** Takes one lane message; the parts may be reused as soon as it returns. */
export type SendParts = (parts: readonly Uint8Array[]) => void

/** Seals records for one egress node. */
export interface FrameSealer {
  /**
   * @param header the record's header with hop limit 0, which goes with the frames unsealed and is authenticated with them
   * @param sequence of the record, never the same twice
   * @param frames frame headers and frames, in parts
   * @param out takes the sealed frames at `offset`: their bytes and `SEAL_TAG_BYTES`
   */
  seal(
    header: Uint8Array,
    sequence: number,
    frames: readonly Uint8Array[],
    out: Uint8Array,
    offset: number,
  ): void
}

/**
 * Builds the records of one VLAN out of batches, with the lane's envelope before them, and counts the
 * sequence up by what each frame may be cut into. It splits what is too much for one record.
 *
 * Frames must have record frame headers (`virtioToFrameHeader`) by the time they come here.
 */
export class RecordWriter {
  readonly #scratch = new Uint8Array(RECORD_HEADROOM_BYTES)
  readonly #parts: Uint8Array[] = []
  readonly #sealedHeader = new Uint8Array(RECORD_HEADER_BYTES)
  /** Envelope and sealed record; made when the first is. */
  #sealed: Uint8Array | null = null
  #slab = new Uint8Array(0)
  #slabUsed = 0
  readonly #header: { -readonly [K in keyof RecordHeader]: RecordHeader[K] }
  #nextSequence = 1

  constructor(init: RecordWriterInit) {
    this.#header = {
      hopLimit: MAX_HOP_LIMIT,
      frameCount: 0,
      epoch: 0,
      sequence: 0,
      bootNonce: init.bootNonce,
      vlanId: init.vlanId,
      ingress: init.ingress,
      egress: null,
      control: false,
      sealed: false,
    }
  }

  /** Sequence of the last record; 0 before the first. */
  get sequence(): number {
    return this.#header.sequence
  }

  /**
   * Sends frames `indexes[0]` to `indexes[count - 1]` of the batch (ascending) to `peers`.
   *
   * Head and frames leave as one view of the batch, without a copy, wherever the frames are contiguous: the head
   * goes over the bytes before them. So the groups of a batch must be written in the order of their first
   * frames; then whatever is before a group has been sent already. Whoever receives a message of one part may
   * write into it.
   * @param egress the node it is for, null for the tree
   * @returns how many records were made
   */
  write(
    batch: FrameBatch,
    indexes: Uint16Array,
    count: number,
    egress: Uint8Array | null,
    peers: readonly Uint8Array[],
    send: SendParts,
  ): number {
    let records = 0
    let from = 0
    while (from < count && peers.length > 0) {
      this.#header.sequence = this.#nextSequence
      const to = endOfRecord(batch, indexes, from, count, MAX_RECORD_BYTES)
      for (let i = from; i < to; i++) this.#nextSequence += frameSequences(batch.lengths[indexes[i]!]!)
      this.#header.frameCount = to - from
      this.#header.egress = egress
      if (!this.#sendInPlace(batch, indexes, from, to, peers, send))
        this.#sendGathered(batch, indexes, from, to, peers, send)
      from = to
      records++
    }
    return records
  }

  /**
   * The same for a member that no trunk leads to: nobody on the way can read the frames. Sealing takes the place of the copy:
   * each record leaves as one part of this writer's own.
   * @param peers the node at the end of the first trunk, alone
   */
  writeSealed(
    batch: FrameBatch,
    indexes: Uint16Array,
    count: number,
    egress: Uint8Array,
    peers: readonly Uint8Array[],
    sealer: FrameSealer,
    send: SendParts,
  ): number {
    let records = 0
    this.#sealed ??= new Uint8Array(envelopeBytes(1) + MAX_RECORD_BYTES)
    this.#header.egress = egress
    for (let from = 0; from < count; records++) {
      const to = endOfRecord(batch, indexes, from, count, MAX_RECORD_BYTES - SEAL_TAG_BYTES)
      this.#header.frameCount = to - from
      // Nobody on the way can cut it, so it takes one.
      this.#header.sequence = this.#nextSequence++
      const size = this.#seal(batch, indexes, from, to, peers, sealer, this.#sealed)
      this.#parts.length = 1
      this.#parts[0] = this.#sealed.subarray(0, size)
      send(this.#parts)
      from = to
    }
    return records
  }

  #seal(
    batch: FrameBatch,
    indexes: Uint16Array,
    from: number,
    to: number,
    peers: readonly Uint8Array[],
    sealer: FrameSealer,
    out: Uint8Array,
  ): number {
    const header = this.#header
    const at = writeEnvelope(out, 0, peers, 0, 1)
    header.sealed = true
    header.hopLimit = 0
    encodeRecordHeader(this.#sealedHeader, 0, header)
    header.sealed = false
    header.hopLimit = MAX_HOP_LIMIT
    out.set(this.#sealedHeader, at)
    out[at + RECORD_FIELD.hopLimit] = MAX_HOP_LIMIT
    const parts = this.#parts
    parts.length = 0
    this.#gather(batch, indexes, from, to)
    const frames = at + RECORD_HEADER_BYTES
    sealer.seal(this.#sealedHeader, header.sequence, parts, out, frames)
    let size = frames + SEAL_TAG_BYTES
    for (const part of parts) size += part.length
    return size
  }

  /**
   * Sends control messages (`docs/protocols/vlan-control.md`) to `peers`, as few records as they fit in. Control is
   * rare, so each lane message is put together in one part of its own; it may be kept, and written into.
   * @param egress the node they are for, null for the tree
   * @param hopLimit trunks they may cross: 1 for what is between neighbours
   * @returns how many records were made
   */
  writeControl(
    messages: readonly Uint8Array[],
    egress: Uint8Array | null,
    hopLimit: number,
    peers: readonly Uint8Array[],
    send: SendParts,
  ): number {
    let records = 0
    let from = 0
    while (from < messages.length && peers.length > 0) {
      const to = endOfControlRecord(messages, from)
      this.#header.control = true
      this.#header.hopLimit = hopLimit
      this.#header.frameCount = to - from
      this.#header.sequence = this.#nextSequence
      for (let i = from; i < to; i++) this.#nextSequence += frameSequences(messages[i]!.length)
      this.#header.egress = egress
      const size = controlBytes(messages, from, to)
      for (let peer = 0; peer < peers.length; peer += MAX_ENVELOPE_NODES) {
        const end = Math.min(peers.length, peer + MAX_ENVELOPE_NODES)
        const message = this.#take(envelopeBytes(end - peer) + RECORD_HEADER_BYTES + size)
        const at = this.#writeHead(message, 0, peers, peer, end)
        writeControlFrames(message, at, messages, from, to)
        send([message])
      }
      from = to
      records++
    }
    this.#header.control = false
    this.#header.hopLimit = MAX_HOP_LIMIT
    return records
  }

  /** Bytes that nobody else has: a buffer of its own costs far more than what most control records say. */
  #take(length: number): Uint8Array {
    if (length > MAX_SHARED_BYTES) return new Uint8Array(length)
    if (this.#slabUsed + length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES)
      this.#slabUsed = 0
    }
    const from = this.#slabUsed
    this.#slabUsed += length
    return this.#slab.subarray(from, this.#slabUsed)
  }

  /** @returns false where the head would not fit, or would overwrite frames that are still to be sent */
  #sendInPlace(
    batch: FrameBatch,
    indexes: Uint16Array,
    from: number,
    to: number,
    peers: readonly Uint8Array[],
    send: SendParts,
  ): boolean {
    // A receiver may write into what it gets, so a record that goes out more than once is never in place.
    if (peers.length > MAX_ENVELOPE_NODES) return false
    // Frames of later groups lie between those of this one, before the second of its records.
    if (indexes[from]! - indexes[0]! !== from) return false
    const first = batch.offsets[indexes[from]!]!
    const head = envelopeBytes(peers.length) + RECORD_HEADER_BYTES
    if (first < head || !isContiguous(batch, indexes, from, to)) return false
    this.#writeHead(batch.bytes, first - head, peers, 0, peers.length)
    this.#parts.length = 1
    this.#parts[0] = batch.bytes.subarray(first - head, endOfFrame(batch, indexes[to - 1]!))
    send(this.#parts)
    return true
  }

  #sendGathered(
    batch: FrameBatch,
    indexes: Uint16Array,
    from: number,
    to: number,
    peers: readonly Uint8Array[],
    send: SendParts,
  ): void {
    const parts = this.#parts
    parts.length = 1
    this.#gather(batch, indexes, from, to)
    for (let peer = 0; peer < peers.length; peer += MAX_ENVELOPE_NODES) {
      const end = Math.min(peers.length, peer + MAX_ENVELOPE_NODES)
      const headBytes = this.#writeHead(this.#scratch, 0, peers, peer, end)
      parts[0] = this.#scratch.subarray(0, headBytes)
      send(parts)
    }
  }

  /** Appends the frames to `#parts`, those that lie behind each other as one. */
  #gather(batch: FrameBatch, indexes: Uint16Array, from: number, to: number): void {
    for (let i = from; i < to; ) {
      let next = i + 1
      while (next < to && batch.offsets[indexes[next]!] === endOfFrame(batch, indexes[next - 1]!)) next++
      this.#parts.push(
        batch.bytes.subarray(batch.offsets[indexes[i]!]!, endOfFrame(batch, indexes[next - 1]!)),
      )
      i = next
    }
  }

  /** Writes envelope and record header; returns the offset behind them. */
  #writeHead(
    bytes: Uint8Array,
    offset: number,
    peers: readonly Uint8Array[],
    from: number,
    to: number,
  ): number {
    const at = writeEnvelope(bytes, offset, peers, from, to)
    encodeRecordHeader(bytes, at, this.#header)
    return at + RECORD_FIELD.egress + ID_BYTES
  }
}

/** First index that no longer fits a record of at most `maxBytes` which starts with `from`. */
function endOfRecord(
  batch: FrameBatch,
  indexes: Uint16Array,
  from: number,
  count: number,
  maxBytes: number,
): number {
  let size = RECORD_HEADER_BYTES
  let to = from
  const most = Math.min(count, from + MAX_RECORD_FRAMES)
  while (to < most) {
    size += RECORD_FRAME_HEADER_BYTES + batch.lengths[indexes[to]!]!
    if (size > maxBytes && to > from) break
    to++
  }
  return to
}

function endOfFrame(batch: FrameBatch, index: number): number {
  return batch.offsets[index]! + RECORD_FRAME_HEADER_BYTES + batch.lengths[index]!
}

function isContiguous(batch: FrameBatch, indexes: Uint16Array, from: number, to: number): boolean {
  for (let i = from + 1; i < to; i++)
    if (batch.offsets[indexes[i]!] !== endOfFrame(batch, indexes[i - 1]!)) return false
  return true
}

function endOfControlRecord(messages: readonly Uint8Array[], from: number): number {
  let size = RECORD_HEADER_BYTES
  let to = from
  const most = Math.min(messages.length, from + MAX_RECORD_FRAMES)
  while (to < most) {
    size += RECORD_FRAME_HEADER_BYTES + messages[to]!.length
    if (size > MAX_RECORD_BYTES && to > from) break
    to++
  }
  return to
}

function controlBytes(messages: readonly Uint8Array[], from: number, to: number): number {
  let size = 0
  for (let i = from; i < to; i++) size += RECORD_FRAME_HEADER_BYTES + messages[i]!.length
  return size
}

function writeControlFrames(
  bytes: Uint8Array,
  offset: number,
  messages: readonly Uint8Array[],
  from: number,
  to: number,
): void {
  let at = offset
  for (let i = from; i < to; i++) {
    const message = messages[i]!
    writeFrameHeader(bytes, at, message.length, NO_HINT)
    bytes.set(message, at + RECORD_FRAME_HEADER_BYTES)
    at += RECORD_FRAME_HEADER_BYTES + message.length
  }
}
