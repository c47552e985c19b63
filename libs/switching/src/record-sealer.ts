import type { DecodedRecord, FrameSealer } from '@wakunet/record'

/**
 * What became of a sealed record for this node:
 * - `ok`: it is open, in place
 * - `no-key`: its ingress node has announced no key for that start of its switch, or none that fits this node's ciphers
 * - `forged`: not sealed by that node for this one, or changed on the way
 * - `seen`, `old`: a duplicate, or too far behind to know (`SequenceWindow`)
 */
export type OpenVerdict = 'ok' | 'no-key' | 'forged' | 'seen' | 'old'

/**
 * Pairwise sealing of records between members without a trunk to each other (`docs/protocols/sealing.md`). Whoever makes one
 * has the keys; nothing here does cryptography.
 */
export interface RecordSealer {
  /** Seals for the member whose node id is at `offset`; null while there is no key for it. */
  sealerFor(bytes: Uint8Array, offset: number): FrameSealer | null
  /** Opens a sealed record for this node in place, and marks its sequence as seen only then. */
  open(record: DecodedRecord): OpenVerdict
}
