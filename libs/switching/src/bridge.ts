import { isMulticastMac, readMac } from '@wakunet/ethernet'
import { FRAME_HEADER_BYTES, type FrameBatch } from '@wakunet/interface'
import { type DecodedRecord, idEquals, RECORD_FIELD } from '@wakunet/record'
import { BRIDGE_DROPS, type BridgeDrop, createDropCounters, type DropCounters } from './drops.ts'
import { Fdb, type FdbInit, type FdbPort, type FdbStats } from './fdb.ts'
import { ForwardPlan } from './forward-plan.ts'
import { isReservedMac } from './mac.ts'
import { type Member, type MemberInit, MemberTable } from './members.ts'

export interface BridgeInit {
  /** This node's id, 16 bytes. */
  readonly nodeId: Uint8Array
  /** MAC address of the TAP, which no member may use. */
  readonly mac: number
  readonly fdb?: FdbInit
}

/** Monotonic counters. */
export interface BridgeStats {
  /** Members left out because the table was full. */
  membersRefused: number
  /** Members whose announced MAC address is another station's; it was not bound to them. */
  macsRefused: number
}

/** The TAP as a port of the bridge. */
class LocalPort implements FdbPort {
  learnedMacs = 0
}

/**
 * The bridge of one VLAN: one local port, the TAP, and a port for each member. Frames from the TAP go to
 * members, frames from members to the TAP and never to another trunk (split horizon).
 */
export class Bridge {
  readonly members = new MemberTable()
  readonly drops: DropCounters<BridgeDrop> = createDropCounters(BRIDGE_DROPS)
  readonly stats: BridgeStats = { membersRefused: 0, macsRefused: 0 }
  readonly #nodeId: Uint8Array
  readonly #local = new LocalPort()
  readonly #fdb: Fdb<LocalPort | Member>
  readonly #plan = new ForwardPlan()

  constructor(init: BridgeInit, nowMs: number) {
    this.#nodeId = init.nodeId
    this.#fdb = new Fdb(init.fdb)
    this.#fdb.pin(init.mac, this.#local, nowMs)
  }

  get fdbSize(): number {
    return this.#fdb.size
  }

  get fdbStats(): Readonly<FdbStats> {
    return this.#fdb.stats
  }

  /** Takes over the whole membership of the VLAN, this node left out. */
  setMembers(inits: readonly MemberInit[], nowMs: number): void {
    const changes = this.members.replace(inits)
    this.stats.membersRefused += changes.refused
    for (const member of changes.removed) this.#fdb.removePort(member)
    this.#fdb.unpinStale(this.#isPinOf)
    for (const member of this.members.all) {
      if (member.mac === null || this.#fdb.pin(member.mac, member, nowMs)) continue
      this.stats.macsRefused++
      member.mac = null
    }
  }

  /** Whether a pinned address is still what its port announces. */
  readonly #isPinOf = (mac: number, port: LocalPort | Member): boolean =>
    port instanceof LocalPort || port.mac === mac

  /**
   * Decides where the frames of a batch from the TAP go. The plan is valid until the next call. Counts what
   * it drops.
   */
  forward(batch: FrameBatch, nowMs: number): ForwardPlan {
    const plan = this.#plan
    plan.reset()
    for (let i = 0; i < batch.count; i++) this.#forwardFrame(batch.bytes, batch.offsets[i]!, i, nowMs)
    return plan
  }

  #forwardFrame(bytes: Uint8Array, headerOffset: number, index: number, nowMs: number): void {
    const destination = headerOffset + FRAME_HEADER_BYTES
    const reason = this.#learn(bytes, destination, this.#local, nowMs)
    if (reason !== 'ok') {
      this.drops[reason]++
      return
    }
    if (!isMulticastMac(bytes, destination)) {
      const port = this.#fdb.lookup(readMac(bytes, destination), nowMs)
      if (port === this.#local) {
        this.drops['local-destination']++
        return
      }
      if (port !== null) {
        this.#plan.addToMember(port as Member, index)
        return
      }
    }
    if (this.members.size === 0) this.drops['no-member']++
    else this.#plan.addToTree(index)
  }

  /**
   * Whether to believe a record that came over a trunk, for everything but the VLAN id, which the caller has
   * looked up. Counts the refusal. A record is marked as seen only if it passes all other checks.
   * @param peerOffset where the 16-byte node id of the trunk's peer is in `record.bytes`
   * @returns the member that sent it, or null
   */
  admit(record: DecodedRecord, peerOffset: number): Member | null {
    const sender = this.members.find(record.bytes, peerOffset)
    if (sender === null) return this.#refuse('sender-unknown')
    const start = record.offset
    if (!idEquals(record.bytes, start + RECORD_FIELD.ingress, sender.id))
      return this.#refuse('sender-not-ingress')
    if (record.bootNonceHigh !== sender.bootNonceHigh || record.bootNonceLow !== sender.bootNonceLow)
      return this.#refuse('boot-nonce')
    if (!record.tree && !idEquals(record.bytes, start + RECORD_FIELD.egress, this.#nodeId))
      return this.#refuse('egress-other')
    if (record.epoch !== 0) return this.#refuse('epoch')
    const verdict = sender.window.accept(record.sequence)
    if (verdict === 'seen') return this.#refuse('sequence-seen')
    if (verdict === 'old') return this.#refuse('sequence-old')
    return sender
  }

  #refuse(reason: BridgeDrop): null {
    this.drops[reason]++
    return null
  }

  /**
   * Whether a frame of an admitted record goes to the TAP; learns its source. Counts what it drops.
   * @param frameOffset where the Ethernet header starts
   */
  receiveFrame(bytes: Uint8Array, frameOffset: number, sender: Member, nowMs: number): boolean {
    const reason = this.#learn(bytes, frameOffset, sender, nowMs)
    if (reason !== 'ok') {
      this.drops[reason]++
      return false
    }
    if (isMulticastMac(bytes, frameOffset)) return true
    const port = this.#fdb.lookup(readMac(bytes, frameOffset), nowMs)
    if (port === null || port === this.#local) return true
    this.drops['split-horizon']++
    return false
  }

  /** What both directions check before anything else; learns the source address. */
  #learn(
    bytes: Uint8Array,
    frameOffset: number,
    port: LocalPort | Member,
    nowMs: number,
  ): 'ok' | 'source-group' | 'reserved-destination' | 'mac-spoofed' {
    const source = frameOffset + 6
    if (isMulticastMac(bytes, source)) return 'source-group'
    if (isReservedMac(bytes, frameOffset)) return 'reserved-destination'
    const verdict = this.#fdb.learn(readMac(bytes, source), port, nowMs)
    return verdict === 'spoofed' ? 'mac-spoofed' : 'ok'
  }

  /** The topology of a LAN behind some member has changed: forgets what was learned, of the TAP's side too if `ownLan`. */
  flush(ownLan: boolean): void {
    this.#fdb.flush(ownLan ? null : this.#local)
  }

  /** Forgets aged addresses; call it every few seconds. */
  sweep(nowMs: number): void {
    this.#fdb.sweep(nowMs)
  }

  /** Live entries of the forwarding database, at most `limit`; `member` is null for the TAP's side. */
  *fdbEntries(
    nowMs: number,
    limit: number,
  ): Generator<{ mac: number; member: Member | null; ageMs: number }> {
    for (const entry of this.#fdb.entries(nowMs, limit))
      yield {
        mac: entry.mac,
        member: entry.port instanceof LocalPort ? null : entry.port,
        ageMs: Math.max(0, Math.round(nowMs - entry.seenMs)),
      }
  }
}
