import { readMac } from '@wakunet/ethernet'
import { AddressMap } from '../address-map.ts'

/** Whose an address can be: a port counts what was learned from it. */
export interface BindingOwner {
  learnedBindings: number
}

/** Which station has an address, and where it is. */
export interface Binding<Owner extends BindingOwner> {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array
  /** 48-bit integer; null where the owner may have it on any station of its side. */
  mac: number | null
  owner: Owner
  /** From the membership or a lease; frames cannot change it, and it does not age. */
  readonly isStatic: boolean
  /** When the station was heard last. */
  seenMs: number
  /** Who else says that it has the address, and since when; null for nobody. */
  challenger: Owner | null
  challengerMac: number
  challengedMs: number
}

export interface BindingTableInit<Owner extends BindingOwner> {
  /** 32 random bits. */
  readonly hashSeed: number
  /** Learned bindings in all, and of one port. Defaults 8,192 and 256. */
  readonly maxLearned?: number
  readonly maxLearnedPerOwner?: number
  /** Static bindings. Default 16,384. */
  readonly maxStatic?: number
  /** A learned binding that was not heard of for longer is forgotten. Default 300,000. */
  readonly lifetimeMs?: number
  /** How long the owner has to answer when somebody else says that it has the address. Default 500. */
  readonly challengeMs?: number
  /**
   * Asks the owner whether it still has the address (an ARP probe or neighbour solicitation to its station). What it
   * answers comes back as a claim.
   */
  readonly onProbe?: (binding: Binding<Owner>) => void
  /** A learned address is somewhere else now. */
  readonly onMoved?: (binding: Binding<Owner>) => void
  /** An address was heard that nobody was known to have. */
  readonly onLearned?: (binding: Binding<Owner>) => void
  /** The very station of a static binding was heard with its address on another port: perhaps it has moved. */
  readonly onElsewhere?: (binding: Binding<Owner>, owner: Owner) => void
}

/** Monotonic counters. */
export interface BindingStats {
  learned: number
  moved: number
  aged: number
  /** Not learned because the port, or the whole table, was full. */
  refused: number
  /** Claims to what is bound elsewhere. */
  conflicts: number
}

/**
 * - `bound`: as the table has it, or has it now
 * - `refused`: no room to note it; nobody else has it
 * - `challenged`: somebody else has it, who is being asked
 * - `spoofed`: statically bound elsewhere
 */
export type ClaimVerdict = 'bound' | 'refused' | 'challenged' | 'spoofed'

/**
 * Whether a frame with the claim goes on. One of the TAP's side that is in doubt does: other switches must hear of it, to ask
 * for themselves.
 */
export function isBelieved(verdict: ClaimVerdict, { side }: { readonly side: 'tap' | 'member' }): boolean {
  return verdict === 'bound' || verdict === 'refused' || (verdict === 'challenged' && side === 'tap')
}

/** Challenges that are open at a time; more wait for the next claim. */
export const MAX_CHALLENGES = 64
/** Of one port, so that it cannot keep others from taking their addresses along. */
export const MAX_CHALLENGES_PER_OWNER = 8

/**
 * Which addresses are whose. Static bindings stand. Others are learned from the first frame that claims them, and then defended: who
 * comes later gets the address only if the first one does not answer (first come, first served; RFC 6620 §3.2). So a host that
 * moves takes its address along within `challengeMs`, and nobody can take the address of a host that is there.
 */
export class BindingTable<Owner extends BindingOwner> {
  readonly stats: BindingStats = { learned: 0, moved: 0, aged: 0, refused: 0, conflicts: 0 }
  readonly #init: BindingTableInit<Owner>
  readonly #maxLearned: number
  readonly #maxLearnedPerOwner: number
  readonly #maxStatic: number
  readonly #lifetimeMs: number
  readonly #challengeMs: number
  readonly #bindings: AddressMap<Binding<Owner>>
  /** Those that are not static: they age. */
  readonly #learned = new Set<Binding<Owner>>()
  readonly #challenged = new Set<Binding<Owner>>()
  #statics = 0

