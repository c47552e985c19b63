import { macToString } from '@wakunet/ethernet'
import type { NodeId, VlanId } from '@wakunet/interface'
import type { AddressPlan } from './address-plan.ts'
import { address6, autoAddress4 } from './member-address.ts'
import type {
  AddressingDrop,
  AddressingPeer,
  AddressingStats,
  MemberFacts,
  MemberLease,
  VlanAddressingInit,
  VlanAddressingOutput,
} from './vlan-addressing-init.ts'

/**
 * Addresses of one VLAN at one member: the own ones of the TAP, the leases of the hosts behind it and those of all members, and
 * the station that answers the TAP's hosts (ARP, ND, DHCP, router advertisements, DNS). Clocked from outside: `tick` at `dueMs`.
 */
export class VlanAddressing<P extends AddressingPeer> {
  readonly stats: AddressingStats = {
    offers: 0,
    acks: 0,
    naks: 0,
    poolExhausted: 0,
    conflictsLost: 0,
    announced: 0,
  }
  readonly drops: Record<AddressingDrop, number> = {
    malformed: 0,
    'unknown-member': 0,
    rate: 0,
    'sync-rate': 0,
    'sequence-ahead': 0,
    forged: 0,
    backdated: 0,
    'table-full': 0,
    'dhcp-malformed': 0,
    'dhcp-full': 0,
  }
  readonly #init: VlanAddressingInit
  readonly #output: VlanAddressingOutput<P>
  #plan: AddressPlan

  constructor(init: VlanAddressingInit, output: VlanAddressingOutput<P>, _nowMs: number) {
    this.#init = init
    this.#output = output
    this.#plan = init.plan
    this.#output.onAddresses(this.ownAddresses)
  }

  /** CIDR form, IPv4 first; empty in the modes `dhcp` and `none`. */
  get ownAddresses(): readonly string[] {
    const { mode, manual4, vlanId, nodeId, mac, attempt } = this.#init
    if (mode === 'dhcp' || mode === 'none') return []
    const { subnet4, subnet6 } = this.#plan
    const address4 =
      manual4 ?? autoAddress4(subnet4, hexOf(vlanId) as VlanId, hexOf(nodeId) as NodeId, attempt)
    return [address4, address6(subnet6, macToString(mac))]
  }

  /** Automatic attempt to begin with the next time. */
  get attempt(): number {
    return this.#init.attempt
  }

  /** Why this node has an address that another member has by right and cannot move; null where all is well. */
  get conflict(): string | null {
    return null
  }

  /**
   * Whether the frame of `length` bytes at `offset` from the TAP is for the switch's own station: to its MAC address, or ARP
   * or ND that asks for one of its addresses. Cheap and free of allocations.
   */
  isForStation(_bytes: Uint8Array, _offset: number, _length: number): boolean {
    return false
  }

  /** Such a frame, or one that guards keep: DHCP requests, router solicitations. Without tags, offloads complete. */
  fromTap(_bytes: Uint8Array, _offset: number, _length: number, _nowMs: number): void {}

  /** A station on the TAP's side was heard with this address: perhaps one that was set up by hand. */
  noteTapHost(_address: Uint8Array, _mac: number, _nowMs: number): void {}

  /** A control message of type 4 from the neighbour at a trunk's end. */
  receiveControl(_bytes: Uint8Array, _offset: number, _length: number, _from: P, _nowMs: number): void {}

  /** The members of the VLAN without this node, and those with a trunk that forwards in the tree. */
  setPeers(_members: readonly P[], _neighbours: readonly P[], _nowMs: number): void {}

  setPlan(plan: AddressPlan, _nowMs: number): void {
    this.#plan = plan
  }

  setTrunkAddresses(_multiaddrs: readonly string[], _nowMs: number): void {}

  setPort(_port: { readonly bridged: boolean; readonly mtu: number }, _nowMs: number): void {}

  /** What a member says of itself, by node id (16 bytes); null where nothing was heard. */
  memberOf(_nodeId: Uint8Array): MemberFacts | null {
    return null
  }

  /** Every lease that counts: one for each address. */
  *leases(): Generator<MemberLease> {}

  /** When `tick` has something to do; may be sooner after every other call. */
  dueMs(_nowMs: number): number {
    return Number.POSITIVE_INFINITY
  }

  tick(_nowMs: number): void {}
}

function hexOf(id: Uint8Array): string {
  return Array.from(id, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
