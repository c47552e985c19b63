import type { VlanMember, VlanMembership } from '@wakunet/bus'
import { vlanIdFromBytes, vlanIdToBytes } from '@wakunet/identity'
import type { NodeId, VlanId } from '@wakunet/interface'
import { MAX_ANNOUNCED_VLANS, type WireMembership } from '@wakunet/trunk'

/** A peer's membership as announced, with who it is. */
interface PeerMemberships {
  readonly peerId: string
  readonly byVlan: ReadonlyMap<VlanId, Announced>
}

/** A member without what its trunk measures. */
type Announced = Omit<VlanMember, 'rttMs'>

/**
 * Who is in which VLAN: what this node's switches have joined, and what each trunk's peer has announced.
 * Bounded by the trunks (`connectionLimit`) times `MAX_ANNOUNCED_VLANS`.
 */
export class Memberships {
  readonly #ours = new Map<string, readonly VlanMembership[]>()
  readonly #theirs = new Map<NodeId, PeerMemberships>()
  #sequence = 0

  /** Replaces what one switch has joined. @returns the VLANs whose standing here changed */
  setOurs(lane: string, memberships: readonly VlanMembership[]): Set<VlanId> {
    const before = this.ourVlans()
    this.#ours.set(lane, memberships)
    this.#sequence++
    const after = this.ourVlans()
    return new Set([...before, ...after].filter((vlan) => before.has(vlan) !== after.has(vlan)))
  }

  /** What is announced beside the memberships has changed: peers shall take the next announcement for a newer one. */
  renew(): void {
    this.#sequence++
  }

  /** Every VLAN that a switch of this node has joined. */
  ourVlans(): Set<VlanId> {
    return new Set([...this.#ours.values()].flat().map(({ vlanId }) => vlanId as VlanId))
  }

  /** The VLANs of one switch, by its lane. */
  vlansOfLane(lane: string): VlanId[] {
    return (this.#ours.get(lane) ?? []).map(({ vlanId }) => vlanId as VlanId)
  }

  lanes(): IterableIterator<string> {
    return this.#ours.keys()
  }

  /** True where the peer is in a VLAN of that switch. */
  shares(nodeId: NodeId, lane: string): boolean {
    return this.vlansOfLane(lane).some((vlan) => this.isMember(nodeId, vlan))
  }

  /** What goes to peers: all memberships of this node, at most `MAX_ANNOUNCED_VLANS`. */
  announcement(recordSequence: (vlan: VlanId) => number): {
    sequence: number
    memberships: WireMembership[]
  } {
    const memberships = [...this.#ours.values()].flat().slice(0, MAX_ANNOUNCED_VLANS)
    return {
      sequence: this.#sequence,
      memberships: memberships.map((membership) => ({
        vlan: vlanIdToBytes(membership.vlanId as VlanId),
        bootNonce: Buffer.from(membership.bootNonce, 'hex'),
        mac: Buffer.from(membership.mac.replaceAll(':', ''), 'hex'),
        addresses: membership.addresses,
        addressAttempt: membership.addressAttempt,
        hostname: membership.hostname,
        recordSequence: recordSequence(membership.vlanId as VlanId),
      })),
    }
  }

  /** Replaces what a peer has announced. @returns the VLANs whose members changed */
  setTheirs(nodeId: NodeId, peerId: string, announced: readonly WireMembership[]): Set<VlanId> {
    const byVlan = new Map<VlanId, Announced>()
    for (const membership of announced) {
      byVlan.set(vlanIdFromBytes(membership.vlan), memberOf(nodeId, peerId, membership))
    }
    const before = this.#theirs.get(nodeId)?.byVlan
    this.#theirs.set(nodeId, { peerId, byVlan })
    return changed(before, byVlan)
  }

  /** Forgets a peer whose trunk is gone. @returns the VLANs that lost a member */
  removePeer(nodeId: NodeId): Set<VlanId> {
    const before = this.#theirs.get(nodeId)?.byVlan
    this.#theirs.delete(nodeId)
    return changed(before, new Map())
  }

  /** True where the peer has announced the VLAN. */
  isMember(nodeId: NodeId, vlan: VlanId): boolean {
    return this.#theirs.get(nodeId)?.byVlan.has(vlan) ?? false
  }

  /** Peers with a trunk that have announced the VLAN, joined here or not. */
  peersOf(vlan: VlanId): { nodeId: NodeId; peerId: string }[] {
    return [...this.#theirs]
      .filter(([, { byVlan }]) => byVlan.has(vlan))
      .map(([nodeId, { peerId }]) => ({ nodeId, peerId }))
  }

  /** True where both peers have announced one VLAN. */
  haveOneInCommon(one: NodeId, other: NodeId): boolean {
    return this.vlansOfPeer(one).some((vlan) => this.isMember(other, vlan))
  }

  vlansOfPeer(nodeId: NodeId): VlanId[] {
    return [...(this.#theirs.get(nodeId)?.byVlan.keys() ?? [])]
  }

  /**
   * Members of a VLAN that have a trunk to this node; not this node itself.
   * @param rttOf round trip of a peer's trunk, `VlanMember.rttMs`
   */
  members(vlan: VlanId, rttOf: (nodeId: NodeId) => number | null): VlanMember[] {
    const members: VlanMember[] = []
    for (const [nodeId, { byVlan }] of this.#theirs) {
      const member = byVlan.get(vlan)
      if (member !== undefined) members.push({ ...member, rttMs: rttOf(nodeId) })
    }
    return members
  }
}

function memberOf(nodeId: NodeId, peerId: string, membership: WireMembership): Announced {
  return {
    nodeId,
    peerId,
    bootNonce: Buffer.from(membership.bootNonce).toString('hex'),
    mac: Buffer.from(membership.mac)
      .toString('hex')
      .replace(/(..)(?=.)/g, '$1:'),
    addresses: membership.addresses,
    addressAttempt: membership.addressAttempt,
    hostname: membership.hostname,
  }
}

function changed(
  before: ReadonlyMap<VlanId, Announced> | undefined,
  after: ReadonlyMap<VlanId, Announced>,
): Set<VlanId> {
  const vlans = new Set([...(before?.keys() ?? []), ...after.keys()])
  for (const vlan of vlans) {
    if (JSON.stringify(before?.get(vlan)) === JSON.stringify(after.get(vlan))) vlans.delete(vlan)
  }
  return vlans
}