  constructor(init: BindingTableInit<Owner>) {
    this.#init = init
    this.#bindings = new AddressMap(init.hashSeed)
    this.#maxLearned = init.maxLearned ?? 8_192
    this.#maxLearnedPerOwner = init.maxLearnedPerOwner ?? 256
    this.#maxStatic = init.maxStatic ?? 16_384
    this.#lifetimeMs = init.lifetimeMs ?? 300_000
    this.#challengeMs = init.challengeMs ?? 500
  }

  get size(): number {
    return this.#bindings.size
  }

  /** The live binding of the address of `length` bytes at `offset`, or null. Free of allocations. */
  find(bytes: Uint8Array, offset: number, length: number, nowMs: number): Binding<Owner> | null {
    const binding = this.#bindings.find(bytes, offset, length)
    return binding === null || this.#isAged(binding, nowMs) ? null : binding
  }

  /** All bindings, aged ones included. */
  [Symbol.iterator](): Iterator<Binding<Owner>> {
    return this.#bindings[Symbol.iterator]()
  }

  /** An address that the station has on that owner's side, or null. Looks at every binding: not for every frame. */
  findByStation(mac: number, owner: Owner): Binding<Owner> | null {
    for (const binding of this.#bindings) if (binding.mac === mac && binding.owner === owner) return binding
    return null
  }

  /** Learned addresses of a station that is on another side now go along. */
  moveStation(mac: number, from: Owner, to: Owner, nowMs: number): void {
    for (const binding of this.#learned)
      if (binding.mac === mac && binding.owner === from) this.#move(binding, to, mac, nowMs)
  }

  #move(binding: Binding<Owner>, to: Owner, mac: number, nowMs: number): void {
    if (to.learnedBindings >= this.#maxLearnedPerOwner) return
    this.#endChallenge(binding)
    binding.owner.learnedBindings--
    to.learnedBindings++
    binding.owner = to
    binding.mac = mac
    binding.seenMs = nowMs
    this.stats.moved++
    this.#init.onMoved?.(binding)
  }

  /**
   * Binds an address until `removeStatic` or `removeOwner`; replaces what was there.
   * @param address is kept, and must not be changed
   * @returns false where the table is full
   */
  setStatic(address: Uint8Array, mac: number | null, owner: Owner, nowMs: number): boolean {
    const known = this.#bindings.get(address)
    if (known === null || !known.isStatic) {
      if (this.#statics >= this.#maxStatic) return false
    }
    if (known !== null) this.#remove(known)
    this.#bindings.add(newBinding(address, mac, owner, true, nowMs))
    this.#statics++
    return true
  }

  removeStatic(address: Uint8Array): void {
    const known = this.#bindings.get(address)
    if (known?.isStatic) this.#remove(known)
  }

  /** Forgets everything that a port has, and its challenges. */
  removeOwner(owner: Owner): void {
    for (const binding of this.#bindings) {
      if (binding.owner === owner) this.#remove(binding)
      else if (binding.challenger === owner) this.#endChallenge(binding)
    }
  }

  /**
   * A frame of `owner` says that the station whose MAC address is at `macOffset` has the address of `length` bytes at
   * `offset`. Allocates only for what is new.
   *
   * The same station elsewhere is no other claim: where a MAC address is, the forwarding database has contested and decided
   * before a frame comes here.
   */
  claim(
    bytes: Uint8Array,
    offset: number,
    length: number,
    macOffset: number,
    owner: Owner,
    nowMs: number,
  ): ClaimVerdict {
    const binding = this.#bindings.find(bytes, offset, length)
    const mac = readMac(bytes, macOffset)
    if (binding === null) return this.#learn(bytes.slice(offset, offset + length), mac, owner, nowMs)
    if (binding.isStatic) {
      if (binding.owner === owner && (binding.mac === null || binding.mac === mac)) {
        binding.seenMs = nowMs
        return 'bound'
      }
      if (binding.mac !== mac) return this.#refuse()
      this.#init.onElsewhere?.(binding, owner)
      return 'bound'
    }
    if (this.#isAged(binding, nowMs)) {
      this.#remove(binding)
      this.stats.aged++
      return this.#learn(binding.address, mac, owner, nowMs)
    }
    if (binding.owner !== owner) {
      if (binding.mac !== mac) return this.#challenge(binding, mac, owner, nowMs)
      this.#move(binding, owner, mac, nowMs)
      return 'bound'
    }
    // Which station on its own side has it is the port's own affair. Storing a number of this size allocates.
    if (binding.mac !== mac) binding.mac = mac
    binding.seenMs = nowMs
    if (binding.challenger !== null) this.#endChallenge(binding)
    return 'bound'
  }

  #refuse(): ClaimVerdict {
    this.stats.conflicts++
    return 'spoofed'
  }

  #learn(address: Uint8Array, mac: number, owner: Owner, nowMs: number): ClaimVerdict {
    if (this.#learned.size >= this.#maxLearned || owner.learnedBindings >= this.#maxLearnedPerOwner) {
      this.stats.refused++
      return 'refused'
    }
    const binding = newBinding(address, mac, owner, false, nowMs)
    this.#bindings.add(binding)
    this.#learned.add(binding)
    owner.learnedBindings++
    this.stats.learned++
    this.#init.onLearned?.(binding)
    return 'bound'
  }

  #challenge(binding: Binding<Owner>, mac: number, owner: Owner, nowMs: number): ClaimVerdict {
    this.stats.conflicts++
    if (binding.challenger !== null || !this.#mayChallenge(owner)) return 'challenged'
    binding.challenger = owner
    binding.challengerMac = mac
    binding.challengedMs = nowMs
    this.#challenged.add(binding)
    this.#init.onProbe?.(binding)
    return 'challenged'
  }

  #mayChallenge(owner: Owner): boolean {
    if (this.#challenged.size >= MAX_CHALLENGES) return false
    let open = 0
    for (const { challenger } of this.#challenged) if (challenger === owner) open++
    return open < MAX_CHALLENGES_PER_OWNER
  }

  /** When `tick` has something to do. */
  get dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY
    for (const { challengedMs } of this.#challenged) dueMs = Math.min(dueMs, challengedMs + this.#challengeMs)
    return dueMs
  }

  /** Decides the challenges whose time is up: the owner has not answered. */
  tick(nowMs: number): void {
    for (const binding of this.#challenged) {
      if (nowMs < binding.challengedMs + this.#challengeMs) continue
      const { challenger, challengerMac } = binding
      this.#endChallenge(binding)
      if (challenger !== null) this.#move(binding, challenger, challengerMac, nowMs)
    }
  }

  /** Forgets aged bindings; call it every few seconds, so that the limits count what is alive. */
  sweep(nowMs: number): void {
    for (const binding of this.#learned) {
      if (!this.#isAged(binding, nowMs)) continue
      this.#remove(binding)
      this.stats.aged++
    }
  }

  #endChallenge(binding: Binding<Owner>): void {
    binding.challenger = null
    this.#challenged.delete(binding)
  }

  #isAged(binding: Binding<Owner>, nowMs: number): boolean {
    return !binding.isStatic && nowMs - binding.seenMs > this.#lifetimeMs
  }

  #remove(binding: Binding<Owner>): void {
    this.#bindings.delete(binding)
    this.#endChallenge(binding)
    if (binding.isStatic) this.#statics--
    else {
      this.#learned.delete(binding)
      binding.owner.learnedBindings--
    }
  }
}

function newBinding<Owner extends BindingOwner>(
  address: Uint8Array,
  mac: number | null,
  owner: Owner,
  isStatic: boolean,
  nowMs: number,
): Binding<Owner> {
  return { address, mac, owner, isStatic, seenMs: nowMs, challenger: null, challengerMac: 0, challengedMs: 0 }
}
