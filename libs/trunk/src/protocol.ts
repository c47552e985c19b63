import { MAX_RECORD_BYTES } from '@wakunet/record'

/** Numbers of `docs/protocols/trunk.md`. */

export const TRUNK_PROTOCOL = '/wakunet/trunk/1'
export const FRAMES_PROTOCOL = '/wakunet/frames/1'

export const TRUNK_VERSIONS: readonly number[] = [1]

export const LENGTH_PREFIX_BYTES = 4
export const MAX_CONTROL_BYTES = 65_536

/** One super-frame with its headers must fit a record: 72 + 12 + 65,557, rounded up. */
export const MIN_RECORD_LIMIT_BYTES = 65_712
export const MAX_RECORD_LIMIT_BYTES = MAX_RECORD_BYTES

export const MAX_ANNOUNCED_VLANS = 256
export const MAX_VLAN_RECORD_BYTES = 32_768
export const MAX_PENDING_RECORD_REQUESTS = 16

export const HELLO_TIMEOUT_MS = 5_000
export const DEFAULT_HEARTBEAT_MS = 1_000
export const MIN_HEARTBEAT_MS = 100
export const MAX_HEARTBEAT_MS = 30_000
/** Intervals without a byte after which a peer counts as gone. */
export const HEARTBEATS_MISSED = 3.5

/** How often a trunk that matters is probed while nothing comes from the peer. */
export const DEFAULT_QUICK_HEARTBEAT_MS = 150
export const MIN_QUICK_HEARTBEAT_MS = 50
export const MAX_QUICK_HEARTBEAT_MS = 1_000

/** Control messages a peer may send: a bucket and its refill. */
export const CONTROL_BURST = 256
export const CONTROL_PER_SECOND = 64

export const DEFAULT_QUEUE_BYTES = 2 * 1024 * 1024

/** Capability of a side that takes `vlan-peers-request`, `vlan-peers` and the close code `idle`. */
export const MESH_CAPABILITY = 'mesh'

/** Of a `vlan-peers` message. */
export const MAX_VLAN_PEERS = 16
export const MAX_PEER_ADDRESSES = 8
export const MAX_ADDRESS_CHARACTERS = 128

/** Capability of a side that takes `peers-request` and `peers`. */
export const EXCHANGE_CAPABILITY = 'exchange'

/** Of a `peers` message. */
export const MAX_EXCHANGED_PEERS = 16
export const MAX_PEER_RECORD_BYTES = 2_048
export const MAX_EXCHANGED_VLANS = 16

/** Capability of a side that takes the `datagram-*` messages and has a UDP port open. */
export const DATAGRAM_CAPABILITY = 'datagram'

/** Of a `datagram-candidates` message. */
export const MAX_CANDIDATES = 16
export const CANDIDATE_KINDS = ['host', 'reflexive', 'configured'] as const
export type CandidateKind = (typeof CANDIDATE_KINDS)[number]

/** Ciphers in one offer, also such as only later versions know. */
export const MAX_OFFERED_CIPHERS = 8

/** Capability of a side that takes `reach-request` and `reach-answer`. */
export const REACH_CAPABILITY = 'reach'

/** Of a `reach-request`. */
export const MAX_REACH_ADDRESSES = 4

/** Why a trunk is refused or closed; on the wire. */
export const CLOSE_CODES = [
  'version',
  'role',
  'limit',
  'duplicate',
  'replaced',
  'malformed',
  'flood',
  'timeout',
  'stopping',
  'idle',
] as const
export type CloseCode = (typeof CLOSE_CODES)[number]
