import { type DecodedRecord, type FrameSealer, readU32, SEAL_TAG_BYTES, writeU32 } from '@wakunet/record'
import { type OpenVerdict, type RecordSealer, SequenceWindow } from '@wakunet/switching'

const HEADER_WORDS_FROM = 16
const HEADER_BYTES = 72
const BASIS = 0x811c_9dc5
const PRIME = 0x0100_0193

/**
 * Stands for the pairwise sealing of records and costs next to nothing: frames stay as they are, and the tag is a hash of the
 * header's ids and of the sequence. Nobody lies here; real seals are in the tests of vlan-switch.
 */
export class SimSealer implements RecordSealer, FrameSealer {
  /** One window for each ingress node and start, as real pairs have. */
  readonly #windows = new Map<string, SequenceWindow>()

  sealerFor(): FrameSealer {
    return this
  }

  seal(
    header: Uint8Array,
    sequence: number,
    frames: readonly Uint8Array[],
    out: Uint8Array,
    offset: number,
  ): void {
    let at = offset
    for (const part of frames) {
      out.set(part, at)
      at += part.length
    }
    out.fill(0, at, at + SEAL_TAG_BYTES)
    writeU32(out, at, tagOf(header, 0, sequence))
    writeU32(out, at + 4, sequence)
  }

  open({ bytes, offset, end, sequence }: DecodedRecord): OpenVerdict {
    if (readU32(bytes, end - SEAL_TAG_BYTES) !== tagOf(bytes, offset, sequence)) return 'forged'
    const ingress = String.fromCharCode(
      ...bytes.subarray(offset + 16, offset + 24),
      ...bytes.subarray(offset + 40, offset + 56),
    )
    let window = this.#windows.get(ingress)
    if (window === undefined) {
      window = new SequenceWindow()
      this.#windows.set(ingress, window)
    }
    const verdict = window.accept(sequence)
    return verdict === 'new' ? 'ok' : verdict
  }
}

/** Over boot nonce, VLAN and the two nodes. */
function tagOf(bytes: Uint8Array, offset: number, sequence: number): number {
  let hash = BASIS ^ (sequence >>> 0)
  for (let at = offset + HEADER_WORDS_FROM; at < offset + HEADER_BYTES; at++)
    hash = Math.imul(hash ^ bytes[at]!, PRIME)
  return hash >>> 0
}
