import { type AddressingPeer, formatIp, memberMac, type VlanAddressing } from '@wakunet/addressing'
import type { KnownMember, VlanMember } from '@wakunet/bus'
import type { NodeId, VlanId } from '@wakunet/interface'
import type { Member } from '@wakunet/switching'
import type { RecordSealing } from './sealing/record-sealing.ts'

const MAX_KNOWN_MEMBERS = 4_096
/** Of a member whose switch was not heard yet. */
const UNHEARD = { cipher: null, relayed: { records: 0, bytes: 0 } } as const

/**
 * The members of a VLAN: those that the tree reaches, with what they announce of themselves, and those with a trunk whose
 * switch was not heard yet.
 * @param trunks members with a trunk to this node
 */
export function knownMembers(
  vlanId: VlanId,
  members: readonly Member[],
  trunks: readonly VlanMember[],
  addressing: VlanAddressing<AddressingPeer>,
  sealing: RecordSealing,
  nextHopsOf: (id: Uint8Array) => string[],
): KnownMember[] {
  const byId = new Map(trunks.map((trunk) => [trunk.nodeId, trunk]))
  const reached = members.map((member) => {
    const trunk = byId.get(member.nodeId)
    byId.delete(member.nodeId)
    const { relayed } = member
    return {
      ...knownMember(vlanId, member, trunk, addressing),
      cipher: sealing.cipherOf(member.id),
      nextHops: nextHopsOf(member.id),
      relayed: { ...relayed },
    }
  })
  const others = [...byId.values()].map((trunk) => ofTrunk(trunk))
  return [...reached, ...others].slice(0, MAX_KNOWN_MEMBERS)
}

function knownMember(
  vlanId: VlanId,
  { id, nodeId }: Member,
  trunk: VlanMember | undefined,
  addressing: VlanAddressing<AddressingPeer>,
): KnownMember {
  const facts = addressing.memberOf(id)
  if (facts === null && trunk !== undefined) return ofTrunk(trunk)
  const addresses = addressing.addressesOf(id)
  return {
    nodeId,
    peerId: trunk?.peerId ?? null,
    mac: memberMac(vlanId, nodeId as NodeId),
    addresses,
    hostname: facts?.hostname ?? '',
    rttMs: trunk?.rttMs ?? null,
    bridged: facts?.bridged ?? false,
    leases: (facts?.leases ?? []).filter(({ address }) => !addresses.includes(formatIp(address))).length,
    nextHops: [],
    ...UNHEARD,
  }
}

function ofTrunk({ nodeId, peerId, mac, addresses, hostname, rttMs }: VlanMember): KnownMember {
  const bare = addresses.map((cidr) => cidr.split('/', 1)[0]!)
  return {
    nodeId,
    peerId,
    mac,
    addresses: bare,
    hostname,
    rttMs,
    bridged: false,
    leases: 0,
    nextHops: [nodeId],
    ...UNHEARD,
  }
}
