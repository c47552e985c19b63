import { readMac } from '@wakunet/ethernet'
import { MacTable } from './mac-table.ts'

/** Where a MAC address is: a port counts the addresses that were learned on it. */
export interface FdbPort {
  learnedMacs: number
}

export interface FdbInit {
  /** 32 random bits, so that nobody can choose addresses that are slow to find. Default 0. */
  readonly hashSeed?: number
  /** An address that was not seen for longer is forgotten. Default 300,000 (IEEE 802.1Q-2022, 8.8.3). */
  readonly ageingMs?: number
  /** Learned addresses in all. Default 16,384. */
  readonly maxEntries?: number
  /** Learned addresses of one port, so that no member can use up what all share. Default 1,024. */
  readonly maxEntriesPerPort?: number
  /**
   * Whether an address stays where it is while another port claims it. Asked at every such claim; where it says no, the last frame
   * wins, as in most switches. Default: it stays.
   */
  readonly isGuarded?: () => boolean
}

export const DEFAULT_AGEING_MS = 300_000
export const DEFAULT_MAX_ENTRIES = 16_384
export const DEFAULT_MAX_ENTRIES_PER_PORT = 1_024

/** An address is where it was for this long after another port has claimed it, unless it is heard there again. */
export const CONTEST_MS = 400
/** An address that was heard where it was, while another port claimed it, stays there unasked for this long, */
export const HOLD_DOWN_MS = 10_000
/** unless it falls silent there for so long. */
export const HOLD_SILENCE_MS = 1_000
/** Addresses that are contested at a time, in all and by one port; more claims wait. */
export const MAX_CONTESTS = 128
export const MAX_CONTESTS_PER_PORT = 32

export interface FdbEntry<Port extends FdbPort> {
  readonly mac: number
  port: Port
  seenMs: number
  /** Pinned (sticky) entries come from the membership: they neither age nor move, and do not count as learned. */
  readonly pinned: boolean
  /** Who else claims the address, null for nobody; when that is decided. */
  challenger: Port | null
  decideMs: number
  /** Claims are refused without a contest until then. */
  heldUntilMs: number
}

export interface FdbEvents<Port extends FdbPort> {
  /** Another port claims the address: whoever can asks its station now. */
  readonly onContest?: (entry: FdbEntry<Port>) => void
  /** The address is on another port now. */
  readonly onMoved?: (entry: FdbEntry<Port>, from: Port) => void
}

/** Monotonic counters. */
export interface FdbStats {
  learned: number
  aged: number
  moved: number
  /** Claims to an address of another port, and how many of them it answered. */
  contested: number
  defended: number
  /** Not learned because the port, or the whole database, was full. */
  refusedPortFull: number
  refusedFull: number
  /** A pinned address was claimed by another port. */
  spoofed: number
}

/**
 * - `known`, `learned`: the address is on this port
 * - `refused`: nobody has it, and there is no room
 * - `held`: another port has it, which is being asked, or has answered; the frame is not believed
 * - `spoofed`: it is pinned to another port
 */
export type LearnVerdict = 'known' | 'learned' | 'refused' | 'held' | 'spoofed'

const GROUP_BIT = 0x0100_0000_0000

/**
 * Forwarding database: MAC address (48-bit integer, or six bytes in a frame) to port, learned from source addresses.
 *
 * An address that another port claims is contested: whoever can ask its station does, and the address moves only when it is
 * not heard on its old port for `CONTEST_MS`. So a station that moves is found at once, and nobody takes the address of one
 * that is there.
 *
 * A full database refuses new addresses and keeps the old ones, because evicting would let one sender push
 * out everybody else; frames for an address that was refused are flooded. `sweep` makes room by age.
 */
export class Fdb<Port extends FdbPort> {
  readonly stats: FdbStats = {
    learned: 0,
    aged: 0,
    moved: 0,
    contested: 0,
    defended: 0,
    refusedPortFull: 0,
    refusedFull: 0,
    spoofed: 0,
  }
  readonly #ageingMs: number
  readonly #maxEntries: number
  readonly #maxEntriesPerPort: number
  readonly #entries: MacTable<FdbEntry<Port>>
  readonly #isGuarded: () => boolean
  readonly #events: FdbEvents<Port>
  readonly #contested = new Set<FdbEntry<Port>>()
  #pinned = 0

