import {
  DEFAULT_EXCHANGE_LIMITS,
  GOSSIP_DROPS,
  type GossipDigest,
  type GossipDrop,
  type GossipMembers,
  type GossipPeer,
  HeldDocument,
  OriginExchange,
} from '@wakunet/gossip'
import { compareAddresses } from '../address-map.ts'
import { CONTROL_MULTICAST_REPORT } from '../control/message.ts'
import {
  decodeMulticastReport,
  encodeMulticastReport,
  type MulticastReport,
  type ReportedGroup,
} from '../control/multicast-report.ts'

/** Someone with a trunk, or a member: known by its node id. */
export type MulticastPeer = GossipPeer

export interface ReportExchangeInit<P extends MulticastPeer> {
  /** This node's id, 16 bytes. */
  readonly nodeId: Uint8Array
  /** Higher than any this node has used before: the Unix time in milliseconds. */
  readonly firstSequence: number
  /** Unix milliseconds; without it the sequences of others are not bounded. */
  readonly wallMs?: (() => number) | undefined
  /** Sends a control message (type 3) over one trunk, hop limit 1. The bytes must not be changed. */
  readonly send: (to: P, message: Uint8Array) => void
  /** A member has reported: everything that it wants, in place of what it said before. */
  readonly onReport: (member: P, report: MulticastReport) => void
}

/** Why messages are dropped; closed, so that it labels a counter. */
export const MULTICAST_MESSAGE_DROPS: typeof GOSSIP_DROPS = GOSSIP_DROPS
export type MulticastMessageDrop = GossipDrop

/** Digests go to the neighbours of the tree this often. */
export const REPORT_DIGEST_MS: number = DEFAULT_EXCHANGE_LIMITS.digestMs

/**
 * What members tell each other about the groups that they want: type 3 of `docs/protocols/vlan-control.md`. A member that never
 * wanted anything sends nothing.
 */
export class ReportExchange<P extends MulticastPeer> {
  readonly #exchange: OriginExchange<P, MulticastReport>
  #own: MulticastReport

  constructor(init: ReportExchangeInit<P>, nowMs: number) {
    const { nodeId, firstSequence, send, onReport, wallMs } = init
    this.#own = { sequence: 1, origin: nodeId, router: false, groups: [] }
    this.#exchange = new OriginExchange<P, MulticastReport>(
      {
        type: CONTROL_MULTICAST_REPORT,
        nodeId,
        firstSequence,
        ...(wallMs === undefined ? {} : { wallMs }),
        read,
        encode: (sequence, done) => done(encodeMulticastReport({ ...this.#own, sequence })),
        send,
        onDocument: onReport,
      },
      nowMs,
    )
  }

  get drops(): Readonly<Record<MulticastMessageDrop, number>> {
    return this.#exchange.drops
  }

  /** Whose reports count: the members of the VLAN. @returns those who are gone, whose reports are forgotten */
  setMembers(members: GossipMembers<P>, nowMs: number): P[] {
    return this.#exchange.setMembers(members, nowMs).map(({ member }) => member)
  }

  /** The trunks that forward in the VLAN's tree. New ones get a digest at once, so that both ends become equal. */
  setNeighbours(peers: readonly P[], nowMs: number): void {
    this.#exchange.setNeighbours(peers, nowMs)
  }

  /** Reports that are known, this node's included. */
  get size(): number {
    return this.#exchange.size
  }

  get digest(): GossipDigest {
    return this.#exchange.digest
  }

  /** What this node wants now; said soon, if it is something else than before. */
  setOwn(router: boolean, groups: readonly ReportedGroup[], nowMs: number): void {
    const next = { ...this.#own, router, groups }
    if (compareAddresses(encodeMulticastReport(this.#own), encodeMulticastReport(next)) === 0) return
    this.#own = next
    this.#exchange.changed(nowMs)
  }

  /** A control message of type 3 that came from `from`. */
  receive(bytes: Uint8Array, offset: number, length: number, from: P, nowMs: number): void {
    this.#exchange.receive(bytes, offset, length, from, nowMs)
  }

  /** When `tick` has something to do. */
  dueMs(nowMs: number): number {
    return this.#exchange.dueMs(nowMs)
  }

  tick(nowMs: number): void {
    this.#exchange.tick(nowMs)
  }
}

function read(bytes: Uint8Array, offset: number, length: number): HeldDocument<MulticastReport> | null {
  const report = decodeMulticastReport(bytes, offset, length)
  return report === null ? null : new HeldDocument(report, bytes.slice(offset, offset + length))
}
