import { MAX_VLAN_LINK_LENGTH, peerHintsSchema, vlanPlanShape } from '@wakunet/identity'
import { z } from 'zod'

/** Shapes that several subjects of the contract share. Everything is bounded. */

export const nodeIdSchema = z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 lower-case hexadecimal digits')
export const vlanIdSchema = z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 lower-case hexadecimal digits')
export const nonceSchema = z.string().regex(/^[0-9a-f]{16}$/, 'must be 16 lower-case hexadecimal digits')
export const peerIdSchema = z.string().min(8).max(128)
export const macSchema = z
  .string()
  .regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/, 'must be a lower-case MAC address')
/** An address with its prefix length, IPv4 or IPv6. */
export const cidrSchema = z.string().min(3).max(64)
export const interfaceNameSchema = z.string().min(1).max(15)
export const countSchema = z.number().int().nonnegative()
export const roleSchema = z.enum(['regular', 'gateway', 'chain'])

/** An icon as it is made or changed, base64; 16,384 bytes at most. */
export const iconSchema = z.base64().max(21_848)
/** What an icon was found to be; its bytes are in the record. */
export const iconInfoSchema = z.strictObject({
  type: z.enum(['png', 'webp', 'svg']),
  width: countSchema,
  height: countSchema,
  bytes: countSchema,
})
export const vlanLinkSchema = z.string().min(1).max(MAX_VLAN_LINK_LENGTH)

/** A VLAN record that was verified, as people see it. `encoded` is the signed record itself, base64. */
export const vlanSchema = z.strictObject({
  id: vlanIdSchema,
  /** The id as people type it, with its checksum. */
  ref: z.string().max(64),
  name: z.string().max(64),
  description: z.string().max(512),
  policy: z.enum(['open']),
  subnet4: cidrSchema,
  subnet6: cidrSchema,
  mtu: z.number().int().min(1280).max(9000),
  sequence: countSchema,
  /** True where this node holds the VLAN's private key. */
  owned: z.boolean(),
  /** 32,768 bytes at most. */
  encoded: z.string().max(43_692),
  icon: iconInfoSchema.exactOptional(),
  gateways: peerHintsSchema.exactOptional(),
  /** Unix milliseconds until which it is listed in the directory. */
  publishedUntilMs: countSchema.exactOptional(),
  ...vlanPlanShape,
})
export type VlanInfo = z.infer<typeof vlanSchema>

/** A published VLAN that a search found. */
export const foundVlanSchema = vlanSchema
  .pick({ id: true, ref: true, name: true, description: true, policy: true, subnet4: true, sequence: true })
  .extend({
    icon: iconInfoSchema.nullable(),
    publishedUntilMs: countSchema,
    /** Whether its record is stored here: made here, joined, or resolved before. */
    known: z.boolean(),
    /** Whether another VLAN has a name that may be taken for this one. */
    alike: z.boolean(),
  })
export type FoundVlan = z.infer<typeof foundVlanSchema>

/** One member of a VLAN as trunk-peer knows it from the trunk's membership messages. */
export const memberSchema = z.strictObject({
  nodeId: nodeIdSchema,
  peerId: peerIdSchema,
  /** Random at every start of that member's switch; names its sequence space. */
  bootNonce: nonceSchema,
  mac: macSchema,
  addresses: z.array(cidrSchema).max(16),
  /**
   * Which automatic attempt the IPv4 address is, 65,535 where a person chose it; lets both sides settle a
   * conflict the same way.
   */
  addressAttempt: z.number().int().min(0).max(65_535),
  hostname: z.string().max(64),
  /**
   * Round trip of the trunk, null before it is measured. Held still while its class (`pathCostOfRtt`) is the same, so that it
   * may be used for path costs as it is.
   */
  rttMs: z.number().nonnegative().nullable(),
})
export type VlanMember = z.infer<typeof memberSchema>

/** What this node's switch announces of itself for one VLAN. */
export const membershipSchema = memberSchema
  .omit({ nodeId: true, peerId: true, rttMs: true })
  .extend({ vlanId: vlanIdSchema })
export type VlanMembership = z.infer<typeof membershipSchema>

