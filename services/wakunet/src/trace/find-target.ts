import { isIP } from 'node:net'
import type { KnownMember, PeerInfo, PortInfo, ReplyOf } from '@wakunet/bus'

/** A joined VLAN with what its switch knows. */
export type TracedVlan = ReplyOf<'switch.show'>

/** What a traced name turned out to be in one VLAN. */
export interface TracedMember {
  readonly port: PortInfo
  readonly member: KnownMember
  /** `station`: a MAC address behind the member; the others are the member's own. */
  readonly matched: 'node' | 'peer' | 'ip' | 'mac' | 'name' | 'station'
}

const MAC = /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/

/** Members that the text names: by node id, peer id, IP or MAC address, or host name; in every VLAN where one does. */
export const findMembers = (text: string, vlans: readonly TracedVlan[]): readonly TracedMember[] =>
  vlans.flatMap((vlan) => findIn(text, vlan) ?? [])

/** The peer that the text names, or that a member is; null where neither is known. */
export const findPeer = (
  text: string,
  members: readonly TracedMember[],
  peers: readonly PeerInfo[],
): PeerInfo | null => {
  const nodeIds = new Set(members.map(({ member }) => member.nodeId))
  const isIt = ({ peerId, nodeId }: PeerInfo) =>
    peerId === text || nodeId === text || (nodeId !== null && nodeIds.has(nodeId))
  return peers.find(isIt) ?? null
}

const findIn = (text: string, { port, members, fdb }: TracedVlan): TracedMember | null => {
  const wanted = MAC.test(text.toLowerCase()) ? text.toLowerCase().replaceAll('-', ':') : text
  for (const member of members) {
    const matched = matchOf(wanted, member)
    if (matched !== null) return { port, member, matched }
  }
  const learned = fdb.find(({ mac }) => mac === wanted)
  const behind = members.find(({ nodeId }) => nodeId === learned?.nodeId)
  return behind === undefined ? null : { port, member: behind, matched: 'station' }
}

const matchOf = (text: string, member: KnownMember): TracedMember['matched'] | null => {
  if (member.nodeId === text) return 'node'
  if (member.peerId === text) return 'peer'
  if (member.mac === text) return 'mac'
  if (isIP(text) !== 0 && member.addresses.includes(text)) return 'ip'
  return member.hostname !== '' && member.hostname === text.split('.')[0] ? 'name' : null
}
