import type { AeadAlgorithm } from './aead-context.ts'
import { type NativeDatagramOpener, type NativeDatagramSealer, native } from './native.ts'

/**
 * Keys of the datagram path (`docs/protocols/trunk.md`, "datagrams"): a datagram is a 32-bit index, a 64-bit counter, the
 * ciphertext and its tag. The nonce is the salt XOR the counter, and there is no additional data: with another index or
 * counter a datagram does not open.
 */
export interface DatagramKeyInit {
  readonly algorithm: AeadAlgorithm
  /** 16 bytes for aes-128-gcm, else 32. */
  readonly key: Uint8Array
  /** 12 bytes. */
  readonly salt: Uint8Array
  /** In front of every datagram, 32 bits. */
  readonly index: number
}

/** Index and counter in front of the ciphertext. */
export const DATAGRAM_HEAD_BYTES = 12
/** These and the tag. */
export const DATAGRAM_OVERHEAD_BYTES = 28
/** The longest frame header, up to the end of the TCP or UDP header, that slices can have. */
export const MAX_SLICE_HEAD_BYTES = 320

/** Seals datagrams with one key, each with the next counter. */
export class DatagramSealer {
  readonly #native: NativeDatagramSealer

  constructor(init: DatagramKeyInit) {
    this.#native = new (native().DatagramSealer)(init.algorithm, init.key, init.salt, init.index)
  }

  /** Datagrams sealed so far. At 2^32 the key is used up. */
  get counter(): number {
    return this.#native.counter()
  }

  /**
   * Makes datagrams in place: entry i begins at `offsets[i]`, and its plaintext of `lengths[i]` bytes is 12 bytes behind that.
   * @returns false when the key is used up
   * @throws RangeError for a place outside `bytes`
   */
  sealBatch(bytes: Uint8Array, offsets: Uint32Array, lengths: Uint32Array, count: number): boolean {
    return this.#native.sealBatch(bytes, offsets, lengths, count) === count
  }

  /**
   * Cuts a super-frame and seals each slice as a datagram: `prefix`, the frame's first `headBytes` bytes, and the next
   * `sliceBytes` of its payload. The sequence in the prefix counts on, and the payload's offset is filled in. Bytes of
   * `source` before the payload are written to for a moment, as many as prefix and header have.
   * @param frameOffset at least as many as the prefix has bytes
   * @returns bytes written to `output`; 0 when the key is used up
   */
  sealSlices(
    source: Uint8Array,
    frameOffset: number,
    frameLength: number,
    headBytes: number,
    sliceBytes: number,
    prefix: Uint8Array,
    output: Uint8Array,
    outOffset: number,
  ): number {
    return this.#native.sealSlices(
      source,
      frameOffset,
      frameLength,
      headBytes,
      sliceBytes,
      prefix,
      output,
      outOffset,
    )
  }

  /** Wipes the key. Idempotent; every other call throws afterwards. */
  close(): void {
    this.#native.close()
  }
}

/** Words of a unit in the table. */
export const UNIT_WORDS = 6
/** Of a unit: where it is in the output, its length, slices that were joined, payload bytes of the first of those (0: none), counter. */
export const UNIT_WORD = {
  at: 0,
  length: 1,
  slices: 2,
  sliceBytes: 3,
  counterHigh: 4,
  counterLow: 5,
} as const
/** Free bytes in front of every unit. */
export const UNIT_HEADROOM_BYTES = 128

/** What one `open` has done. */
export interface OpenOutcome {
  units: number
  /** Bytes of the input that are done with. */
  consumed: number
  authentic: number
  replayed: number
  notAuthentic: number
  malformed: number
}

/** Opens datagrams of one key; one that came before, or is 32,704 or more behind the newest, is a replay. */
export class DatagramOpener {
  readonly #native: NativeDatagramOpener
  readonly #result = new Float64Array(6)

  constructor(init: DatagramKeyInit) {
    this.#native = new (native().DatagramOpener)(init.algorithm, init.key, init.salt, init.index)
  }

  /**
   * Opens the datagrams of `segmentBytes` each, the last one shorter, that lie one after another at `offset`. Plaintexts go to
   * `output` as units, with `UNIT_HEADROOM_BYTES` free before each; slices of a super-frame that follow each other become one:
   * prefix and header of the first, the payload of all. It stops before a datagram of another index and where `output` or
   * `units` is full: the caller goes on with what is left.
   */
  open(
    input: Uint8Array,
    offset: number,
    length: number,
    segmentBytes: number,
    output: Uint8Array,
    units: Uint32Array,
    out: OpenOutcome,
  ): void {
    const result = this.#result
    out.units = this.#native.open(input, offset, length, segmentBytes, output, units, result)
    out.consumed = result[1]!
    out.authentic = result[2]!
    out.replayed = result[3]!
    out.notAuthentic = result[4]!
    out.malformed = result[5]!
  }

  /** Wipes the key. Idempotent; every other call throws afterwards. */
  close(): void {
    this.#native.close()
  }
}
