import { macToString, readMac } from '@wakunet/ethernet'
import { formatCidr, parseCidr } from '../cidr.ts'
import { formatIp } from '../ip-address.ts'
import { address6 } from '../member-address.ts'
import type { AddressMode } from '../vlan-addressing-init.ts'
import { compareAddresses, fromUint32, toUint32 } from './address-order.ts'
import type { Claim } from './claim-order.ts'
import { isOwnAddress } from './lease.ts'
import type { LeaseBook } from './lease-book.ts'

/** Automatic attempts are below this. */
export const MAX_ATTEMPT = 65_535
/** Automatic addresses that are tried one after another before the port settles for one that is in use. */
const MAX_TRIES = 1_024
/** Moves at once, and how long until one more is allowed: a member that claims every address moves nobody for ever. */
const MOVE_BURST = 8
const MOVE_REFILL_MS = 60_000

export interface OwnAddressesInit {
  readonly mode: AddressMode
  /** CIDR form; for mode `manual`. */
  readonly manual4: string | null
  readonly attempt: number
  /** Hexadecimal. */
  readonly nodeText: string
  /** Six bytes. */
  readonly mac: Uint8Array
  readonly hostname: string
  readonly book: LeaseBook
  readonly onChanged: (cidrs: readonly string[]) => void
}

/**
 * The addresses of the own interface, for modes `auto` and `manual`: IPv6 from the MAC address, IPv4 chosen by a person, reserved by the
 * record, or derived from the node id and an attempt. They are claimed as leases; the loser of a conflict goes on to its next attempt.
 */
export class OwnAddresses {
  /** Conflicts that made the interface take another address. */
  moves = 0
  readonly #init: OwnAddressesInit
  #attempt: number
  #address4: Uint8Array | null = null
  /** When a move that was not possible is tried again. */
  #retryMs = Number.POSITIVE_INFINITY
  #moveTokens = MOVE_BURST
  #refilledMs: number

  constructor(init: OwnAddressesInit, nowMs: number) {
    this.#init = init
    this.#attempt = Math.min(init.attempt, MAX_ATTEMPT - 1)
    this.#refilledMs = nowMs
    this.#address4 = this.#first(nowMs)
  }

  /** Takes the addresses and tells them. Call it once, when everything is there. */
  start(nowMs: number): void {
    this.#claim(nowMs)
  }

