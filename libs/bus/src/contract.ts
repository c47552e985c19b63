import { peerHintsSchema, vlanEditShape, vlanPlanShape } from '@wakunet/identity'
import { z } from 'zod'
import {
  announcedAddressesSchema,
  cidrSchema,
  countSchema,
  fdbEntrySchema,
  foundVlanSchema,
  iconSchema,
  interfaceNameSchema,
  knownMemberSchema,
  memberSchema,
  membershipSchema,
  nodeIdSchema,
  nonceSchema,
  peerIdSchema,
  peerSchema,
  portSchema,
  shortcutRefusalSchema,
  treeSchema,
  trunkStatusSchema,
  vlanIdSchema,
  vlanLinkSchema,
  vlanSchema,
} from './schemas.ts'

/** Who may speak on the bus; each has a credential of its own where the bus is NATS. */
export const BUS_ROLES = ['trunk-peer', 'vlan-switch', 'cli'] as const
export type BusRole = (typeof BUS_ROLES)[number]

/** A question that one role answers. */
export interface RequestSubject<Q extends z.ZodType = z.ZodType, A extends z.ZodType = z.ZodType> {
  readonly kind: 'request'
  readonly about: string
  /** The one role that answers. */
  readonly responder: BusRole
  readonly requesters: readonly BusRole[]
  readonly request: Q
  readonly reply: A
}

/** News for every subscriber, at most once. */
export interface EventSubject<P extends z.ZodType = z.ZodType> {
  readonly kind: 'event'
  readonly about: string
  readonly publishers: readonly BusRole[]
  readonly subscribers: readonly BusRole[]
  readonly payload: P
}

const request = <Q extends z.ZodType, A extends z.ZodType>(s: Omit<RequestSubject<Q, A>, 'kind'>) =>
  ({ kind: 'request', ...s }) as const
const event = <P extends z.ZodType>(s: Omit<EventSubject<P>, 'kind'>) => ({ kind: 'event', ...s }) as const

const empty = z.strictObject({})
/** A VLAN as people name it: its id with checksum, its bare id, or a name that is unique on this node. */
const vlanRef = z.string().min(1).max(64)

/**
 * The control contract: every subject between services, once. A subject that is not here does not exist.
 * Both implementations check every payload against its schema on both sides; NATS permissions are derived
 * from the roles.
 */
