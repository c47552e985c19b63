import { AEAD_NONCE_BYTES, type AeadAlgorithm, AeadContext } from '@wakunet/netio'
import { type DecodedRecord, type FrameSealer, RECORD_FIELD, RECORD_HEADER_BYTES } from '@wakunet/record'
import { type OpenVerdict, SequenceWindow } from '@wakunet/switching'
import type { DirectionKey } from './pair-keys.ts'

/** Keys of both directions. */
export interface PairKeys {
  readonly cipher: AeadAlgorithm
  readonly out: DirectionKey
  readonly in: DirectionKey
}

/** What this node and one start of one member's switch seal for each other. Allocates nothing for a record. */
export class SealedPair implements FrameSealer {
  readonly #out: AeadContext
  readonly #in: AeadContext
  readonly #outSalt: Uint8Array
  readonly #inSalt: Uint8Array
  readonly #window = new SequenceWindow()
  readonly #nonce = new Uint8Array(AEAD_NONCE_BYTES)
  readonly #header = new Uint8Array(RECORD_HEADER_BYTES)

  constructor({ cipher, out, in: incoming }: PairKeys) {
    this.#out = new AeadContext(cipher, out.key)
    this.#in = new AeadContext(cipher, incoming.key)
    this.#outSalt = out.salt
    this.#inSalt = incoming.salt
  }

  seal(
    header: Uint8Array,
    sequence: number,
    frames: readonly Uint8Array[],
    out: Uint8Array,
    offset: number,
  ): void {
    writeNonce(this.#nonce, this.#outSalt, sequence)
    this.#out.seal(this.#nonce, header, frames, out, offset)
  }

  /** Opens a record in place. The window moves for what is authentic, and for nothing else. */
  open({ bytes, offset, end, sequence }: DecodedRecord): OpenVerdict {
    const known = this.#window.look(sequence)
    if (known !== 'new') return known
    // The hop limit changes on the way, so it is no part of what is authenticated.
    const header = this.#header
    for (let i = 0; i < RECORD_HEADER_BYTES; i++) header[i] = bytes[offset + i]!
    header[RECORD_FIELD.hopLimit] = 0
    writeNonce(this.#nonce, this.#inSalt, sequence)
    const at = offset + RECORD_HEADER_BYTES
    if (this.#in.openOne(this.#nonce, header, bytes, at, end - at, bytes, at) < 0) return 'forged'
    this.#window.accept(sequence)
    return 'ok'
  }

  close(): void {
    this.#out.close()
    this.#in.close()
  }
}

/** The salt XOR the sequence as 64 bits in its last bytes: a nonce comes once, as a sequence does. */
function writeNonce(nonce: Uint8Array, salt: Uint8Array, sequence: number): void {
  nonce.set(salt)
  const high = Math.floor(sequence / 0x1_0000_0000)
  const low = sequence >>> 0
  for (let i = 0; i < 4; i++) {
    nonce[4 + i]! ^= high >>> (24 - 8 * i)
    nonce[8 + i]! ^= low >>> (24 - 8 * i)
  }
}