/** Addresses that a node tells in its member announcements: few and short, for they are gossiped. */
export const announcedAddressesSchema = z.array(z.string().max(128)).max(8)

/** Why trunk-peer does not dial for a shortcut. */
export const SHORTCUT_REFUSALS = [
  'notJoined',
  'self',
  'noAddress',
  'busy',
  'rate',
  'failedLately',
  'full',
] as const
export type ShortcutRefusal = (typeof SHORTCUT_REFUSALS)[number]
export const shortcutRefusalSchema = z.enum(SHORTCUT_REFUSALS)

/** One member of a VLAN as its switch knows it, from the trunk to it or from what it announces over others. */
export const knownMemberSchema = z.strictObject({
  nodeId: nodeIdSchema,
  /** Null where there is no trunk to it. */
  peerId: peerIdSchema.nullable(),
  mac: macSchema,
  /** Own addresses of its interface, without prefix length. */
  addresses: z.array(z.string().min(2).max(45)).max(256),
  hostname: z.string().max(64),
  rttMs: z.number().nonnegative().nullable(),
  /** Members with a trunk to this node over which shortest ways to it lead; itself where that is its own trunk. */
  nextHops: z.array(nodeIdSchema).max(8),
  /** Whether its interface is a port of a LAN. */
  bridged: z.boolean(),
  /** Addresses of hosts behind it, its own not counted. */
  leases: countSchema,
  /** With which records to and from it are sealed where others pass them on; null where they cannot be (yet). */
  cipher: z.enum(['aes-128-gcm', 'aes-256-gcm', 'chacha20-poly1305']).nullable(),
  /** What this host has passed on for it to other members. */
  relayed: z.strictObject({ records: countSchema, bytes: countSchema }),
})
export type KnownMember = z.infer<typeof knownMemberSchema>

export const addressModeSchema = z.enum(['auto', 'manual', 'dhcp', 'none'])

/** Why the records of a trunk do not go by datagram. */
export const DATAGRAM_TROUBLES = [
  'off',
  'peer-off',
  'negotiating',
  'cipher',
  'no-address',
  'no-answer',
  'lost',
  'keys',
] as const
export type DatagramTroubleName = (typeof DATAGRAM_TROUBLES)[number]

/** Which way the records of a trunk go, and why not the better one. */
export const trunkPathSchema = z.strictObject({
  carrier: z.enum(['stream', 'datagram']),
  /** Where datagrams go, as host and port; null while they do not. */
  address: z.string().max(64).nullable(),
  rttMs: z.number().nonnegative().nullable(),
  /** Largest UDP payload that gets through; 0 where none does. */
  datagramBytes: countSchema,
  cipher: z.string().max(32).nullable(),
  /** Null while records go by datagram, or are about to. */
  trouble: z.enum(DATAGRAM_TROUBLES).nullable(),
  /** Records by datagram; the others went by stream. */
  recordsSent: countSchema,
  recordsReceived: countSchema,
})
export type TrunkPathInfo = z.infer<typeof trunkPathSchema>

export const peerStateSchema = z.enum(['connected', 'connecting', 'backoff', 'refused'])
export const peerSchema = z.strictObject({
  peerId: peerIdSchema,
  nodeId: nodeIdSchema.nullable(),
  state: peerStateSchema,
  /** How the peer became known. */
  sources: z.array(z.enum(['bootstrap', 'mdns', 'inbound', 'vlan', 'exchange', 'dht', 'stored'])).max(7),
  address: z.string().max(256).nullable(),
  direction: z.enum(['inbound', 'outbound']).nullable(),
  rttMs: z.number().nonnegative().nullable(),
  connectedSinceMs: countSchema.nullable(),
  agent: z.string().max(128).nullable(),
  vlans: z.array(vlanIdSchema).max(1024),
  lastError: z.string().max(512).nullable(),
  /** Milliseconds until the next attempt to connect; null where none is planned. */
  retryInMs: countSchema.nullable(),
  bytesSent: countSchema,
  bytesReceived: countSchema,
  recordsDropped: countSchema,
  /** Null where there is no trunk. */
  path: trunkPathSchema.nullable(),
  /** Peer id of the relay that its connection goes over; null where there is none between. */
  relay: peerIdSchema.nullable(),
  /** How the last attempt to get rid of the relay ended; null where there was none. */
  obstacle: z.string().max(512).nullable(),
  /** Share of the last heartbeats that were not answered in time, 0 to 1; null before the first. */
  loss: z.number().min(0).max(1).nullable(),
})
export type PeerInfo = z.infer<typeof peerSchema>

