import { macToString, readMac, writeMac } from '@wakunet/ethernet'
import { compareIds } from '@wakunet/gossip'
import { fromUint32, toUint32 } from './address-order.ts'
import type { AddressSpace } from './address-space.ts'
import { Affinity } from './affinity.ts'
import type { Claim } from './claim-order.ts'
import { ClaimTable, type ClaimTableInit } from './claim-table.ts'
import { isOwnAddress, type Lease } from './lease.ts'
import { type OwnLease, OwnLeases } from './own-leases.ts'
import { TimedSet } from './timed-set.ts'

export interface LeaseBookInit {
  /** Of this node, 16 bytes. */
  readonly nodeId: Uint8Array
  /** 32 random bits. */
  readonly hashSeed: number
  readonly space: AddressSpace
  /** Unix milliseconds for a lease that begins now. */
  readonly sinceMs: () => number
  readonly onWinner: ClaimTableInit['onWinner']
  /** The leases of this node are others now. */
  readonly onOwnChanged: () => void
  /** Another member has the address by right. The lease is gone, unless it is one of the own interface. */
  readonly onLost: (lease: OwnLease, winner: Claim | null) => void
  /** Another member says that a station of this node has come to it. */
  readonly onRival: (lease: OwnLease) => void
}

/**
 * Whether a host can have an address:
 * - `free`: it has it, or nobody does
 * - `kept`: for another one that had it lately; where nothing else is left
 * - `moved`: another member says that it has given it to this same host
 * - `taken`: by somebody else
 */
export type Availability = 'free' | 'kept' | 'moved' | 'taken'

/** Addresses that are tried for one host before the pool counts as used up. */
export const MAX_POOL_TRIES = 4_096
/** How long the member that a host has left may take to notice. */
export const CONTEND_MS = 2_000
/** An address that somebody without a lease answers for, or that a host has declined, is put aside for so long. */
export const PUT_ASIDE_MS = 600_000
const MAX_PUT_ASIDE = 256
/** A member that did not get a host that was heard there does not try again for so long. */
const CONTEST_LOST_MS = 30_000
/** Rivals are heeded this often for one lease. */
const RIVAL_INTERVAL_MS = 10_000

/** All leases of the VLAN: those of members as they announce them, and those of this node. */
export class LeaseBook {
  readonly claims: ClaimTable
  readonly own: OwnLeases
  readonly affinity = new Affinity()
  readonly putAside = new TimedSet(MAX_PUT_ASIDE, PUT_ASIDE_MS)
  readonly #contestsLost = new TimedSet(MAX_PUT_ASIDE, CONTEST_LOST_MS)
  /** Own leases that were lost to another member. */
  lost = 0
  space: AddressSpace
  readonly #init: LeaseBookInit
  #ownClaims: readonly Claim[] = []
  #isSettled = true

