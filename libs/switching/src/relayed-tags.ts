import { type DecodedRecord, readU16, readU32, SEAL_TAG_BYTES } from '@wakunet/record'

const SLOTS = 4_096

/**
 * The last sealed records that were passed on, by their authentication tags, so that one that comes again while paths change goes
 * no further. Not by sequence: who passes records on cannot tell whose they are, and a member that lied about the sequences of
 * another would have that one's records dropped. Nobody can make a tag before the record is there.
 */
export class RelayedTags {
  /** 48 bits of a tag in each slot; made with the first record. */
  #tags: Float64Array | null = null

  /** Notes a sealed record; false where it was passed on lately. */
  note(record: DecodedRecord): boolean {
    const { bytes, end } = record
    const at = end - SEAL_TAG_BYTES
    this.#tags ??= new Float64Array(SLOTS)
    const tag = readU32(bytes, at) * 0x1_0000 + readU16(bytes, at + 4) + 1
    const slot = readU16(bytes, at + 6) % SLOTS
    if (this.#tags[slot] === tag) return false
    this.#tags[slot] = tag
    return true
  }
}
