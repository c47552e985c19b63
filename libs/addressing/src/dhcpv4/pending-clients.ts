import type { DhcpRequest } from './dhcp-client.ts'

/**
 * Where a client is that has no lease yet:
 * - `probing`: its address is being probed, for an offer or for an acknowledgement
 * - `offered`: it has an offer
 * - `contending`: it has moved here with its address, and the member that it has left may notice
 */
export type PendingStage = 'probing' | 'offered' | 'contending'

export interface PendingClient {
  /** The last message of it. */
  request: DhcpRequest
  /** Unsigned 32-bit integer. */
  address: number
  stage: PendingStage
  /** What comes after the probe. */
  readonly purpose: 'offer' | 'ack'
  /** Addresses that were probed for it, this one included. */
  probes: number
  /** Monotonic. */
  expiresMs: number
}

/** Clients that are between their first message and their lease, at a time. */
export const MAX_PENDING_CLIENTS = 64
/** An offer stands for so long. */
export const OFFER_MS = 30_000

/**
 * When it is full, who has had an offer longest without taking it gives way: honest clients take theirs at once, and those of a
 * flood never.
 */
export class PendingClients {
  readonly #clients = new Map<number, PendingClient>()

  get(mac: number): PendingClient | null {
    return this.#clients.get(mac) ?? null
  }

  /** @returns false where there are too many */
  set(mac: number, client: PendingClient): boolean {
    if (!this.#clients.has(mac) && this.#clients.size >= MAX_PENDING_CLIENTS && !this.#makeRoom())
      return false
    this.#clients.set(mac, client)
    return true
  }

  #makeRoom(): boolean {
    for (const [mac, { stage }] of this.#clients) if (stage === 'offered') return this.#clients.delete(mac)
    return false
  }

  delete(mac: number): void {
    this.#clients.delete(mac)
  }

  get size(): number {
    return this.#clients.size
  }

  /** Whether another host than this one may get the address any moment. */
  isPromised(address: number, mac: number): boolean {
    for (const [other, client] of this.#clients) if (other !== mac && client.address === address) return true
    return false
  }

  *[Symbol.iterator](): Generator<PendingClient> {
    yield* [...this.#clients.values()]
  }

  get dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY
    for (const { expiresMs } of this.#clients.values()) dueMs = Math.min(dueMs, expiresMs)
    return dueMs
  }

  tick(nowMs: number): void {
    for (const [mac, { expiresMs }] of this.#clients) if (nowMs >= expiresMs) this.#clients.delete(mac)
  }
}