/** What is between this host and the internet; the mapping in the words of RFC 4787, `symmetric` where each peer sees another port. */
export const NAT_KIND_NAMES = ['none', 'endpoint-independent', 'symmetric', 'unknown'] as const
export type NatKindName = (typeof NAT_KIND_NAMES)[number]

/** How others reach this node. */
export const reachSchema = z.strictObject({
  /** `public`: peers have dialled it; `private`: they tried in vain. */
  verdict: z.enum(['public', 'private', 'unknown']),
  nat: z.enum(NAT_KIND_NAMES),
  /** IP addresses as which peers see this host. */
  observed: z.array(z.string().max(45)).max(8),
  /** Addresses at which peers have dialled it. */
  confirmed: z.array(z.string().max(256)).max(32),
  /** Peer ids of the relays over which it can be reached. */
  relays: z.array(peerIdSchema).max(8),
})
export type ReachInfo = z.infer<typeof reachSchema>

export const trunkStatusSchema = z.strictObject({
  nodeId: nodeIdSchema,
  peerId: peerIdSchema,
  role: roleSchema,
  version: z.string().max(32),
  uptimeMs: countSchema,
  addresses: z.array(z.string().max(256)).max(64),
  peersConnected: countSchema,
  peersKnown: countSchema,
  recordsSent: countSchema,
  recordsReceived: countSchema,
  recordsDropped: countSchema,
  recordsRefused: countSchema,
  reach: reachSchema,
})
export type TrunkStatus = z.infer<typeof trunkStatusSchema>

/** The LAN behind a TAP that is a port of a bridge. */
export const lanSchema = z.strictObject({
  bridge: interfaceNameSchema,
  /** Whether frames pass between the LAN and the VLAN through this host. */
  forwarding: z.boolean(),
  /** The member through which they do; null where none was heard. */
  forwarder: nodeIdSchema.nullable(),
  /** Other members that were heard on the LAN. */
  neighbours: z.array(nodeIdSchema).max(64),
})

/** A VLAN that this host has joined. */
export const portSchema = z.strictObject({
  vlanId: vlanIdSchema,
  ref: z.string().max(64),
  name: z.string().max(64),
  interface: interfaceNameSchema,
  mac: macSchema,
  mtu: z.number().int(),
  addresses: z.array(cidrSchema).max(16),
  /** Whether the switch chose the IPv4 address, a person did, the host's own DHCP client asks for it; or there is none. */
  addressMode: addressModeSchema,
  state: z.enum(['up', 'failed']),
  lastError: z.string().max(512).nullable(),
  members: countSchema,
  fdbEntries: countSchema,
  framesIn: countSchema,
  framesOut: countSchema,
  bytesIn: countSchema,
  bytesOut: countSchema,
  framesDropped: countSchema,
  /** What this host passes on for members without a trunk to each other; dropped for the limits of it. */
  relay: z.strictObject({
    enabled: z.boolean(),
    records: countSchema,
    bytes: countSchema,
    dropped: countSchema,
  }),
  /** Where the TAP is a port of a bridge. */
  lan: lanSchema.optional(),
})
export type PortInfo = z.infer<typeof portSchema>

/** The spanning tree of a VLAN as this host sees it, and the trunks to members. */
export const treeSchema = z.strictObject({
  /** Node id of the root. */
  root: nodeIdSchema,
  isRoot: z.boolean(),
  trunks: z
    .array(
      z.strictObject({
        nodeId: nodeIdSchema,
        role: z.enum(['root', 'designated', 'alternate', 'backup', 'disabled']),
        /** Frames to everybody go over it. */
        forwarding: z.boolean(),
        cost: countSchema,
      }),
    )
    .max(4096),
})
export type TreeInfo = z.infer<typeof treeSchema>

export const fdbEntrySchema = z.strictObject({
  mac: macSchema,
  nodeId: nodeIdSchema.nullable(),
  ageMs: countSchema,
})
