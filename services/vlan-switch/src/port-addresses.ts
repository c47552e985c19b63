import { address6, autoAddress4, settleConflict } from '@wakunet/addressing'
import type { VlanMember } from '@wakunet/bus'
import type { NodeId, VlanId } from '@wakunet/interface'

/** Announced as the attempt of an address that a person has chosen; automatic ones stay below it. */
export const MANUAL_ATTEMPT = 65_535
/** Automatic addresses that are tried one after another before the port settles for one that is in use. */
const MAX_TRIES = 1_024
/** Moves at once, and how long until one more is allowed: a member that claims every address moves nobody for ever. */
const MOVE_BURST = 8
const MOVE_REFILL_MS = 60_000

export interface PortAddressesInit {
  readonly vlanId: VlanId
  readonly nodeId: NodeId
  readonly subnet4: string
  readonly subnet6: string
  readonly mac: string
  /** CIDR form; null for an automatic address. */
  readonly manual4: string | null
  /** Automatic attempt to begin with: that of the last time, so that a host keeps its address. */
  readonly attempt: number
}

/**
 * The addresses of a port: IPv6 from the MAC address, IPv4 chosen by a person or derived from the node id and
 * an attempt. Where two members have one IPv4 address both settle it the same way (`settleConflict`), and the
 * loser goes on to its next attempt.
 */
export class PortAddresses {
  /** Conflicts that this node lost, and those of them that made it move. */
  conflicts = 0
  moves = 0
  /** Who else has this node's address while it cannot move; null where all is well. */
  conflict: string | null = null
  readonly #init: PortAddressesInit
  #attempt: number
  readonly #address6: string
  #address4: string
  #all: readonly string[]
  #moveTokens = MOVE_BURST
  #refilledMs: number

  constructor(init: PortAddressesInit, nowMs: number) {
    this.#init = init
    this.#attempt = init.manual4 === null ? Math.min(init.attempt, MANUAL_ATTEMPT - 1) : MANUAL_ATTEMPT
    this.#address4 = init.manual4 ?? this.#automatic(this.#attempt)
    this.#address6 = address6(init.subnet6, init.mac)
    this.#all = [this.#address4, this.#address6]
    this.#refilledMs = nowMs
  }

  /** CIDR form, IPv4 first; another array whenever they change. */
  get all(): readonly string[] {
    return this.#all
  }

  get mode(): 'auto' | 'manual' {
    return this.#init.manual4 === null ? 'auto' : 'manual'
  }

  /** As announced. */
  get attempt(): number {
    return this.#attempt
  }

  /** Before the first announcement: an automatic address that somebody has already is left to them. */
  avoid(members: readonly VlanMember[]): void {
    if (this.mode === 'auto' && rivals(this.#address4, members).length > 0) this.#choose(members)
  }

  /**
   * Settles conflicts with what the members announce.
   * @returns true where the address has changed
   */
  settle(members: readonly VlanMember[], nowMs: number): boolean {
    const lostTo = rivals(this.#address4, members).find((member) => this.#loses(member))
    this.conflict = null
    if (lostTo === undefined) return false
    this.conflicts++
    if (this.mode === 'auto' && this.#mayMove(nowMs) && this.#choose(members)) {
      this.moves++
      return true
    }
    this.conflict = conflictText(this.#address4, lostTo, this.mode)
    return false
  }

  #loses(member: VlanMember): boolean {
    const mine = { nodeId: this.#init.nodeId, attempt: this.#attempt, manual: this.mode === 'manual' }
    const theirs = {
      nodeId: member.nodeId as NodeId,
      attempt: member.addressAttempt,
      manual: member.addressAttempt === MANUAL_ATTEMPT,
    }
    return settleConflict(mine, theirs) === 'move'
  }

  /** Takes the next attempt whose address nobody has. */
  #choose(members: readonly VlanMember[]): boolean {
    const taken = new Set(members.flatMap((member) => member.addresses.map(hostOf)))
    for (let i = 1; i <= MAX_TRIES; i++) {
      const attempt = (this.#attempt + i) % MANUAL_ATTEMPT
      const address = this.#automatic(attempt)
      if (taken.has(hostOf(address))) continue
      this.#attempt = attempt
      this.#address4 = address
      this.#all = [address, this.#address6]
      return true
    }
    return false
  }

  #mayMove(nowMs: number): boolean {
    const earned = Math.floor((nowMs - this.#refilledMs) / MOVE_REFILL_MS)
    this.#moveTokens = Math.min(MOVE_BURST, this.#moveTokens + earned)
    this.#refilledMs += earned * MOVE_REFILL_MS
    if (this.#moveTokens === 0) return false
    this.#moveTokens--
    return true
  }

  #automatic(attempt: number): string {
    return autoAddress4(this.#init.subnet4, this.#init.vlanId, this.#init.nodeId, attempt)
  }
}

function rivals(address: string, members: readonly VlanMember[]): VlanMember[] {
  const host = hostOf(address)
  return members.filter((member) => member.addresses.some((other) => hostOf(other) === host))
}

function hostOf(cidr: string): string {
  const slash = cidr.indexOf('/')
  return slash < 0 ? cidr : cidr.slice(0, slash)
}

function conflictText(address: string, member: VlanMember, mode: 'auto' | 'manual'): string {
  const who = member.hostname === '' ? member.nodeId : `${member.hostname} (${member.nodeId})`
  const advice =
    mode === 'manual' ? 'leave and join again with another --address' : 'no other address was free so far'
  return `${who} has the address ${hostOf(address)} too; ${advice}`
}