  constructor(init: FdbInit = {}, events: FdbEvents<Port> = {}) {
    this.#events = events
    this.#entries = new MacTable(init.hashSeed ?? 0)
    this.#ageingMs = init.ageingMs ?? DEFAULT_AGEING_MS
    this.#maxEntries = init.maxEntries ?? DEFAULT_MAX_ENTRIES
    this.#maxEntriesPerPort = init.maxEntriesPerPort ?? DEFAULT_MAX_ENTRIES_PER_PORT
    this.#isGuarded = init.isGuarded ?? (() => true)
  }

  /** Entries in all, pinned ones and aged ones that were not swept yet included. */
  get size(): number {
    return this.#entries.size
  }

  /** The port of the MAC address at `offset`, null where it is unknown or aged. */
  lookup(bytes: Uint8Array, offset: number, nowMs: number): Port | null {
    const entry = this.#entries.find(bytes, offset)
    if (entry === null || this.#isAged(entry, nowMs)) return null
    return entry.port
  }

  /**
   * Notes that the MAC address at `offset` sent something through `port`. The caller keeps group addresses out; the zero address
   * and group addresses are never learned all the same.
   */
  learn(bytes: Uint8Array, offset: number, port: Port, nowMs: number): LearnVerdict {
    const entry = this.#entries.find(bytes, offset)
    if (entry === null) return this.#insert(readMac(bytes, offset), port, nowMs)
    if (entry.port === port) {
      entry.seenMs = nowMs
      if (entry.challenger !== null) this.#defend(entry, nowMs)
      return 'known'
    }
    if (!this.#isGuarded()) return this.#follow(entry, port, nowMs)
    if (entry.pinned) {
      this.stats.spoofed++
      return 'spoofed'
    }
    if (!this.#isAged(entry, nowMs)) return this.#contest(entry, port, nowMs)
    this.#remove(entry)
    this.stats.aged++
    return this.#insert(entry.mac, port, nowMs)
  }

  #insert(mac: number, port: Port, nowMs: number): LearnVerdict {
    if (mac === 0 || Math.floor(mac / GROUP_BIT) % 2 === 1) return 'refused'
    if (port.learnedMacs >= this.#maxEntriesPerPort) {
      this.stats.refusedPortFull++
      return 'refused'
    }
    if (this.#entries.size - this.#pinned >= this.#maxEntries) {
      this.stats.refusedFull++
      return 'refused'
    }
    this.#entries.add(newEntry(mac, port, nowMs, false))
    port.learnedMacs++
    this.stats.learned++
    return 'learned'
  }

  /** Without the guard: who had the address has lost it, even one that was pinned. */
  #follow(entry: FdbEntry<Port>, port: Port, nowMs: number): LearnVerdict {
    this.#remove(entry)
    this.stats.moved++
    return this.#insert(entry.mac, port, nowMs)
  }

  #contest(entry: FdbEntry<Port>, port: Port, nowMs: number): LearnVerdict {
    if (
      entry.challenger !== null ||
      (nowMs < entry.heldUntilMs && nowMs - entry.seenMs < HOLD_SILENCE_MS) ||
      !this.#mayContest(port)
    )
      return 'held'
    entry.challenger = port
    entry.decideMs = nowMs + CONTEST_MS
    this.#contested.add(entry)
    this.stats.contested++
    this.#events.onContest?.(entry)
    return 'held'
  }

  #mayContest(port: Port): boolean {
    if (this.#contested.size >= MAX_CONTESTS || port.learnedMacs >= this.#maxEntriesPerPort) return false
    let open = 0
    for (const { challenger } of this.#contested) if (challenger === port) open++
    return open < MAX_CONTESTS_PER_PORT
  }

  /** The address was heard where it was. */
  #defend(entry: FdbEntry<Port>, nowMs: number): void {
    entry.challenger = null
    entry.heldUntilMs = nowMs + HOLD_DOWN_MS
    this.#contested.delete(entry)
    this.stats.defended++
  }

