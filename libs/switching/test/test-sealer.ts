import {
  type DecodedRecord,
  type FrameSealer,
  idEquals,
  RECORD_FIELD,
  SEAL_TAG_BYTES,
  writeU32,
} from '@wakunet/record'
import { type OpenVerdict, type RecordSealer, SequenceWindow } from '../src/index.ts'

const MASK = 0xa5

/** Seals with a mask that everybody knows and a checksum: shows what the fabric does, not what cryptography does. */
export class TestSealer implements RecordSealer {
  /** Nodes without a key, by the first byte of their ids. */
  readonly unknown = new Set<number>()
  readonly #self: Uint8Array
  readonly #window = new SequenceWindow()

  constructor(self: Uint8Array) {
    this.#self = self
  }

  sealerFor(bytes: Uint8Array, offset: number): FrameSealer | null {
    return this.unknown.has(bytes[offset + 1]!) ? null : { seal: sealMasked }
  }

  open({ bytes, offset, end, sequence }: DecodedRecord): OpenVerdict {
    if (this.unknown.has(bytes[offset + RECORD_FIELD.ingress + 1]!)) return 'no-key'
    if (!idEquals(bytes, offset + RECORD_FIELD.egress, this.#self)) return 'forged'
    const at = offset + 72
    const sum = sumOf(sequence, bytes, at, end - SEAL_TAG_BYTES)
    const tag = tagOf(sequence, sum)
    for (let i = 0; i < SEAL_TAG_BYTES; i++) if (bytes[end - SEAL_TAG_BYTES + i] !== tag[i]) return 'forged'
    for (let i = at; i < end - SEAL_TAG_BYTES; i++) bytes[i]! ^= MASK
    const verdict = this.#window.accept(sequence)
    return verdict === 'new' ? 'ok' : verdict
  }
}

function sealMasked(
  _header: Uint8Array,
  sequence: number,
  frames: readonly Uint8Array[],
  out: Uint8Array,
  offset: number,
): void {
  let at = offset
  for (const part of frames) for (const byte of part) out[at++] = byte ^ MASK
  const sum = sumOf(sequence, out, offset, at)
  out.set(tagOf(sequence, sum), at)
}

/** Another for every sequence, as those of ciphers are. */
function tagOf(sequence: number, sum: number): Uint8Array {
  const tag = new Uint8Array(SEAL_TAG_BYTES).fill(sum)
  writeU32(tag, 0, sequence)
  return tag
}

function sumOf(sequence: number, bytes: Uint8Array, from: number, to: number): number {
  let sum = sequence % 251
  for (let i = from; i < to; i++) sum = (sum * 31 + bytes[i]!) & 0xff
  return sum
}