  #isOff(): boolean {
    return this.#init.mode === 'dhcp' || this.#init.mode === 'none'
  }

  #first(nowMs: number): Uint8Array | null {
    const { mode, manual4 } = this.#init
    if (this.#isOff()) return null
    if (mode === 'manual' && manual4 !== null) return parseCidr(manual4).bytes
    return this.#reserved() ?? this.#search(this.#attempt, nowMs)
  }

  #reserved(): Uint8Array | null {
    const { nodeText, mac, book } = this.#init
    const address = book.space.reservedForNode(nodeText) ?? book.space.reservedForMac(readMac(mac, 0))
    return address === null ? null : fromUint32(address)
  }

  /** The first attempt, from this one on, whose address may be taken. */
  #search(from: number, nowMs: number): Uint8Array | null {
    const { nodeText, mac, book } = this.#init
    const walk = book.space.walkOf(nodeText)
    if (walk === null) return null
    for (let i = 0; i < MAX_TRIES; i++) {
      const attempt = (from + i) % MAX_ATTEMPT
      const address = walk.at(attempt)
      const isMine = this.#address4 !== null && toUint32(this.#address4) === address
      if (isMine || book.availability(address, readMac(mac, 0), nowMs) === 'taken') continue
      this.#attempt = attempt
      return fromUint32(address)
    }
    return null
  }

  /** Automatic attempt to begin with the next time. */
  get attempt(): number {
    return this.#attempt
  }

  /** CIDR form, IPv4 first. */
  get cidrs(): readonly string[] {
    if (this.#isOff()) return []
    const { mac, book } = this.#init
    const own6 = address6(formatCidr(book.space.subnet6), macToString(mac))
    if (this.#address4 === null) return [own6]
    return [formatCidr({ ...book.space.subnet4, bytes: this.#address4 }), own6]
  }

  /** The plan is another: a reservation for this node counts at once, and one for somebody else too. */
  onPlan(nowMs: number): void {
    if (this.#init.mode !== 'auto') return
    const reserved = this.#reserved()
    const { book, mac } = this.#init
    const current = this.#address4
    if (reserved !== null) {
      if (current === null || compareAddresses(reserved, current) !== 0) this.#take(reserved, nowMs)
    } else if (current === null || book.availability(toUint32(current), readMac(mac, 0), nowMs) === 'taken') {
      const next = this.#search(this.#attempt, nowMs)
      if (next !== null) this.#take(next, nowMs)
    }
  }

  /** Another member has one of the addresses by right. An IPv4 address that was not chosen by a person gives way. */
  onLost(address: Uint8Array, nowMs: number): void {
    if (this.#init.mode !== 'auto' || address.length !== 4) return
    const next = this.#mayMove(nowMs) ? this.#search(this.#attempt + 1, nowMs) : null
    this.#retryMs = next === null ? nowMs + MOVE_REFILL_MS : Number.POSITIVE_INFINITY
    if (next === null) return
    this.moves++
    this.#take(next, nowMs)
  }

  /** Who else has an address by right while this node cannot move; null where all is well. */
  get conflict(): string | null {
    const { book, mode } = this.#init
    for (const lease of book.own) {
      if (!isOwnAddress(lease)) continue
      const winner = book.claims.winnerOf(lease.address)
      if (winner === null || !book.isOwn(winner)) return conflictText(lease.address, winner, mode)
    }
    return null
  }

  get dueMs(): number {
    return this.#retryMs
  }

  tick(nowMs: number): void {
    if (nowMs < this.#retryMs) return
    this.#retryMs = Number.POSITIVE_INFINITY
    const address = this.#address4
    if (address !== null && this.#init.book.otherWinner(address) !== null) this.onLost(address, nowMs)
  }

  #take(address: Uint8Array, nowMs: number): void {
    this.#address4 = address
    this.#claim(nowMs)
  }

  #claim(nowMs: number): void {
    const { book, mac, mode, hostname } = this.#init
    const { cidrs } = this
    const wanted = cidrs.map((cidr) => parseCidr(cidr).bytes)
    for (const lease of [...book.own])
      if (isOwnAddress(lease) && !wanted.some((address) => compareAddresses(address, lease.address) === 0))
        book.own.delete(lease)
    const kind = mode === 'manual' ? 'manual' : 'auto'
    for (const address of wanted)
      if (book.own.get(address) === null)
        book.claim({ mac, address, kind: address.length === 4 ? kind : 'auto', hostname }, nowMs)
    this.#init.onChanged(cidrs)
  }

  #mayMove(nowMs: number): boolean {
    const earned = Math.floor((nowMs - this.#refilledMs) / MOVE_REFILL_MS)
    this.#moveTokens = Math.min(MOVE_BURST, this.#moveTokens + earned)
    this.#refilledMs += earned * MOVE_REFILL_MS
    if (this.#moveTokens === 0) return false
    this.#moveTokens--
    return true
  }
}

function conflictText(address: Uint8Array, winner: Claim | null, mode: AddressMode): string {
  const text = formatIp(address)
  if (winner === null) return `the VLAN's record does not allow the address ${text}; leave and join again`
  const { hostname, owner } = winner
  const id = Array.from(owner, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const who = hostname === '' ? id : `${hostname} (${id})`
  const advice =
    mode === 'manual' ? 'leave and join again with another --address' : 'no other address was free so far'
  return `${who} has the address ${text} too; ${advice}`
}
