import { ID_BYTES } from '@wakunet/interface'
import { idKey, isZeroId } from './ids.ts'
import { readU32, writeU32 } from './integers.ts'

/** Version of the layout in `docs/protocols/record.md`. */
export const RECORD_VERSION = 1
export const RECORD_HEADER_BYTES = 72
/** Largest record, header and frames: a super-frame and as much again beside it. */
export const MAX_RECORD_BYTES = 131_072
/** Most frames of one record; the count is one byte. */
export const MAX_RECORD_FRAMES = 255
/** Most trunks that a record may cross; the ingress node starts here. */
export const MAX_HOP_LIMIT = 64
/** A frame has a sequence for every so many bytes that it has begun, so that each of the pieces it may be cut into has its own. */
export const FRAME_SEQUENCE_BYTES = 512
/** Flag: the record goes to the VLAN's tree and has a zero egress id. */
export const RECORD_FLAG_TREE = 1
/** Flag: the record carries control messages between switches; nothing of it reaches a TAP. */
export const RECORD_FLAG_CONTROL = 2
/** Flag: the frames are sealed for the egress node (`docs/protocols/sealing.md`). Excludes the other two. */
export const RECORD_FLAG_SEALED = 4
/** What sealing adds behind the frames: the authentication tag. */
export const SEAL_TAG_BYTES = 16

const KNOWN_FLAGS = RECORD_FLAG_TREE | RECORD_FLAG_CONTROL | RECORD_FLAG_SEALED

/** Where the fields of the header are, in bytes from its start. */
export const RECORD_FIELD = {
  version: 0,
  flags: 1,
  hopLimit: 2,
  frameCount: 3,
  epoch: 4,
  sequence: 8,
  bootNonce: 16,
  vlanId: 24,
  ingress: 40,
  egress: 56,
} as const

export const BOOT_NONCE_BYTES = 8

/** Sequences of a frame, or of a control message, of `length` bytes; the next one's begin behind them. */
export function frameSequences(length: number): number {
  return 1 + Math.floor(length / FRAME_SEQUENCE_BYTES)
}

/** What the ingress node says in the header of a record. Ids have 16 bytes, the nonce 8. */
export interface RecordHeader {
  readonly hopLimit: number
  readonly frameCount: number
  readonly epoch: number
  /** 1 to `Number.MAX_SAFE_INTEGER`. */
  readonly sequence: number
  readonly bootNonce: Uint8Array
  readonly vlanId: Uint8Array
  readonly ingress: Uint8Array
  /** Null sends the record to the tree. */
  readonly egress: Uint8Array | null
  /** Control messages instead of Ethernet frames. Default false. */
  readonly control?: boolean
  /** The frames behind it are sealed. Default false. */
  readonly sealed?: boolean
}

/**
 * Writes a header at `offset`; `RECORD_HEADER_BYTES` bytes must be there.
 * The caller owns the values: they are not checked, as they never come from another host.
 */
export function encodeRecordHeader(bytes: Uint8Array, offset: number, header: RecordHeader): void {
  bytes[offset] = RECORD_VERSION
  const tree = header.egress === null ? RECORD_FLAG_TREE : 0
  const control = header.control === true ? RECORD_FLAG_CONTROL : 0
  const sealed = header.sealed === true ? RECORD_FLAG_SEALED : 0
  bytes[offset + RECORD_FIELD.flags] = tree | control | sealed
  bytes[offset + RECORD_FIELD.hopLimit] = header.hopLimit
  bytes[offset + RECORD_FIELD.frameCount] = header.frameCount
  writeU32(bytes, offset + RECORD_FIELD.epoch, header.epoch)
  writeSequence(bytes, offset, header.sequence)
  bytes.set(header.bootNonce, offset + RECORD_FIELD.bootNonce)
  bytes.set(header.vlanId, offset + RECORD_FIELD.vlanId)
  bytes.set(header.ingress, offset + RECORD_FIELD.ingress)
  if (header.egress === null)
    bytes.fill(0, offset + RECORD_FIELD.egress, offset + RECORD_FIELD.egress + ID_BYTES)
  else bytes.set(header.egress, offset + RECORD_FIELD.egress)
}

