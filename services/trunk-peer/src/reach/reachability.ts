import type { Clock } from '@wakunet/interface'
import { MAX_REACH_ADDRESSES, REACH_CAPABILITY } from '@wakunet/trunk'
import { isLocalHost, socketOf } from '../peer-addresses.ts'
import type { PeerMessage, Trunk } from '../trunk.ts'
import type { Trunks } from '../trunks.ts'

type Answer = Extract<PeerMessage, { type: 'reach-answer' }>

/** A verdict is asked for again after this; a bad one sooner, for somebody may have opened a port. */
const VALID_MS = 600_000
const PRIVATE_VALID_MS = 60_000
const ANSWER_WITHIN_MS = 20_000
/** Peers that are asked; more would learn nothing new. */
const MAX_ASKED = 4
/** Of peers that no configuration names, so many must agree: one could tell anything. */
const WITNESSES = 2
const MAX_OBSERVED = 4

/** `public`: others can dial this node. `private`: peers tried and could not. */
export type ReachVerdict = 'public' | 'private' | 'unknown'

export interface ReachabilityInit {
  readonly trunks: Trunks
  readonly clock: Clock
  /** Addresses that this node might be dialled at, without those that are only observed. */
  readonly candidates: () => readonly string[]
  /** TCP ports that it listens on, by IP version; what peers see is its host, not its port. */
  readonly listenPorts: (family: 4 | 6) => readonly number[]
  /** True for a peer that the configuration names: its word is enough. */
  readonly isTrusted: (peerId: string) => boolean
  readonly onChange: () => void
}

interface Asked {
  sequence: number
  addresses: readonly string[]
  atMs: number
  isOpen: boolean
}

/**
 * Finds out at which of its addresses this node can be dialled, by asking public peers to try (`docs/protocols/trunk.md`,
 * reachability). What nobody has confirmed is not announced.
 */
export class Reachability {
  readonly #init: ReachabilityInit
  readonly #asked = new WeakMap<Trunk, Asked>()
  /** By address, the hosts of peers that reached it; bounded by candidates times `MAX_ASKED`. */
  #witnesses = new Map<string, Set<string>>()
  /** Hosts as which peers see this node, newest last. */
  #observed = new Set<string>()
  #answers = 0
  #sequence = 0

  constructor(init: ReachabilityInit) {
    this.#init = init
  }

  /** Addresses at which peers have reached this node. */
  get confirmed(): readonly string[] {
    return [...this.#witnesses]
      .filter(([, by]) => by.has(TRUSTED) || by.size >= WITNESSES)
      .map(([address]) => address)
  }

  get verdict(): ReachVerdict {
    if (this.confirmed.length > 0) return 'public'
    return this.#answers > 0 ? 'private' : 'unknown'
  }

  /** IP addresses as which peers see this node. */
  get observedHosts(): readonly string[] {
    return [...this.#observed]
  }

  /** Asks who is due. Call it about once a second. */
  tick(): void {
    const { trunks, clock } = this.#init
    const now = clock.monotonicMs()
    const validMs = this.verdict === 'private' ? PRIVATE_VALID_MS : VALID_MS
    let asked = 0
    for (const trunk of trunks.up()) {
      if (!canTell(trunk)) continue
      if (++asked > MAX_ASKED) return
      const last = this.#asked.get(trunk)
      const waitMs = last?.isOpen === true ? ANSWER_WITHIN_MS : validMs
      if (last === undefined || now - last.atMs >= waitMs) this.#ask(trunk, now)
    }
  }

  /** The network of this host has changed: nothing of what was found out is known to be true. */
  networkChanged(): void {
    this.#witnesses = new Map()
    this.#observed = new Set()
    this.#answers = 0
    for (const trunk of this.#init.trunks.up()) this.#asked.delete(trunk)
  }

  /** There is another candidate. */
  askAgain(): void {
    for (const trunk of this.#init.trunks.up()) this.#asked.delete(trunk)
    this.tick()
  }

  receiveAnswer(trunk: Trunk, { sequence, observed, reached }: Answer): void {
    const asked = this.#asked.get(trunk)
    if (asked?.isOpen !== true || asked.sequence !== sequence || reached.length !== asked.addresses.length)
      return
    asked.isOpen = false
    const before = `${this.verdict} ${this.confirmed.join(' ')}`
    const witness = this.#init.isTrusted(trunk.peerId) ? TRUSTED : (socketOf(trunk.address)?.host ?? '')
    for (const [index, address] of asked.addresses.entries())
      this.#note(address, witness, reached[index] === true)
    this.#observe(observed)
    if (asked.addresses.length > 0) this.#answers++
    const isUntried = (address: string) => !asked.addresses.includes(address)
    if (this.#addressesFor(trunk).some(isUntried)) this.#ask(trunk, this.#init.clock.monotonicMs())
    if (`${this.verdict} ${this.confirmed.join(' ')}` !== before) this.#init.onChange()
  }

  /** Nobody dials another host than the one that asks: addresses of the other IP version are left out. */
  #addressesFor(trunk: Trunk): string[] {
    const family = socketOf(trunk.address)?.family ?? 4
    return [...new Set([...this.#init.candidates(), ...this.#observedAddresses()])]
      .filter((address) => socketOf(address)?.family === family)
      .slice(0, MAX_REACH_ADDRESSES)
  }

  #ask(trunk: Trunk, atMs: number): void {
    const addresses = this.#addressesFor(trunk)
    const sequence = ++this.#sequence
    this.#asked.set(trunk, { sequence, addresses, atMs, isOpen: true })
    trunk.sendControl({ type: 'reach-request', sequence, addresses })
  }

  #note(address: string, witness: string, isReached: boolean): void {
    const by = this.#witnesses.get(address) ?? new Set()
    if (isReached) by.add(witness)
    else by.delete(witness)
    if (by.size > 0) this.#witnesses.set(address, by)
    else this.#witnesses.delete(address)
  }

  #observe(observed: string): void {
    const socket = socketOf(observed)
    if (socket === null || isLocalHost(socket.host)) return
    this.#observed.delete(socket.host)
    this.#observed.add(socket.host)
    for (const oldest of this.#observed) {
      if (this.#observed.size <= MAX_OBSERVED) break
      this.#observed.delete(oldest)
    }
  }

  /** Routers that forward a port mostly keep its number. */
  #observedAddresses(): string[] {
    return [...this.#observed].flatMap((host) => {
      const family = host.includes(':') ? 6 : 4
      return this.#init.listenPorts(family).map((port) => `/ip${family}/${host}/tcp/${port}`)
    })
  }
}

/** No address of a peer. */
const TRUSTED = 'configured'

/** Peers on the internet that this node dialled: others may sit behind the same router. */
function canTell(trunk: Trunk): boolean {
  const socket = socketOf(trunk.address)
  return trunk.has(REACH_CAPABILITY) && !trunk.relayed && socket !== null && !isLocalHost(socket.host)
}
