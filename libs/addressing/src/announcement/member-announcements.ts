import { bytesToHex } from '@noble/hashes/utils.js'
import { macFromString } from '@wakunet/ethernet'
import {
  compareIds,
  type GossipDrop,
  type GossipMembers,
  type GossipPeer,
  type HeldDocument,
  keyOfId,
  OriginExchange,
} from '@wakunet/gossip'
import type { NodeId, VlanId } from '@wakunet/interface'
import type { Lease } from '../leases/lease.ts'
import { memberMac } from '../member-address.ts'
import {
  type Announcement,
  type AnnouncementFields,
  CONTROL_MEMBER,
  encodeAnnouncement,
  joinSignature,
  MAX_MULTIADDR_BYTES,
  MAX_MULTIADDRS,
  type ReadAnnouncement,
  SIGNATURE_BYTES,
} from './announcement.ts'
import { type AnnouncementFault, announcementFault, type Verify } from './announcement-proof.ts'

/** As link state, which has as many documents. */
const LIMITS = { syncBurst: 1_024, syncPerSecond: 256, digestAgainMs: 1_000 } as const
const PUBLIC_KEY_BYTES = 32
/** Members that are gone are remembered, so that nobody backdates leases by going away for a moment. */
const MAX_GONE = 1_024
const GONE_MS = 24 * 3_600_000
const MULTIADDR = /^[\x21-\x7e]+$/

/** What this node says beside what follows from its key. */
export type OwnFacts = Pick<
  AnnouncementFields,
  'bridged' | 'mtu' | 'hostname' | 'sealing' | 'multiaddrs' | 'leases'
>

export interface Signed {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 64 bytes. */
  readonly signature: Uint8Array
}

export interface MemberAnnouncementsInit<P extends GossipPeer> {
  /** 16 bytes each. */
  readonly vlanId: Uint8Array
  readonly nodeId: Uint8Array
  readonly firstSequence: number
  readonly wallMs: () => number
  readonly verify: Verify
  readonly read: ReadAnnouncement
  /** What to say now. */
  readonly facts: () => OwnFacts
  readonly sign: (payload: Uint8Array, done: (signed: Signed | null) => void) => void
  readonly send: (to: P, message: Uint8Array) => void
  readonly onAnnouncement: (announcement: Announcement, before: Announcement | null) => void
  /** An announcement of an earlier start of this node is known to others. */
  readonly onOwnHeard: (announcement: Announcement) => void
}

/** The announcements of all members, and this node's own: type 4 of `docs/protocols/vlan-control.md`. */
export class MemberAnnouncements<P extends GossipPeer> {
  /** Announcements of this node that were sent. */
  announced = 0
  readonly faults: Record<AnnouncementFault, number> = { forged: 0, backdated: 0 }
  readonly #init: MemberAnnouncementsInit<P>
  readonly #exchange: OriginExchange<P, Announcement>
  /** What members said last that are no members now, by time of leaving. */
  readonly #gone = new Map<string, { readonly announcement: Announcement; readonly untilMs: number }>()
  /** Learned with the first signature; zero until then. */
  #publicKey: Uint8Array = new Uint8Array(PUBLIC_KEY_BYTES)
  #nowMs: number