function writeSequence(bytes: Uint8Array, offset: number, sequence: number): void {
  writeU32(bytes, offset + RECORD_FIELD.sequence, Math.floor(sequence / 0x1_0000_0000))
  writeU32(bytes, offset + RECORD_FIELD.sequence + 4, sequence % 0x1_0000_0000)
}

/** Whether the frames of a record can be read by its egress node alone, so that it goes as it is. False for what is no record. */
export function isSealedRecord(record: Uint8Array): boolean {
  return record.length >= RECORD_HEADER_BYTES && (record[RECORD_FIELD.flags]! & RECORD_FLAG_SEALED) !== 0
}

/** The fields of a header as plain numbers; the ids stay where they are, in `bytes`. Reused by its owner. */
export interface DecodedHeader {
  bytes: Uint8Array
  /** Where the record starts in `bytes`. */
  offset: number
  tree: boolean
  /** The frames are control messages. */
  control: boolean
  /** The frames can be read by the egress node alone. */
  sealed: boolean
  hopLimit: number
  frameCount: number
  epoch: number
  sequence: number
  /** Upper and lower half of the ingress boot nonce. */
  bootNonceHigh: number
  bootNonceLow: number
  /** `idKey` of the ids; confirm a hit with `idEquals(bytes, offset + RECORD_FIELD.…, id)`. */
  vlanKey: number
  ingressKey: number
  egressKey: number
}

/** Why a header is refused. */
export const RECORD_HEADER_FAULTS = [
  'truncated',
  'too-large',
  'version',
  'flags',
  'hop-limit',
  'frame-count',
  'sequence',
  'tree-egress',
] as const
export type RecordHeaderFault = (typeof RECORD_HEADER_FAULTS)[number]

/**
 * Reads and checks the header of the record that fills `bytes` from `offset` to `end`. Enough for who only
 * passes records on; `decodeRecord` walks the frames too.
 */
export function decodeRecordHeader(
  bytes: Uint8Array,
  out: DecodedHeader,
  offset = 0,
  end = bytes.length,
): 'ok' | RecordHeaderFault {
  if (end - offset < RECORD_HEADER_BYTES) return 'truncated'
  if (end - offset > MAX_RECORD_BYTES) return 'too-large'
  if (bytes[offset] !== RECORD_VERSION) return 'version'
  const flags = bytes[offset + RECORD_FIELD.flags]!
  if ((flags & ~KNOWN_FLAGS) !== 0) return 'flags'
  const sealed = (flags & RECORD_FLAG_SEALED) !== 0
  if (sealed && flags !== RECORD_FLAG_SEALED) return 'flags'
  const hopLimit = bytes[offset + RECORD_FIELD.hopLimit]!
  if (hopLimit === 0 || hopLimit > MAX_HOP_LIMIT) return 'hop-limit'
  const frameCount = bytes[offset + RECORD_FIELD.frameCount]!
  if (frameCount === 0) return 'frame-count'
  const sequenceHigh = readU32(bytes, offset + RECORD_FIELD.sequence)
  const sequence = sequenceHigh * 0x1_0000_0000 + readU32(bytes, offset + RECORD_FIELD.sequence + 4)
  if (sequence === 0 || sequenceHigh >= 0x20_0000) return 'sequence'
  const tree = (flags & RECORD_FLAG_TREE) !== 0
  if (tree !== isZeroId(bytes, offset + RECORD_FIELD.egress)) return 'tree-egress'

  out.bytes = bytes
  out.offset = offset
  out.tree = tree
  out.control = (flags & RECORD_FLAG_CONTROL) !== 0
  out.sealed = sealed
  out.hopLimit = hopLimit
  out.frameCount = frameCount
  out.epoch = readU32(bytes, offset + RECORD_FIELD.epoch)
  out.sequence = sequence
  out.bootNonceHigh = readU32(bytes, offset + RECORD_FIELD.bootNonce)
  out.bootNonceLow = readU32(bytes, offset + RECORD_FIELD.bootNonce + 4)
  out.vlanKey = idKey(bytes, offset + RECORD_FIELD.vlanId)
  out.ingressKey = idKey(bytes, offset + RECORD_FIELD.ingress)
  out.egressKey = idKey(bytes, offset + RECORD_FIELD.egress)
  return 'ok'
}
