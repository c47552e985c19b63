import type { VlanId } from '@wakunet/interface'
import {
  type KnownPeer,
  MAX_ADDRESS_CHARACTERS,
  MAX_ADDRESSES,
  MAX_SIGNED_BYTES,
  MAX_VLANS,
  oneMoreFailure,
  type PeerSource,
  peerScore,
  retryAtMs,
} from './known-peer.ts'
import { endpointOf, groupOfAddresses, LOCAL_GROUP } from './network-group.ts'

export interface PeerStoreLimits {
  readonly peers: number
  /** Peers of one /24 or /48. */
  readonly perNetwork: number
  /** Peers that are said to be at one host and port: there is one at the most. */
  readonly perEndpoint: number
  /** Peers that never answered. */
  readonly unproven: number
}

export const PEER_STORE_LIMITS: PeerStoreLimits = {
  peers: 4_096,
  perNetwork: 32,
  perEndpoint: 4,
  unproven: 2_048,
}

/** What one source says of a peer. */
export interface HeardPeer {
  readonly peerId: string
  readonly source: PeerSource
  readonly addresses: readonly string[]
  readonly pinned?: boolean
  /** The addresses are what the peer has signed itself. */
  readonly signed?: { readonly bytes: Uint8Array; readonly sequence: number }
  readonly vlans?: readonly VlanId[]
}

/** Monotonic counters. */
export interface PeerStoreStats {
  /** Peers that made room for others. */
  evicted: number
  /** Peers that were not taken in: their network, their address or strangers had their share. */
  turnedAway: number
}

/** Sources that tell what they have seen themselves; others pass on what they were told. */
const FIRST_HAND: ReadonlySet<PeerSource> = new Set(['bootstrap', 'vlan', 'mdns', 'inbound'])
/** When the store is full so many of its peers make room at once: finding the least worth costs a look at all. */
const ROOM_SHARE = 32
/** What one peer more of its network costs a peer, when one has to go. */
const CROWD_PENALTY = 1.5
const MAX_CROWD_PENALTY = 30

/**
 * The peers that a node remembers, with what it has seen of them. Bounded in all and for each network, so that whoever has many identities
 * but few addresses gets few places; peers that answered before stay when strangers come in numbers.
 */
export class PeerStore {
  readonly #limits: PeerStoreLimits
  readonly #peers = new Map<string, KnownPeer>()
  readonly #networks = new Map<string, Set<string>>()
  readonly #endpoints = new Map<string, Set<string>>()
  #unproven = 0
  readonly stats: PeerStoreStats = { evicted: 0, turnedAway: 0 }

  constructor(limits: PeerStoreLimits = PEER_STORE_LIMITS) {
    this.#limits = limits
  }

  get size(): number {
    return this.#peers.size
  }

  /** Peers that never answered. */
  get unproven(): number {
    return this.#unproven
  }

  get(peerId: string): KnownPeer | undefined {
    return this.#peers.get(peerId)
  }

  all(): IterableIterator<KnownPeer> {
    return this.#peers.values()
  }

