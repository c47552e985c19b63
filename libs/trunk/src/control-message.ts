import { decodeMessage, encodeMessage, type MessageFormat } from '@wakunet/cbor'
import { z } from 'zod'
import {
  CANDIDATE_KINDS,
  CLOSE_CODES,
  MAX_ADDRESS_CHARACTERS,
  MAX_ANNOUNCED_VLANS,
  MAX_CANDIDATES,
  MAX_CONTROL_BYTES,
  MAX_EXCHANGED_PEERS,
  MAX_EXCHANGED_VLANS,
  MAX_OFFERED_CIPHERS,
  MAX_PEER_ADDRESSES,
  MAX_PEER_RECORD_BYTES,
  MAX_REACH_ADDRESSES,
  MAX_VLAN_PEERS,
  MAX_VLAN_RECORD_BYTES,
} from './protocol.ts'

const anyBytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, { message: 'must be bytes' })
const upTo = (length: number) => anyBytes.refine((b) => b.length <= length, { message: 'is too large' })
const bytes = (length: number) =>
  anyBytes.refine((b) => b.length === length, { message: `must have ${length} bytes` })
const uint = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const text = (max: number) => z.string().max(max)

const helloSchema = z.strictObject({
  type: z.literal('hello'),
  versions: z.array(uint).min(1).max(8),
  agent: text(128),
  role: z.array(z.enum(['gateway', 'chain'])).max(2),
  bootNonce: bytes(8),
  capabilities: z.array(text(32)).max(32),
  maxRecordBytes: uint,
  maxVlans: uint,
  heartbeatMs: uint,
  wallMs: uint,
})

const membershipSchema = z.strictObject({
  vlan: bytes(16),
  bootNonce: bytes(8),
  mac: bytes(6),
  addresses: z.array(text(64)).max(16),
  addressAttempt: uint.max(65_535),
  hostname: text(64),
  recordSequence: uint,
})

const vlanPeerSchema = z.strictObject({
  peerId: text(64),
  addresses: z.array(text(MAX_ADDRESS_CHARACTERS)).max(MAX_PEER_ADDRESSES),
})

const exchangedPeerSchema = z.strictObject({
  record: upTo(MAX_PEER_RECORD_BYTES),
  vlans: z.array(bytes(16)).max(MAX_EXCHANGED_VLANS),
})

const uint32 = uint.max(0xffff_ffff)
const port = uint.min(1).max(65_535)

/** What an offer of keys and its answer have in common. */
const keyShare = { generation: uint32, index: uint32.min(1), publicKey: bytes(32), port }

const candidateSchema = z.strictObject({ host: text(45), port, kind: z.enum(CANDIDATE_KINDS) })

const closing = { code: z.enum(CLOSE_CODES), message: text(256) }

const controlMessageSchema = z.discriminatedUnion('type', [
  helloSchema,
  z.strictObject({ type: z.literal('refuse'), ...closing }),
  z.strictObject({
    type: z.literal('memberships'),
    sequence: uint,
    memberships: z.array(membershipSchema).max(MAX_ANNOUNCED_VLANS),
  }),
  z.strictObject({ type: z.literal('heartbeat'), sequence: uint }),
  z.strictObject({ type: z.literal('heartbeat-ack'), sequence: uint }),
  z.strictObject({ type: z.literal('record-request'), vlan: bytes(16) }),
  z.strictObject({
    type: z.literal('record'),
    vlan: bytes(16),
    record: upTo(MAX_VLAN_RECORD_BYTES).nullable(),
  }),
  z.strictObject({ type: z.literal('vlan-peers-request'), vlan: bytes(16) }),
  z.strictObject({
    type: z.literal('vlan-peers'),
    vlan: bytes(16),
    peers: z.array(vlanPeerSchema).max(MAX_VLAN_PEERS),
  }),
  z.strictObject({ type: z.literal('peers-request') }),
  z.strictObject({
    type: z.literal('peers'),
    peers: z.array(exchangedPeerSchema).max(MAX_EXCHANGED_PEERS),
  }),
  z.strictObject({
    type: z.literal('datagram-offer'),
    ...keyShare,
    ciphers: z.array(text(32)).min(1).max(MAX_OFFERED_CIPHERS),
  }),
  z.strictObject({ type: z.literal('datagram-answer'), ...keyShare, cipher: text(32) }),
  z.strictObject({ type: z.literal('datagram-confirm'), generation: uint32 }),
  z.strictObject({ type: z.literal('datagram-refuse'), generation: uint32, reason: z.literal('cipher') }),
  z.strictObject({
    type: z.literal('datagram-candidates'),
    sequence: uint,
    candidates: z.array(candidateSchema).max(MAX_CANDIDATES),
  }),
  z.strictObject({
    type: z.literal('reach-request'),
    sequence: uint,
    addresses: z.array(text(MAX_ADDRESS_CHARACTERS)).max(MAX_REACH_ADDRESSES),
  }),
  z.strictObject({
    type: z.literal('reach-answer'),
    sequence: uint,
    observed: text(MAX_ADDRESS_CHARACTERS),
    reached: z.array(z.boolean()).max(MAX_REACH_ADDRESSES),
  }),
  z.strictObject({ type: z.literal('close'), ...closing }),
])

export type ControlMessage = z.infer<typeof controlMessageSchema>
export type Hello = z.infer<typeof helloSchema>
export type WireVlanPeer = z.infer<typeof vlanPeerSchema>
export type WireExchangedPeer = z.infer<typeof exchangedPeerSchema>
export type WireCandidate = z.infer<typeof candidateSchema>
/** Messages of the datagram path's negotiation. */
export type DatagramControl = Extract<ControlMessage, { type: `datagram-${string}` }>
export type DatagramOffer = Extract<ControlMessage, { type: 'datagram-offer' }>
export type DatagramAnswer = Extract<ControlMessage, { type: 'datagram-answer' }>
export type WireMembership = z.infer<typeof membershipSchema>

const FORMAT = {
  name: 'control message',
  schema: controlMessageSchema,
  maxBytes: MAX_CONTROL_BYTES,
  // Message, list, membership, list.
  maxDepth: 6,
} satisfies MessageFormat<typeof controlMessageSchema>

/** Encodes a message of ours. @returns CBOR without the length prefix */
export function encodeControlMessage(message: ControlMessage): Uint8Array {
  return encodeMessage(FORMAT, message)
}

/**
 * Decodes a peer's message, one of the table in `docs/protocols/trunk.md`.
 * @throws WakunetError `ERR_DECODE`
 */
export function decodeControlMessage(encoded: Uint8Array): ControlMessage {
  return decodeMessage(FORMAT, encoded)
}