export const contract = {
  'trunk.status': request({
    about: 'Identity, addresses and totals of this node.',
    responder: 'trunk-peer',
    requesters: ['cli', 'vlan-switch'],
    request: empty,
    reply: trunkStatusSchema,
  }),
  'trunk.peers': request({
    about: 'Every known peer: how it is known, its trunk, and why it has none.',
    responder: 'trunk-peer',
    requesters: ['cli'],
    request: empty,
    reply: z.strictObject({ peers: z.array(peerSchema).max(4096) }),
  }),
  'trunk.membership.set': request({
    about:
      "The whole set of VLANs that a switch has joined, as it shall be announced to peers. Replaces that switch's previous set.",
    responder: 'trunk-peer',
    requesters: ['vlan-switch'],
    request: z.strictObject({
      /** Name under which the switch attaches to the frame lane. */
      lane: z.string().min(1).max(64),
      memberships: z.array(membershipSchema).max(1024),
    }),
    reply: empty,
  }),
  'trunk.members.get': request({
    about: 'Members of one VLAN that have a trunk to this node.',
    responder: 'trunk-peer',
    requesters: ['vlan-switch', 'cli'],
    request: z.strictObject({ vlanId: vlanIdSchema }),
    reply: z.strictObject({ members: z.array(memberSchema).max(4096) }),
  }),
  'trunk.sign': request({
    about:
      "Signs a document of this node with its key. trunk-peer puts the purpose's domain text and the VLAN id before it, so that no signature serves another purpose.",
    responder: 'trunk-peer',
    requesters: ['vlan-switch'],
    request: z.strictObject({
      purpose: z.literal('vlan-member'),
      vlanId: vlanIdSchema,
      /** At most 32 KiB. */
      payload: z.base64().max(43_692),
    }),
    reply: z.strictObject({
      /** Ed25519, 32 bytes; the node id is its hash. */
      publicKey: z.base64().length(44),
      signature: z.base64().length(88),
    }),
  }),
  'trunk.shortcut': request({
    about:
      'Asks for a direct trunk to a member of a VLAN, because much goes there over others or nothing does. Answers at once; the trunk shows in trunk.members.changed.',
    responder: 'trunk-peer',
    requesters: ['vlan-switch'],
    request: z.strictObject({
      vlanId: vlanIdSchema,
      nodeId: nodeIdSchema,
      peerId: peerIdSchema.optional(),
      /** From the member's announcement, unchecked. */
      addresses: announcedAddressesSchema,
      /** The member's, whose hash is its node id: over a relay it is called by it. */
      publicKey: z.base64().length(44).optional(),
      /** What the pair exchanges now. A trunk that carries less than half of it may give way; 0: only idle ones. */
      bytesPerSecond: z.number().nonnegative().optional(),
    }),
    reply: z.strictObject({
      outcome: z.enum(['up', 'dialling', 'refused']),
      reason: shortcutRefusalSchema.nullable(),
    }),
  }),
  'directory.create': request({
    about: 'Makes a VLAN: key, signed record, both stored.',
    responder: 'trunk-peer',
    requesters: ['cli'],
    request: z.strictObject({
      name: z.string().min(1).max(64),
      description: z.string().max(512).optional(),
      subnet4: cidrSchema.optional(),
      mtu: z.number().int().min(1280).max(9000).optional(),
      icon: iconSchema.exactOptional(),
      gateways: peerHintsSchema.exactOptional(),
      ...vlanPlanShape,
    }),
    reply: vlanSchema,
  }),
  'directory.edit': request({
    about:
      'Changes the record of a VLAN whose key is here, and signs it with a higher sequence. Reservations and priorities are changed one by one, null gives one up; `unset` takes fields back to their defaults first.',
    responder: 'trunk-peer',
    requesters: ['cli'],
    request: z.strictObject({
      vlan: vlanRef,
      icon: iconSchema.exactOptional(),
      gateways: peerHintsSchema.exactOptional(),
      ...vlanEditShape,
    }),
    reply: vlanSchema,
  }),
  'directory.resolve': request({
    about:
      'The record of a VLAN by name or id: from the store, from the directory of published VLANs, from peers. What was found is stored, unless `keep` is false. A name that several VLANs have, or look-alikes of it, is refused.',
    responder: 'trunk-peer',
    requesters: ['cli', 'vlan-switch'],
    request: z.strictObject({
      vlan: vlanRef,
      timeoutMs: z.number().int().min(0).max(60_000).optional(),
      keep: z.boolean().optional(),
    }),
    reply: vlanSchema,
  }),
  'directory.list': request({
    about:
      'VLANs whose record is stored here, by id, in pages that fit a message: `next` is the `after` of the next one, null after the last.',
    responder: 'trunk-peer',
    requesters: ['cli'],
    request: z.strictObject({ after: vlanIdSchema.optional() }),
    reply: z.strictObject({ vlans: z.array(vlanSchema).max(1024), next: vlanIdSchema.nullable() }),
  }),
  'directory.publish': request({
    about:
      'Lists a VLAN whose key is here in the directory of published VLANs, or takes it back; it stays listed until it is taken back.',
    responder: 'trunk-peer',
    requesters: ['cli'],
    request: z.strictObject({ vlan: vlanRef, published: z.boolean() }),
    reply: vlanSchema,
  }),
  'directory.search': request({
    about:
      'Published VLANs with all words of the query in name or description, the best first; an empty query finds all. This node is searched first; with a timeout over 0 then its peers.',
    responder: 'trunk-peer',
    requesters: ['cli'],
    request: z.strictObject({
      query: z.string().max(128),
      limit: z.number().int().min(1).max(1024),
      timeoutMs: z.number().int().min(0).max(60_000),
    }),
    reply: z.strictObject({
      vlans: z.array(foundVlanSchema).max(1024),
      /** Published VLANs that this node knows of. */
      listed: countSchema,
    }),
  }),
  'directory.link': request({
    about:
      'An invitation link to a VLAN that is stored here, with addresses of this node and of members that it reached.',
    responder: 'trunk-peer',
    requesters: ['cli'],
    request: z.strictObject({ vlan: vlanRef }),
    reply: z.strictObject({ link: vlanLinkSchema, vlan: vlanSchema }),
  }),
  'directory.open': request({
    about: 'Opens an invitation link: dials its addresses until this node stops, and resolves its VLAN.',
    responder: 'trunk-peer',
    requesters: ['cli'],
    request: z.strictObject({
      link: vlanLinkSchema,
      timeoutMs: z.number().int().min(0).max(60_000).optional(),
    }),
    reply: vlanSchema,
  }),
  'switch.join': request({
    about: 'Joins a VLAN: makes its TAP, gives it addresses, announces the membership.',
    responder: 'vlan-switch',
    requesters: ['cli'],
    request: z.strictObject({
      vlan: vlanRef,
      /** Manual IPv4 address with prefix length. */
      address4: cidrSchema.optional(),
      /** Where there is no manual one: default `auto`; `dhcp` leaves the interface to the host's own DHCP client. */
      addressMode: z.enum(['auto', 'dhcp', 'none']).optional(),
      interface: interfaceNameSchema.optional(),
      mtu: z.number().int().min(1280).max(9000).optional(),
      /** A Linux bridge of the host that the TAP becomes a port of; it has no addresses then. */
      bridge: interfaceNameSchema.optional(),
      /** Joins although the subnet overlaps a network that the host is on. */
      allowOverlap: z.boolean().optional(),
      timeoutMs: z.number().int().min(0).max(60_000).optional(),
    }),
    reply: portSchema,
  }),
  'switch.leave': request({
    about: 'Leaves a VLAN and removes its TAP.',
    responder: 'vlan-switch',
    requesters: ['cli'],
    request: z.strictObject({ vlan: vlanRef }),
    reply: z.strictObject({ vlanId: vlanIdSchema, interface: interfaceNameSchema }),
  }),
  'switch.list': request({
    about: 'Every joined VLAN.',
    responder: 'vlan-switch',
    requesters: ['cli'],
    request: empty,
    reply: z.strictObject({ ports: z.array(portSchema).max(1024) }),
  }),
  'switch.show': request({
    about: 'One joined VLAN with members, forwarding database and drop counters.',
    responder: 'vlan-switch',
    requesters: ['cli'],
    request: z.strictObject({ vlan: vlanRef }),
    reply: z.strictObject({
      port: portSchema,
      members: z.array(knownMemberSchema).max(4096),
      fdb: z.array(fdbEntrySchema).max(4096),
      tree: treeSchema,
      /** Frames and records dropped, by reason. */
      drops: z.record(z.string().max(64), countSchema),
    }),
  }),
  'switch.reach': request({
    about:
      'Which members of a joined VLAN the switch has no way to: trunk-peer looks for a way to those alone. Without an answer all count as out of reach.',
    responder: 'vlan-switch',
    requesters: ['trunk-peer'],
    request: z.strictObject({ vlanId: vlanIdSchema, nodeIds: z.array(nodeIdSchema).max(16) }),
    reply: z.strictObject({ unreached: z.array(nodeIdSchema).max(16) }),
  }),
  'trunk.started': event({
    about: 'trunk-peer is up (again): switches announce their memberships anew.',
    publishers: ['trunk-peer'],
    subscribers: ['vlan-switch'],
    payload: z.strictObject({ nodeId: nodeIdSchema, peerId: peerIdSchema }),
  }),
  'trunk.members.changed': event({
    about: 'All members of one VLAN that have a trunk to this node, after a change and once every 10 s.',
    publishers: ['trunk-peer'],
    subscribers: ['vlan-switch'],
    payload: z.strictObject({ vlanId: vlanIdSchema, members: z.array(memberSchema).max(4096) }),
  }),
  'trunk.addresses.changed': event({
    about:
      'Multiaddrs under which peers reach this node, without its peer id, best first: after a change, after every trunk.membership.set and once a minute.',
    publishers: ['trunk-peer'],
    subscribers: ['vlan-switch'],
    payload: z.strictObject({ addresses: announcedAddressesSchema }),
  }),
  'switch.trunks.used': event({
    about:
      'What a switch uses its trunks for, over all its VLANs: after a change of the tree, when a trunk begins or stops to carry frames, and every 10 s. Trunks that are not named are not used.',
    publishers: ['vlan-switch'],
    subscribers: ['trunk-peer'],
    payload: z.strictObject({
      lane: z.string().min(1).max(64),
      trunks: z
        .array(
          z.strictObject({
            nodeId: nodeIdSchema,
            /** Part of the spanning tree of a VLAN. */
            tree: z.boolean(),
            /** Frames of VLANs, both ways, over the last seconds; control messages do not count. */
            bytesPerSecond: z.number().nonnegative(),
          }),
        )
        .max(4096),
    }),
  }),
  'directory.changed': event({
    about: 'A stored VLAN has a newer record.',
    publishers: ['trunk-peer'],
    subscribers: ['vlan-switch'],
    payload: z.strictObject({ vlan: vlanSchema }),
  }),
  'switch.ports.changed': event({
    about: 'Subnets of the joined VLANs: trunks must not run over them.',
    publishers: ['vlan-switch'],
    subscribers: ['trunk-peer'],
    payload: z.strictObject({
      lane: z.string().min(1).max(64),
      bootNonce: nonceSchema,
      subnets: z.array(cidrSchema).max(2048),
    }),
  }),
} as const

export type Contract = typeof contract
export type Subject = keyof Contract
export type RequestName = { [S in Subject]: Contract[S]['kind'] extends 'request' ? S : never }[Subject]
export type EventName = { [S in Subject]: Contract[S]['kind'] extends 'event' ? S : never }[Subject]
export type RequestOf<S extends RequestName> = z.infer<Contract[S]['request']>
export type ReplyOf<S extends RequestName> = z.infer<Contract[S]['reply']>
export type PayloadOf<S extends EventName> = z.infer<Contract[S]['payload']>
