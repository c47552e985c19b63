import type { VlanId } from '@wakunet/interface'

/** How a peer became known, the most trustworthy first. */
export const PEER_SOURCES = ['bootstrap', 'vlan', 'mdns', 'inbound', 'exchange', 'dht'] as const
export type PeerSource = (typeof PEER_SOURCES)[number]

export const MAX_ADDRESSES = 8
export const MAX_ADDRESS_CHARACTERS = 256
export const MAX_VLANS = 16
export const MAX_SIGNED_BYTES = 2_048

/** What is known of a peer. Times are Unix milliseconds, so that they outlive a restart. */
export interface KnownPeer {
  readonly peerId: string
  readonly source: PeerSource
  /** Configured: never makes room. */
  readonly pinned: boolean
  /** Multiaddrs to dial, the one that answered last first. */
  readonly addresses: readonly string[]
  /** What the peer has signed of its addresses, as it came, for others; null where nobody gave it. */
  readonly signed: Uint8Array | null
  /** Of what it has signed: a higher one replaces. */
  readonly sequence: number
  /** VLANs of this node that the peer is said to be in. */
  readonly vlans: readonly VlanId[]
  readonly firstHeardMs: number
  /** Last time it answered; null where it never did. */
  readonly answeredMs: number | null
  /** Last time it was tried, with success or without. */
  readonly triedMs: number | null
  /** Attempts without an answer since it last gave one. */
  readonly failures: number
  readonly rttMs: number | null
  /** How long it has had a trunk to this node, all in all. */
  readonly uptimeMs: number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MAX_FAILURES = 16
const FIRST_RETRY_MS = 30_000
const LAST_RETRY_MS = HOUR_MS

/** How well a peer is worth remembering, and dialling, from about -100 to 120. A peer cannot raise it by what it says. */
export function peerScore(peer: KnownPeer, nowMs: number): number {
  const ageMs = peer.answeredMs === null ? Number.POSITIVE_INFINITY : Math.max(0, nowMs - peer.answeredMs)
  const answered = peer.answeredMs === null ? 0 : 20 + 30 * 0.5 ** (ageMs / DAY_MS)
  const lasting = Math.min(20, 5 * Math.log2(1 + peer.uptimeMs / HOUR_MS))
  // Only who has answered can be a member: others are said to be.
  const shared = peer.vlans.length === 0 ? 0 : peer.answeredMs === null ? 3 : 30
  const near = peer.rttMs === null ? 0 : peer.rttMs < 20 ? 6 : peer.rttMs < 100 ? 3 : 0
  const trust =
    (PEER_SOURCES.length - PEER_SOURCES.indexOf(peer.source)) * 0.5 + (peer.signed === null ? 0 : 2)
  return answered + lasting + shared + near + trust - 6 * Math.min(peer.failures, MAX_FAILURES)
}

/** When a peer that did not answer may be tried again. */
export function retryAtMs({ triedMs, failures }: KnownPeer): number {
  if (triedMs === null || failures === 0) return 0
  return triedMs + Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1))
}

/** @returns at most `MAX_FAILURES` */
export const oneMoreFailure = (failures: number): number => Math.min(MAX_FAILURES, failures + 1)