  constructor(init: MemberAnnouncementsInit<P>, nowMs: number) {
    this.#init = init
    this.#nowMs = nowMs
    this.#exchange = new OriginExchange<P, Announcement>(
      {
        type: CONTROL_MEMBER,
        nodeId: init.nodeId,
        firstSequence: init.firstSequence,
        wallMs: init.wallMs,
        read: init.read,
        encode: (sequence, done) => this.#encode(sequence, done),
        accept: (held, before) => this.#accept(held, before),
        isSigned: true,
        send: init.send,
        onDocument: (_, announcement, before) => init.onAnnouncement(announcement, before),
        limits: LIMITS,
      },
      nowMs,
    )
  }

  get drops(): Readonly<Record<GossipDrop, number>> {
    return this.#exchange.drops
  }

  /** Unix milliseconds for a lease that begins now: not before the last announcement, whatever the clock says. */
  get sinceMs(): number {
    return Math.max(this.#init.wallMs(), this.#exchange.ownSequence, 1)
  }

  get digest(): { readonly high: number; readonly low: number } {
    return this.#exchange.digest
  }

  /** What a member said last, or null. */
  of(nodeId: Uint8Array): Announcement | null {
    return this.#exchange.documentOf(nodeId)
  }

  /** @returns what those said last who are no members any more */
  setPeers(members: GossipMembers<P>, neighbours: readonly P[], nowMs: number): Announcement[] {
    this.#nowMs = nowMs
    const gone = this.#exchange.setMembers(members, nowMs).map(({ document }) => document)
    this.#exchange.setNeighbours(neighbours, nowMs)
    for (const announcement of gone) this.#remember(announcement, nowMs)
    return gone
  }

  #remember(announcement: Announcement, nowMs: number): void {
    const key = keyOfId(announcement.origin)
    this.#gone.delete(key)
    const [oldest] = this.#gone.keys()
    if (oldest !== undefined && this.#gone.size >= MAX_GONE) this.#gone.delete(oldest)
    this.#gone.set(key, { announcement, untilMs: nowMs + GONE_MS })
  }

  /** What a member said before it was gone, or null. */
  #saidBefore(origin: Uint8Array): Announcement | null {
    const gone = this.#gone.get(keyOfId(origin))
    return gone === undefined || gone.untilMs <= this.#nowMs ? null : gone.announcement
  }

  changed(nowMs: number): void {
    this.#exchange.changed(nowMs)
  }

  receive(bytes: Uint8Array, offset: number, length: number, from: P, nowMs: number): void {
    this.#nowMs = nowMs
    this.#exchange.receive(bytes, offset, length, from, nowMs)
  }

  #accept(held: HeldDocument<Announcement>, last: Announcement | null): boolean {
    const { vlanId, verify, nodeId } = this.#init
    const announcement = held.document
    const before = last ?? this.#saidBefore(announcement.origin)
    const macOf = (id: Uint8Array) =>
      macFromString(memberMac(bytesToHex(vlanId) as VlanId, bytesToHex(id) as NodeId))
    const fault = announcementFault(held, { vlanId, macOf, before, verify })
    if (fault !== null) this.faults[fault]++
    else if (compareIds(announcement.origin, nodeId) === 0) this.#init.onOwnHeard(announcement)
    return fault === null
  }

  /** The key is part of what is signed, so the first attempt only finds it out. */
  #encode(sequence: number, done: (bytes: Uint8Array | null) => void): void {
    const publicKey = this.#publicKey
    const leases = this.#init.facts().leases.map((lease) => clampSince(lease, sequence))
    const fields = { ...this.#init.facts(), leases, sequence, origin: this.#init.nodeId, publicKey }
    const payload = encodeAnnouncement(fields)
    this.#init.sign(payload, (signed) => {
      if (signed === null || !isWellFormed(signed)) done(null)
      else if (signed.publicKey.every((byte, i) => byte === publicKey[i])) {
        this.announced++
        done(joinSignature(payload, signed.signature))
      } else if (publicKey.some((byte) => byte !== 0)) done(null)
      else {
        this.#publicKey = Uint8Array.from(signed.publicKey)
        this.#encode(sequence, done)
      }
    })
  }

  dueMs(nowMs: number): number {
    return this.#exchange.dueMs(nowMs)
  }

  tick(nowMs: number): void {
    this.#exchange.tick(nowMs)
  }
}

function isWellFormed({ publicKey, signature }: Signed): boolean {
  return publicKey.length === PUBLIC_KEY_BYTES && signature.length === SIGNATURE_BYTES
}

/** A lease is never later than its announcement. */
function clampSince(lease: Lease, sequence: number): Lease {
  return lease.sinceMs <= sequence ? lease : { ...lease, sinceMs: sequence }
}

/** Those that may be announced, no more than fit. */
export function announceable(multiaddrs: readonly string[]): string[] {
  return multiaddrs
    .filter((text) => text.length <= MAX_MULTIADDR_BYTES && MULTIADDR.test(text))
    .slice(0, MAX_MULTIADDRS)
}
