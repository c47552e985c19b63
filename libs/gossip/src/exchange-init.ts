import type { GossipDocument, HeldDocument } from './held-document.ts'

/** Someone with a trunk, or a member: known by its node id. */
export interface GossipPeer {
  /** 16 bytes. */
  readonly id: Uint8Array
}

/** The members of a VLAN, without this node. */
export interface GossipMembers<P extends GossipPeer> {
  /** Another list whenever members have come or gone; who stays keeps its place before those who come. */
  readonly all: readonly P[]
  /** The member whose id is at `offset`, or null. */
  find(bytes: Uint8Array, offset: number): P | null
}

/** Why messages are dropped; closed, so that it labels a counter. */
export const GOSSIP_DROPS = [
  'malformed',
  'unknown-member',
  'rate',
  'sync-rate',
  'sequence-ahead',
  'refused',
  'full',
] as const
export type GossipDrop = (typeof GOSSIP_DROPS)[number]

export interface OriginExchangeInit<P extends GossipPeer, D extends GossipDocument> {
  /** Type of the control messages, their first byte. */
  readonly type: number
  /** This node's id, 16 bytes. */
  readonly nodeId: Uint8Array
  /** Higher than any this node has used before: the Unix time in milliseconds. */
  readonly firstSequence: number
  /**
   * Reads the document that fills `length` bytes from `offset`, which may change afterwards; total, bounded, null for what
   * nobody may say. The simulator answers with one object for equal bytes.
   */
  readonly read: (bytes: Uint8Array, offset: number, length: number) => HeldDocument<D> | null
  /**
   * Makes this node's document of now with a sequence. `done` comes once, at once or later; null is a failure, and the
   * document is asked for again after a second.
   */
  readonly encode: (sequence: number, done: (bytes: Uint8Array | null) => void) => void
  /**
   * Whether a newer document may take the place of the last one: signatures belong here. The neighbour that passes on
   * what is refused answers for it. Default: always.
   */
  readonly accept?: (held: HeldDocument<D>, before: D | null) => boolean
  /**
   * Whether documents prove who wrote them. Then what others say about this node's own sequence is not believed before the
   * document is seen. Default false.
   */
  readonly isSigned?: boolean
  /** Sends a control message over one trunk, hop limit 1. The bytes must not be changed. */
  readonly send: (to: P, message: Uint8Array) => void
  /** A member's document is there, in place of what it said before. */
  readonly onDocument: (member: P, document: D, before: D | null) => void
  /** Unix milliseconds; without it sequences are not bounded, and own ones are counted up by one. */
  readonly wallMs?: () => number
  readonly limits?: Partial<ExchangeLimits>
}

export interface ExchangeLimits {
  /** Changes are gathered for so long before they are said. */
  readonly delayMs: number
  /** Own documents: so many at once, and so many a second after that. Twice as many are taken from one origin. */
  readonly burst: number
  readonly perSecond: number
  /** Digests go to the neighbours of the tree this often. */
  readonly digestMs: number
  /** After a digest that did not match so soon, and then after twice as long each time; never by default. */
  readonly digestAgainMs: number
  /** Messages that one neighbour gets for a digest, summary or request: at once, and a second after that. */
  readonly syncBurst: number
  readonly syncPerSecond: number
  /** Bytes of the documents of others. What does not fit is dropped, and asked for again when digests are compared. */
  readonly maxBytes: number
}

export const DEFAULT_EXCHANGE_LIMITS: ExchangeLimits = {
  delayMs: 50,
  burst: 4,
  perSecond: 1,
  digestMs: 15_000,
  digestAgainMs: Number.POSITIVE_INFINITY,
  syncBurst: 256,
  syncPerSecond: 64,
  maxBytes: 33_554_432,
}

/** Clocks may differ by so much; a sequence further ahead would lock its origin out for as long. */
export const MAX_SEQUENCE_AHEAD_MS: number = 24 * 3_600_000
