import { readU32 } from '@wakunet/record'
import { hexOf } from '../control/bytes.ts'
import { ADVERTISEMENT_FIELD, readSequence } from '../control/link-state-message.ts'
import { digestOf } from './digest.ts'

/** A valid advertisement and what is read of it again and again. It never changes, so that nodes of a simulation share it. */
export class Advertisement {
  readonly bytes: Uint8Array
  /** Node id of the origin, 16 bytes. */
  readonly id: Uint8Array
  /** 8 bytes. */
  readonly bootNonce: Uint8Array
  readonly bootNonceHigh: number
  readonly bootNonceLow: number
  readonly sequence: number
  /** See `digestOf`. */
  readonly digestHigh: number
  readonly digestLow: number
  #nodeId: string | null = null

  /** @param bytes are kept, and must not be changed */
  constructor(bytes: Uint8Array) {
    const digest = new Uint32Array(2)
    digestOf(bytes, digest)
    this.bytes = bytes
    this.id = bytes.subarray(ADVERTISEMENT_FIELD.origin, ADVERTISEMENT_FIELD.neighbours)
    this.bootNonce = bytes.subarray(ADVERTISEMENT_FIELD.bootNonce, ADVERTISEMENT_FIELD.origin)
    this.bootNonceHigh = readU32(bytes, ADVERTISEMENT_FIELD.bootNonce)
    this.bootNonceLow = readU32(bytes, ADVERTISEMENT_FIELD.bootNonce + 4)
    this.sequence = readSequence(bytes, ADVERTISEMENT_FIELD.sequence)
    this.digestHigh = digest[0]!
    this.digestLow = digest[1]!
  }

  /** The id in hexadecimal digits. */
  get nodeId(): string {
    this.#nodeId ??= hexOf(this.id)
    return this.#nodeId
  }
}