  constructor(init: LeaseBookInit) {
    this.#init = init
    this.space = init.space
    this.claims = new ClaimTable({
      space: init.space,
      hashSeed: init.hashSeed,
      onWinner: (address, before, after) => {
        this.#isSettled = false
        init.onWinner(address, before, after)
      },
    })
    this.own = new OwnLeases(() => {
      this.#isSettled = false
      const before = this.#ownClaims
      this.#ownClaims = this.own.sorted().map((lease) => ({ ...lease, owner: init.nodeId }))
      this.claims.replace(before, this.#ownClaims)
      init.onOwnChanged()
    })
  }

  /** Takes over another plan. `settle` then gives up what is not allowed any more. */
  setSpace(space: AddressSpace): void {
    this.space = space
    this.claims.setSpace(space)
    this.#isSettled = false
  }

  /** @param before what the member claimed until now */
  replaceMember(before: readonly Claim[], after: readonly Claim[]): void {
    this.claims.replace(before, after)
    // A rival may claim without winning.
    this.#isSettled = false
  }

  /** A member is gone: what it had is kept for its hosts. */
  removeMember(claims: readonly Claim[], nowMs: number): void {
    for (const { address, mac } of claims)
      if (address.length === 4) this.affinity.keep(toUint32(address), readMac(mac, 0), nowMs)
    this.claims.replace(claims, [])
  }

  isOwn(claim: Claim): boolean {
    return compareIds(claim.owner, this.#init.nodeId) === 0
  }

  /** The claim of another member to an address, if that counts. */
  otherWinner(address: Uint8Array): Claim | null {
    const winner = this.claims.winnerOf(address)
    return winner === null || this.isOwn(winner) ? null : winner
  }

  /** @param address unsigned 32-bit integer; @param mac 48-bit integer */
  availability(address: number, mac: number, nowMs: number): Availability {
    const bytes = fromUint32(address)
    const isReserved = this.space.reservedForMac(mac) === address
    if (!isReserved && !this.space.isInPool(address)) return 'taken'
    const winner = this.otherWinner(bytes)
    if (winner !== null && readMac(winner.mac, 0) === mac) return 'moved'
    if (winner !== null && !isReserved) return 'taken'
    const own = this.own.get(bytes)
    if (own !== null) return readMac(own.mac, 0) === mac ? 'free' : 'taken'
    if (this.putAside.has(address, nowMs)) return 'taken'
    const holder = this.affinity.holderOf(address, nowMs)
    return holder === null || holder === mac || isReserved ? 'free' : 'kept'
  }

  /**
   * An address for a host: the reserved one, the one it has or had, one that it asks for, or else the first free one in the
   * order that is its own.
   * @param hints addresses in the order of preference
   * @param isOffered whether the address is on offer to another host
   */
  choose(
    mac: number,
    hints: readonly (number | null)[],
    isOffered: (address: number) => boolean,
    nowMs: number,
  ): number | null {
    const reserved = this.space.reservedForMac(mac)
    if (reserved !== null && this.availability(reserved, mac, nowMs) !== 'taken') return reserved
    const first = [this.#addressOf(mac), this.affinity.ofMac(mac, nowMs), ...hints]
    for (const address of first) {
      if (address === null || isOffered(address)) continue
      const availability = this.availability(address, mac, nowMs)
      if (availability === 'free' || availability === 'moved') return address
    }
    return this.#walk(mac, isOffered, nowMs)
  }

  #addressOf(mac: number): number | null {
    const lease = this.own.ofMac(mac)
    return lease === null ? null : toUint32(lease.address)
  }

  #walk(mac: number, isOffered: (address: number) => boolean, nowMs: number): number | null {
    const bytes = new Uint8Array(6)
    writeMac(bytes, 0, mac)
    const walk = this.space.walkOf(macToString(bytes))
    if (walk === null) return null
    let kept: number | null = null
    const tries = Math.min(this.space.poolSize, MAX_POOL_TRIES)
    for (let attempt = 0; attempt < tries; attempt++) {
      const address = walk.at(attempt)
      if (isOffered(address)) continue
      const availability = this.availability(address, mac, nowMs)
      if (availability === 'free') return address
      if (availability === 'kept') kept ??= address
    }
    return kept
  }

  /**
   * Gives a host an address; it has one at a time. Where another member still has the same host, the lease counts only when that one
   * has given it up.
   * @returns null where this member has too many leases
   */
  grant(
    address: number,
    mac: Uint8Array,
    hostname: string,
    expiresMs: number,
    nowMs: number,
  ): OwnLease | null {
    const bytes = fromUint32(address)
    const before = this.own.ofMac(readMac(mac, 0))
    if (before !== null && toUint32(before.address) === address) {
      before.expiresMs = expiresMs
      if (before.hostname === hostname || hostname === '') return before
      return this.own.put({ ...before, hostname }, expiresMs, nowMs)
    }
    if (before !== null) this.end(before, nowMs)
    const lease = { mac: Uint8Array.from(mac), address: bytes, kind: 'dhcp' as const, hostname }
    return this.#add(lease, expiresMs, nowMs)
  }

  /** A host of the TAP's side was heard with an address: perhaps one of the pool that it has without having asked. */
  observe(address: Uint8Array, mac: Uint8Array, nowMs: number): void {
    const known = this.own.get(address)
    if (known !== null) {
      if (sameMac(known, { mac })) known.seenMs = nowMs
      return
    }
    if (!this.space.isInPool(toUint32(address))) return
    const winner = this.otherWinner(address)
    if (winner !== null && !sameMac(winner, { mac })) return
    if (winner !== null && this.#contestsLost.has(toUint32(address), nowMs)) return
    const lease = { mac, address: Uint8Array.from(address), kind: 'observed' as const, hostname: '' }
    this.#add(lease, Number.POSITIVE_INFINITY, nowMs)
  }

  #add(lease: Omit<Lease, 'sinceMs'>, expiresMs: number, nowMs: number): OwnLease | null {
    const known = this.own.get(lease.address)
    const isSame = known !== null && sameMac(known, lease)
    const sinceMs = isSame ? known.sinceMs : this.#init.sinceMs()
    const own = this.own.put({ ...lease, sinceMs }, expiresMs, nowMs)
    if (own !== null && this.otherWinner(lease.address) !== null) own.contendUntilMs = nowMs + CONTEND_MS
    return own
  }

  /** Takes an address for the own interface. */
  claim(lease: Omit<Lease, 'sinceMs'>, nowMs: number): void {
    this.own.put({ ...lease, sinceMs: this.#init.sinceMs() }, Number.POSITIVE_INFINITY, nowMs)
  }

  /** Ends a lease; the address is kept for its host. */
  end(lease: OwnLease, nowMs: number): void {
    this.own.delete(lease)
    if (lease.kind === 'dhcp') this.affinity.keep(toUint32(lease.address), readMac(lease.mac, 0), nowMs)
  }

  /** Whether `settle` has something to do. */
  get isSettled(): boolean {
    return this.#isSettled
  }

  /** Compares the own leases with what counts now. */
  settle(nowMs: number): void {
    while (!this.#isSettled) {
      this.#isSettled = true
      for (const lease of [...this.own]) this.#settleOne(lease, nowMs)
    }
  }

  #settleOne(lease: OwnLease, nowMs: number): void {
    const winner = this.claims.winnerOf(lease.address)
    if (winner !== null && this.isOwn(winner)) {
      lease.contendUntilMs = null
      if (!isOwnAddress(lease) && this.#isAllowed(lease)) this.#heedRival(lease, nowMs)
      else if (!isOwnAddress(lease)) this.#lose(lease, null)
      return
    }
    if (lease.contendUntilMs !== null && winner !== null && sameMac(winner, lease)) {
      if (nowMs < lease.contendUntilMs) return
      this.#contestsLost.add(toUint32(lease.address), nowMs)
    }
    this.#lose(lease, winner)
  }

  /** The plan may have given the address to somebody else. */
  #isAllowed({ address, mac, kind }: OwnLease): boolean {
    const number = toUint32(address)
    if (kind === 'observed') return true
    return this.space.isInPool(number) || this.space.reservedForMac(readMac(mac, 0)) === number
  }

  #heedRival(lease: OwnLease, nowMs: number): void {
    if (nowMs - lease.askedMs < RIVAL_INTERVAL_MS) return
    const isRival = (claim: Claim) => !this.isOwn(claim) && sameMac(claim, lease)
    if (!this.claims.claimsOf(lease.address).some(isRival)) return
    lease.askedMs = nowMs
    this.#init.onRival(lease)
  }

  #lose(lease: OwnLease, winner: Claim | null): void {
    if (!isOwnAddress(lease)) {
      this.lost++
      this.own.delete(lease)
    }
    this.#init.onLost(lease, winner)
  }

  /** When a lease ends, or a contest. */
  get dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY
    for (const { expiresMs, contendUntilMs } of this.own)
      dueMs = Math.min(dueMs, expiresMs, contendUntilMs ?? Number.POSITIVE_INFINITY)
    return dueMs
  }

  tick(nowMs: number): void {
    for (const lease of [...this.own]) {
      if (nowMs >= lease.expiresMs) this.end(lease, nowMs)
      else if (lease.contendUntilMs !== null && nowMs >= lease.contendUntilMs) this.#isSettled = false
    }
    this.settle(nowMs)
  }
}

function sameMac(a: Pick<Lease, 'mac'>, b: Pick<Lease, 'mac'>): boolean {
  return readMac(a.mac, 0) === readMac(b.mac, 0)
}
