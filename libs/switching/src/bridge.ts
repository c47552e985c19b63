import { isMulticastMac } from '@wakunet/ethernet'
import { FRAME_HEADER_BYTES, type FrameBatch } from '@wakunet/interface'
import type { BridgePolicy } from './bridge-policy.ts'
import { BRIDGE_DROPS, type BridgeDrop, createDropCounters, type DropCounters } from './drops.ts'
import { Fdb, type FdbEntry, type FdbInit, type FdbPort, type FdbStats } from './fdb.ts'
import { ForwardPlan } from './forward-plan.ts'
import { isReservedMac } from './mac.ts'
import { type Member, type MemberChanges, type MemberInit, MemberTable } from './members.ts'

export interface BridgeInit {
  /** MAC address of the TAP, which no member may use. */
  readonly mac: number
  readonly fdb?: FdbInit
  /** Decides beside the forwarding database; none lets every frame pass. */
  readonly policy?: BridgePolicy
  /**
   * A learned address was heard on another port. Whoever can ask the station does so now: what it answers shows where it is
   * (`Fdb.learn`). `owner` is the member on whose side it was until now, null for the TAP's side.
   */
  readonly onContest?: (mac: number, owner: Member | null) => void
  /** A learned address has moved; null is the TAP's side. */
  readonly onMoved?: (mac: number, from: Member | null, to: Member | null) => void
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
  readonly #local = new LocalPort()
  readonly #fdb: Fdb<LocalPort | Member>
  readonly #policy: BridgePolicy | null
  readonly #plan = new ForwardPlan()
  /** Members whose announced MAC address is another station's. */
  readonly #unbound = new Set<Member>()

  constructor(init: BridgeInit, nowMs: number) {
    const { onContest, onMoved } = init
    this.#policy = init.policy ?? null
    this.#fdb = new Fdb(init.fdb, {
      onContest: ({ mac, port }) => onContest?.(mac, memberOf(port)),
      onMoved: ({ mac, port }, from) => onMoved?.(mac, memberOf(from), memberOf(port)),
    })
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
    this.#note(this.members.replace(inits), nowMs)
  }

  /** Takes over what has changed of it, see `MemberTable.change`. */
  changeMembers(changed: readonly MemberInit[], gone: readonly Uint8Array[], nowMs: number): void {
    this.#note(this.members.change(changed, gone), nowMs)
  }

  #note({ removed, changed, hasNewMac, refused }: MemberChanges, nowMs: number): void {
    this.stats.membersRefused += refused
    if (removed.length > 0) {
      this.#fdb.removePorts(new Set(removed))
      for (const member of removed) {
        this.#unbound.delete(member)
        this.#policy?.removeMember(member)
      }
    }
    if (hasNewMac) this.#fdb.unpinStale(this.#isPinOf)
    for (const member of changed) this.#bindMac(member, nowMs)
    // An address that was somebody else's may be free now.
    if (removed.length > 0 || hasNewMac) for (const member of this.#unbound) this.#bindMac(member, nowMs)
  }

  #bindMac(member: Member, nowMs: number): void {
    if (member.mac === null || this.#fdb.pin(member.mac, member, nowMs)) {
      this.#unbound.delete(member)
      return
    }
    if (!this.#unbound.has(member)) this.stats.macsRefused++
    this.#unbound.add(member)
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
    for (let i = 0; i < batch.count; i++) this.#forwardFrame(batch, i, nowMs)
    return plan
  }

  #forwardFrame(batch: FrameBatch, index: number, nowMs: number): void {
    const { bytes } = batch
    const at = batch.offsets[index]! + FRAME_HEADER_BYTES
    if (!this.#learn(bytes, at, this.#local, nowMs)) return
    const isGroup = isMulticastMac(bytes, at)
    const port = isGroup ? null : this.#fdb.lookup(bytes, at, nowMs)
    if (port === this.#local) {
      this.drops['local-destination']++
      return
    }
    const policy = this.#policy
    const fate =
      policy === null
        ? 'pass'
        : policy.forward(bytes, at, batch.lengths[index]!, port as Member | null, nowMs)
    if (fate === 'stop') return
    if (isReservedMac(bytes, at)) this.drops['reserved-destination']++
    else if (fate === 'members')
      for (let i = 0; i < policy!.targetCount; i++) this.#plan.addToMember(policy!.target(i), index)
    else if (port !== null) this.#plan.addToMember(port as Member, index)
    else if (this.members.size === 0) this.drops['no-member']++
    else this.#plan.addToTree(index)
  }

  /**
   * Whether a frame of a record that came over a trunk goes to the TAP; learns its source. Counts what it drops.
   * @param at where the Ethernet header starts
   */
  receiveFrame(bytes: Uint8Array, at: number, length: number, sender: Member, nowMs: number): boolean {
    if (!this.#learn(bytes, at, sender, nowMs)) return false
    const port = isMulticastMac(bytes, at) ? null : this.#fdb.lookup(bytes, at, nowMs)
    if (port !== null && port !== this.#local) {
      this.drops['split-horizon']++
      return false
    }
    if (this.#policy !== null && !this.#policy.receive(bytes, at, length, sender, port !== null, nowMs))
      return false
    if (!isReservedMac(bytes, at)) return true
    this.drops['reserved-destination']++
    return false
  }

  /**
   * What both directions check before anything else; learns the source address. Counts what it drops. What a station of the TAP's
   * side sends is for others to believe or not: they must hear it, or they would never ask where the station is now.
   */
  #learn(bytes: Uint8Array, at: number, port: LocalPort | Member, nowMs: number): boolean {
    const source = at + 6
    if (isMulticastMac(bytes, source)) this.drops['source-group']++
    else {
      const verdict = this.#fdb.learn(bytes, source, port, nowMs)
      if (verdict === 'spoofed') this.drops['mac-spoofed']++
      else if (verdict === 'held' && port !== this.#local) this.drops['mac-held']++
      else return true
    }
    return false
  }

  /** The topology of a LAN behind some member has changed: forgets what was learned, of the TAP's side too if `ownLan`. */
  flush(ownLan: boolean): void {
    this.#fdb.flush(ownLan ? null : this.#local)
  }

  /** When `tick` has something to do. */
  get dueMs(): number {
    return this.#fdb.dueMs
  }

  /** Moves addresses whose stations did not answer where they were. */
  tick(nowMs: number): void {
    this.#fdb.tick(nowMs)
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
        member: memberOf(entry.port),
        ageMs: Math.max(0, Math.round(nowMs - entry.seenMs)),
      }
  }
}

function memberOf(port: FdbEntry<LocalPort | Member>['port']): Member | null {
  return port instanceof LocalPort ? null : port
}
