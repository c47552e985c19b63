import { readMac } from '@wakunet/ethernet'
import { MAX_MEMBER_LEASES } from '../announcement/announcement.ts'
import { compareAddresses, keyOfAddress } from './address-order.ts'
import type { Lease } from './lease.ts'

/** A lease of this node. */
export interface OwnLease extends Lease {
  /** Monotonic time; infinite for who has the address without asking. */
  expiresMs: number
  /**
   * Another member has the same station with the same address: until then it may give it up, because the station has moved
   * here. Null while nobody else has.
   */
  contendUntilMs: number | null
  /** When the station was last asked whether it is still there, and when it was last heard. */
  askedMs: number
  seenMs: number
}

/** What this node gave, took for itself or found out: the leases of its announcement. */
export class OwnLeases {
  readonly #leases = new Map<string, OwnLease>()
  readonly #byMac = new Map<number, OwnLease>()
  readonly #onChanged: () => void

  /** @param onChanged another list is to be announced */
  constructor(onChanged: () => void) {
    this.#onChanged = onChanged
  }

  get size(): number {
    return this.#leases.size
  }

  get isFull(): boolean {
    return this.#leases.size >= MAX_MEMBER_LEASES
  }

  /** Adds a lease, or replaces the one of its address. @returns null where there are too many */
  put(lease: Lease, expiresMs: number, nowMs: number): OwnLease | null {
    const key = keyOfAddress(lease.address)
    const before = this.#leases.get(key)
    if (before === undefined && this.isFull) return null
    if (before !== undefined) this.#forget(before)
    const own: OwnLease = {
      ...lease,
      expiresMs,
      contendUntilMs: null,
      askedMs: Number.NEGATIVE_INFINITY,
      seenMs: nowMs,
    }
    this.#leases.set(key, own)
    if (lease.kind === 'dhcp') this.#byMac.set(readMac(lease.mac, 0), own)
    this.#onChanged()
    return own
  }

  delete(lease: OwnLease): void {
    if (this.#leases.get(keyOfAddress(lease.address)) !== lease) return
    this.#forget(lease)
    this.#onChanged()
  }

  #forget(lease: OwnLease): void {
    this.#leases.delete(keyOfAddress(lease.address))
    const mac = readMac(lease.mac, 0)
    if (this.#byMac.get(mac) === lease) this.#byMac.delete(mac)
  }

  get(address: Uint8Array): OwnLease | null {
    return this.#leases.get(keyOfAddress(address)) ?? null
  }

  /** The lease that a host was given, or null. */
  ofMac(mac: number): OwnLease | null {
    return this.#byMac.get(mac) ?? null
  }

  [Symbol.iterator](): Iterator<OwnLease> {
    return this.#leases.values()
  }

  /** In the order of announcements. */
  sorted(): Lease[] {
    return [...this.#leases.values()]
      .sort((a, b) => compareAddresses(a.address, b.address))
      .map(({ mac, address, kind, sinceMs, hostname }) => ({ mac, address, kind, sinceMs, hostname }))
  }

  /**
   * An announcement of an earlier start of this node is known: what was not in it counts as of its sequence, or it would
   * look backdated.
   */
  raiseSince(sequence: number, known: readonly Lease[]): void {
    const before = new Map(known.map((lease) => [keyOfAddress(lease.address), lease]))
    for (const [key, lease] of this.#leases) {
      const same = before.get(key)
      if (lease.sinceMs >= sequence) continue
      if (same !== undefined && same.sinceMs <= lease.sinceMs && compareAddresses(same.mac, lease.mac) === 0)
        continue
      const raised = { ...lease, sinceMs: sequence }
      this.#forget(lease)
      this.#leases.set(key, raised)
      if (raised.kind === 'dhcp') this.#byMac.set(readMac(raised.mac, 0), raised)
    }
    this.#onChanged()
  }
}
