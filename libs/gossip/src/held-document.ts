/** What every document has: after the header its sequence and its origin (`DOCUMENT_FIELD`). */
export interface GossipDocument {
  /** 16 bytes. */
  readonly origin: Uint8Array
  /** Of two documents of one origin the one with the higher sequence is newer. */
  readonly sequence: number
}

const HIGH_BASIS = 0x811c_9dc5
const LOW_BASIS = 0x050c_5d1f

/** A document, the message that it is, and what it adds to a digest. It never changes, so that nodes of a simulation share it. */
export class HeldDocument<D extends GossipDocument> {
  readonly document: D
  /** The whole message. */
  readonly bytes: Uint8Array
  /** Signed 32-bit integers. */
  readonly digestHigh: number
  readonly digestLow: number

  /** @param bytes are kept, and must not be changed */
  constructor(document: D, bytes: Uint8Array) {
    this.document = document
    this.bytes = bytes
    this.digestHigh = fnv1a(bytes, HIGH_BASIS)
    this.digestLow = fnv1a(bytes, LOW_BASIS)
  }
}

/** FNV-1a, 32 bits, from a chosen basis. */
function fnv1a(bytes: Uint8Array, basis: number): number {
  let hash = basis | 0
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x0100_0193)
  return hash
}