  /** Takes in what a source says. @returns the peer as it is known now; null where it is not taken in */
  learn(told: HeardPeer, nowMs: number): KnownPeer | null {
    const old = this.#peers.get(told.peerId)
    const addresses = told.addresses.filter((address) => this.#mayBeAt(address, told))
    if (addresses.length === 0 && told.addresses.length > 0 && old === undefined) {
      this.stats.turnedAway++
      return null
    }
    const heard = { ...told, addresses }
    const peer = old === undefined ? this.#newcomer(heard, nowMs) : merged(old, heard)
    if (peer === null) return null
    this.#set(peer)
    return peer
  }

  /** Takes in what was known at the last run. */
  restore(peers: Iterable<KnownPeer>, nowMs: number): void {
    for (const peer of peers) {
      const inTime = (ms: number | null) => (ms === null ? null : Math.min(ms, nowMs))
      if (this.#peers.has(peer.peerId) || !this.#hasRoom(peer, nowMs)) continue
      this.#set({ ...peer, answeredMs: inTime(peer.answeredMs), triedMs: inTime(peer.triedMs) })
    }
  }

  /** A peer has answered, at `address` where this side dialled. */
  answered(
    peerId: string,
    nowMs: number,
    { address, rttMs }: { address?: string; rttMs?: number } = {},
  ): void {
    this.#change(peerId, (peer) => ({
      ...peer,
      answeredMs: nowMs,
      triedMs: nowMs,
      failures: 0,
      rttMs: rttMs ?? peer.rttMs,
      addresses:
        address === undefined || !peer.addresses.includes(address)
          ? peer.addresses
          : [address, ...peer.addresses.filter((other) => other !== address)],
    }))
  }

  failed(peerId: string, nowMs: number): void {
    this.#change(peerId, (peer) => ({ ...peer, triedMs: nowMs, failures: oneMoreFailure(peer.failures) }))
  }

  /** A peer has had a trunk for so long. */
  wasUp(peerId: string, durationMs: number): void {
    this.#change(peerId, (peer) => ({ ...peer, uptimeMs: peer.uptimeMs + Math.max(0, durationMs) }))
  }

  /** Replaces the VLANs of this node that a peer is in. */
  setVlans(peerId: string, vlans: readonly VlanId[]): void {
    this.#change(peerId, (peer) => ({ ...peer, vlans: vlans.slice(0, MAX_VLANS) }))
  }

  /** Forgets what was known of members of VLANs that this node has left. */
  keepVlans(ours: ReadonlySet<VlanId>): void {
    for (const peer of this.#peers.values())
      if (peer.vlans.some((vlan) => !ours.has(vlan)))
        this.#peers.set(peer.peerId, { ...peer, vlans: peer.vlans.filter((vlan) => ours.has(vlan)) })
  }

  /** Peers that are said to be in a VLAN. */
  membersOf(vlan: VlanId): KnownPeer[] {
    return [...this.#peers.values()].filter(({ vlans }) => vlans.includes(vlan))
  }

  /** Peers to dial now, best first, one network after another, so that a crowded one does not come first. */
  candidates(nowMs: number, wanted: (peer: KnownPeer) => boolean, count: number): KnownPeer[] {
    const due = [...this.#peers.values()].filter(
      (peer) => peer.addresses.length > 0 && retryAtMs(peer) <= nowMs && wanted(peer),
    )
    return spread(due, (peer) => peerScore(peer, nowMs)).slice(0, count)
  }

  /** Those whose answer is the oldest news, longest ago first: to be asked whether they are there still. */
  stalest(nowMs: number, beforeMs: number, count: number): KnownPeer[] {
    return [...this.#peers.values()]
      .filter(
        (peer) => peer.addresses.length > 0 && (peer.triedMs ?? 0) <= beforeMs && retryAtMs(peer) <= nowMs,
      )
      .sort((a, b) => (a.triedMs ?? 0) - (b.triedMs ?? 0))
      .slice(0, count)
  }

  /**
   * Peers to tell another of: members of its VLANs for one half at the most, drawn by chance and from different networks. Only peers that
   * have signed their addresses and answered lately.
   * @param random uniform in [0, 1)
   */
  sample(
    nowMs: number,
    { vlans, except, count, freshMs, random }: SampleInit,
  ): { peer: KnownPeer; shared: VlanId[] }[] {
    const fresh = [...this.#peers.values()]
      .filter(
        ({ peerId, signed, answeredMs }) =>
          signed !== null && peerId !== except && answeredMs !== null && nowMs - answeredMs <= freshMs,
      )
      .map((peer) => ({ peer, shared: peer.vlans.filter((vlan) => vlans.has(vlan)) }))
    const drawn = new Map(fresh.map((entry) => [entry.peer.peerId, random()]))
    const inTurn = (entries: typeof fresh) => {
      const byPeer = new Map(entries.map((entry) => [entry.peer.peerId, entry]))
      return spread(
        entries.map(({ peer }) => peer),
        ({ peerId }) => drawn.get(peerId)!,
      ).map(({ peerId }) => byPeer.get(peerId)!)
    }
    const members = inTurn(fresh.filter(({ shared }) => shared.length > 0))
    const others = inTurn(fresh.filter(({ shared }) => shared.length === 0))
    const ofMembers = Math.max(Math.ceil(count * 0.75), count - others.length)
    return [...members.slice(0, ofMembers), ...others].slice(0, count)
  }

  /** False for an address that is too long, or where too many others are said to be: nobody shall be knocked at by all of us. */
  #mayBeAt(address: string, { peerId, pinned }: HeardPeer): boolean {
    if (address.length > MAX_ADDRESS_CHARACTERS) return false
    const there = this.#endpoints.get(endpointOf(address))
    return pinned === true || there?.has(peerId) === true || this.#roomIn(there, this.#limits.perEndpoint)
  }

  #newcomer(heard: HeardPeer, nowMs: number): KnownPeer | null {
    const peer = merged(blank(heard, nowMs), heard)
    if (this.#hasRoom(peer, nowMs)) return peer
    this.stats.turnedAway++
    return null
  }

  /** Makes room where there is none and the newcomer is worth it. */
  #hasRoom(peer: KnownPeer, nowMs: number): boolean {
    if (peer.pinned) return true
    const group = groupOfAddresses(peer.addresses)
    if (group !== LOCAL_GROUP && !this.#roomIn(this.#networks.get(group), this.#limits.perNetwork))
      return false
    if (this.#unproven >= this.#limits.unproven && peer.answeredMs === null)
      this.#evict(nowMs, ({ answeredMs }) => answeredMs === null)
    if (this.#peers.size >= this.#limits.peers) this.#evict(nowMs, () => true)
    return (
      this.#peers.size < this.#limits.peers &&
      (peer.answeredMs !== null || this.#unproven < this.#limits.unproven)
    )
  }

  /** True where the share is not used up, or one of those who use it never answered and has failed. */
  #roomIn(members: ReadonlySet<string> | undefined, limit: number): boolean {
    if (members === undefined || members.size < limit) return true
    for (const peerId of members) {
      const peer = this.#peers.get(peerId)!
      if (peer.pinned || peer.answeredMs !== null || peer.failures === 0) continue
      this.#remove(peer)
      this.stats.evicted++
      return true
    }
    return false
  }

  #evict(nowMs: number, which: (peer: KnownPeer) => boolean): void {
    const worth = (peer: KnownPeer): number => {
      const group = groupOfAddresses(peer.addresses)
      const crowd = group === LOCAL_GROUP ? 0 : (this.#networks.get(group)?.size ?? 1) - 1
      return peerScore(peer, nowMs) - Math.min(MAX_CROWD_PENALTY, CROWD_PENALTY * crowd)
    }
    const least = [...this.#peers.values()]
      .filter((peer) => !peer.pinned && which(peer))
      .map((peer) => ({ peer, worth: worth(peer) }))
      .sort((a, b) => a.worth - b.worth)
      .slice(0, Math.max(1, Math.floor(this.#limits.peers / ROOM_SHARE)))
    for (const { peer } of least) this.#remove(peer)
    this.stats.evicted += least.length
  }

  #change(peerId: string, change: (peer: KnownPeer) => KnownPeer): void {
    const peer = this.#peers.get(peerId)
    if (peer !== undefined) this.#set(change(peer))
  }

  #set(peer: KnownPeer): void {
    const old = this.#peers.get(peer.peerId)
    if (old !== undefined) this.#remove(old)
    this.#peers.set(peer.peerId, peer)
    if (peer.answeredMs === null) this.#unproven++
    addTo(this.#networks, groupOfAddresses(peer.addresses), peer.peerId)
    for (const address of peer.addresses) addTo(this.#endpoints, endpointOf(address), peer.peerId)
  }

  #remove(peer: KnownPeer): void {
    this.#peers.delete(peer.peerId)
    if (peer.answeredMs === null) this.#unproven--
    removeFrom(this.#networks, groupOfAddresses(peer.addresses), peer.peerId)
    for (const address of peer.addresses) removeFrom(this.#endpoints, endpointOf(address), peer.peerId)
  }
}

export interface SampleInit {
  /** VLANs of the peer that is told. */
  readonly vlans: ReadonlySet<VlanId>
  /** The peer that is told. */
  readonly except: string
  readonly count: number
  /** How long ago a peer may have answered last. */
  readonly freshMs: number
  readonly random: () => number
}

function blank({ peerId, source, pinned = false }: HeardPeer, nowMs: number): KnownPeer {
  return {
    peerId,
    source,
    pinned,
    addresses: [],
    signed: null,
    sequence: -1,
    vlans: [],
    firstHeardMs: nowMs,
    answeredMs: null,
    triedMs: null,
    failures: 0,
    rttMs: null,
    uptimeMs: 0,
  }
}

/** What was known with what a source says now: what the peer has signed replaces, what others say adds where it has signed nothing. */
function merged(peer: KnownPeer, { addresses, signed, vlans, source, pinned }: HeardPeer): KnownPeer {
  const base = {
    ...peer,
    pinned: peer.pinned || pinned === true,
    vlans: vlans === undefined ? peer.vlans : [...new Set([...peer.vlans, ...vlans])].slice(0, MAX_VLANS),
  }
  if (signed !== undefined) {
    if (signed.sequence <= peer.sequence || signed.bytes.length > MAX_SIGNED_BYTES) return base
    const stay = peer.pinned ? peer.addresses : []
    return {
      ...base,
      signed: signed.bytes,
      sequence: signed.sequence,
      addresses: union(addresses, stay),
    }
  }
  if (peer.signed !== null && !FIRST_HAND.has(source)) return base
  return { ...base, addresses: union(addresses, peer.addresses) }
}

const union = (first: readonly string[], second: readonly string[]): string[] =>
  [...new Set([...first, ...second])].slice(0, MAX_ADDRESSES)

/** Best first, but the second of a network after the first of every other, and so on; private addresses are no network. */
function spread(peers: readonly KnownPeer[], worth: (peer: KnownPeer) => number): KnownPeer[] {
  const seen = new Map<string, number>()
  return peers
    .map((peer) => ({ peer, worth: worth(peer) }))
    .sort((a, b) => b.worth - a.worth)
    .map((entry) => {
      const group = groupOfAddresses(entry.peer.addresses)
      const turn = group === LOCAL_GROUP ? 0 : (seen.get(group) ?? 0)
      seen.set(group, turn + 1)
      return { ...entry, turn }
    })
    .sort((a, b) => a.turn - b.turn || b.worth - a.worth)
    .map(({ peer }) => peer)
}

function addTo(sets: Map<string, Set<string>>, key: string, member: string): void {
  const set = sets.get(key) ?? new Set()
  sets.set(key, set.add(member))
}

function removeFrom(sets: Map<string, Set<string>>, key: string, member: string): void {
  const set = sets.get(key)
  set?.delete(member)
  if (set?.size === 0) sets.delete(key)
}