  /** When `tick` has something to do. */
  get dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY
    for (const { decideMs } of this.#contested) dueMs = Math.min(dueMs, decideMs)
    return dueMs
  }

  /** Moves the addresses that were not heard on their old port. */
  tick(nowMs: number): void {
    for (const entry of this.#contested) {
      if (nowMs < entry.decideMs) continue
      const port = entry.challenger!
      entry.challenger = null
      this.#contested.delete(entry)
      if (port.learnedMacs >= this.#maxEntriesPerPort) continue
      const from = entry.port
      from.learnedMacs--
      port.learnedMacs++
      entry.port = port
      entry.seenMs = nowMs
      this.stats.moved++
      this.#events.onMoved?.(entry, from)
    }
  }

  /**
   * Binds `mac` to `port` until `unpinStale` or `removePort`. An address that another port has pinned stays with that port.
   * The caller bounds how many it pins.
   * @returns false where the address is taken or is none of one station
   */
  pin(mac: number, port: Port, nowMs: number): boolean {
    if (mac === 0 || Math.floor(mac / GROUP_BIT) % 2 === 1) return false
    const entry = this.#entries.get(mac)
    if (entry?.pinned) return entry.port === port
    if (entry !== null) this.#remove(entry)
    this.#entries.add(newEntry(mac, port, nowMs, true))
    this.#pinned++
    return true
  }

  /** Unbinds the pinned addresses for which `isCurrent` is false. */
  unpinStale(isCurrent: (mac: number, port: Port) => boolean): void {
    for (const entry of this.#entries)
      if (entry.pinned && !isCurrent(entry.mac, entry.port)) this.#remove(entry)
  }

  /** Forgets everything that was learned on a port or pinned to it. */
  removePort(port: Port): void {
    this.removePorts(new Set([port]))
  }

  /** The same for several ports at once. */
  removePorts(ports: ReadonlySet<Port>): void {
    for (const entry of this.#entries) {
      if (ports.has(entry.port)) this.#remove(entry)
      else if (entry.challenger !== null && ports.has(entry.challenger)) this.#forgetChallenger(entry)
    }
  }

  #forgetChallenger(entry: FdbEntry<Port>): void {
    entry.challenger = null
    this.#contested.delete(entry)
  }

  /** Forgets everything that was learned, but not on `except`: addresses may have moved. */
  flush(except: Port | null): void {
    if (this.#entries.size === this.#pinned) return
    for (const entry of this.#entries) if (!entry.pinned && entry.port !== except) this.#remove(entry)
  }

  /** Forgets aged entries; call it every few seconds, so that the limits count what is alive. */
  sweep(nowMs: number): void {
    if (this.#entries.size === this.#pinned) return
    for (const entry of this.#entries) {
      if (!this.#isAged(entry, nowMs)) continue
      this.#remove(entry)
      this.stats.aged++
    }
  }

  /** Entries that are alive, at most `limit`. */
  *entries(nowMs: number, limit: number): Generator<FdbEntry<Port>> {
    let left = limit
    for (const entry of this.#entries) {
      if (left === 0) return
      if (this.#isAged(entry, nowMs)) continue
      left--
      yield entry
    }
  }

  #isAged(entry: FdbEntry<Port>, nowMs: number): boolean {
    return !entry.pinned && nowMs - entry.seenMs > this.#ageingMs
  }

  #remove(entry: FdbEntry<Port>): void {
    this.#entries.delete(entry)
    this.#contested.delete(entry)
    if (entry.pinned) this.#pinned--
    else entry.port.learnedMacs--
  }
}

function newEntry<Port extends FdbPort>(
  mac: number,
  port: Port,
  seenMs: number,
  pinned: boolean,
): FdbEntry<Port> {
  return { mac, port, seenMs, pinned, challenger: null, decideMs: 0, heldUntilMs: 0 }
}
