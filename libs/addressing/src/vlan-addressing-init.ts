import type { AddressPlan } from './address-plan.ts'
import type { ReadAnnouncement } from './announcement/announcement.ts'
import type { SealingKey } from './announcement/sealing-key.ts'
import type { Lease } from './leases/lease.ts'

/** A member of the VLAN, known by its node id. */
export interface AddressingPeer {
  /** 16 bytes. */
  readonly id: Uint8Array
}

/**
 * Where the TAP's own addresses come from: derived and claimed by the switch, chosen by a person, asked by the host's own DHCP
 * client, or none at all (a bridged interface).
 */
export const ADDRESS_MODES = ['auto', 'manual', 'dhcp', 'none'] as const
export type AddressMode = (typeof ADDRESS_MODES)[number]

/** What a member says of itself. */
export interface MemberFacts {
  /** 32 bytes; the node id is its hash. */
  readonly publicKey: Uint8Array
  readonly hostname: string
  readonly leases: readonly Lease[]
  readonly multiaddrs: readonly string[]
  readonly bridged: boolean
  readonly mtu: number
}

/** A lease with the member that it is from; null for this node. */
export interface MemberLease extends Lease {
  readonly owner: Uint8Array | null
}

/** An address whose station is known for certain, or is so no more. */
export interface BindingChange {
  readonly kind: 'added' | 'removed'
  /** 4 or 16 bytes. */
  readonly address: Uint8Array
  /** 48-bit integer, as `readMac` gives it. */
  readonly mac: number
  /** Node id of the member that has the station, null for the TAP's side. */
  readonly owner: Uint8Array | null
}

export interface VlanAddressingInit {
  /** 16 bytes each. */
  readonly vlanId: Uint8Array
  readonly nodeId: Uint8Array
  readonly vlanName: string
  readonly plan: AddressPlan
  /** Of the own TAP, six bytes. */
  readonly mac: Uint8Array
  readonly mode: AddressMode
  /** CIDR form, for mode `manual`; else null. */
  readonly manual4: string | null
  /** Automatic attempt to begin with: that of the last time, so that a host keeps its address. */
  readonly attempt: number
  /** Automatic addresses to keep off, CIDR form: those that members are known to have already. */
  readonly avoid?: readonly string[]
  /** Of this host; what is no label is left out or cut. */
  readonly hostname: string
  /** Whether the port bridges a LAN. */
  readonly bridged: boolean
  /** Of the port, bytes. */
  readonly mtu: number
  /** With what others seal records for this node. */
  readonly sealing: SealingKey
  /** 32 random bits. */
  readonly hashSeed: number
  /** Higher than any this node has used before: the Unix time in milliseconds. */
  readonly firstSequence: number
  /** In [0, 1). */
  readonly random: () => number
  /** Unix milliseconds. */
  readonly wallMs: () => number
  /** Ed25519. */
  readonly verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
  /**
   * Reads an announcement of this VLAN. Default: `readAnnouncement`. The simulator answers with one object for equal bytes,
   * which is then checked once for all nodes.
   */
  readonly read?: ReadAnnouncement
}

export interface VlanAddressingOutput<P extends AddressingPeer> {
  /** A whole frame for the TAP, checksums complete. May be changed by nobody. */
  toTap(frame: Uint8Array): void
  /** A whole frame for the VLAN's tree, as if it came from the TAP. */
  toTree(frame: Uint8Array): void
  /** A control message of type 4 over one trunk, hop limit 1. May be changed by nobody. */
  send(to: P, message: Uint8Array): void
  /**
   * Signs an announcement of this node. `done` comes once, at any time; with null where it failed, and then it is tried again.
   */
  sign(
    payload: Uint8Array,
    done: (signed: { readonly publicKey: Uint8Array; readonly signature: Uint8Array } | null) => void,
  ): void
  /** Own addresses of the TAP, CIDR form, IPv4 first; empty in the modes `dhcp` and `none`. */
  onAddresses(cidrs: readonly string[]): void
  onBindings(change: BindingChange): void
  /** A host behind the TAP lost its address to another: the carrier shall flap, so that it asks anew. */
  onReaddress(): void
  /**
   * A member has announced with what records are sealed for it, in its own name and by its own signature.
   * @param sequence of the announcement; a lower one than before is out of date
   */
  onSealingKey?(member: Uint8Array, key: SealingKey, sequence: number): void
  /** What members say of themselves (`memberOf`) has changed. */
  onMembers?(): void
  /**
   * Whether a station with another MAC address (48-bit integer) than `mac` was heard with this address within the last
   * seconds, on either side: probes of `toTree` are answered to the TAP's MAC address, which only the switch sees.
   */
  isInUse(address: Uint8Array, mac: number, nowMs: number): boolean
}

/** Monotonic counters, and what is there now. */
export interface AddressingStats {
  /** DHCPv4 messages of the server. */
  readonly offers: number
  readonly acks: number
  readonly naks: number
  /** DHCPv4 requests that got no address because the pool, or this member's share of it, is used up. */
  readonly poolExhausted: number
  readonly declined: number
  readonly released: number
  /** Own leases that another member has by right. */
  readonly conflictsLost: number
  /** Those of the own interface, which took another address. */
  readonly addressMoves: number
  /** Announcements of this node that were sent. */
  readonly announced: number
  /** Leases of this node, and claims of all members. */
  readonly ownLeases: number
  readonly claims: number
}

/** Why frames and messages are dropped; closed, so that it labels a counter. */
export const ADDRESSING_DROPS = [
  'malformed',
  'unknown-member',
  'rate',
  'sync-rate',
  'sequence-ahead',
  'forged',
  'backdated',
  'full',
  'table-full',
  'dhcp-malformed',
  'dhcp-full',
] as const
export type AddressingDrop = (typeof ADDRESSING_DROPS)[number]
