import { isPackedIpv6 } from './path-message.ts'
import { ProbedAddress } from './probed-address.ts'

/** Addresses kept of one peer: those that it told, those that the connection says, and those seen. */
export const MAX_ADDRESSES = 24

/** The addresses of one peer, bounded: what does not answer makes room for what comes. */
export class AddressSet {
  readonly #byKey = new Map<string, ProbedAddress>()
  readonly #largestDatagram: (isIpv6: boolean) => number
  /** For want of room, ever. */
  forgotten = 0

  /** @param largestDatagram UDP payload that this host's interfaces take */
  constructor(largestDatagram: (isIpv6: boolean) => number) {
    this.#largestDatagram = largestDatagram
  }

  get size(): number {
    return this.#byKey.size
  }

  all(): IterableIterator<ProbedAddress> {
    return this.#byKey.values()
  }

  /** Replaces what the peer has told; what it tells no more and does not answer goes. */
  setTold(told: readonly Uint8Array[], nowMs: number): void {
    for (const address of this.#byKey.values()) address.told = false
    for (const packed of told) {
      const address = this.know(packed, nowMs)
      if (address !== null) address.told = true
    }
    for (const [key, address] of this.#byKey) if (!address.told && !address.usable) this.#byKey.delete(key)
  }

  /** The address, which is new where it was not known; null where all others answer and there is no room. */
  know(packed: Uint8Array, nowMs: number): ProbedAddress | null {
    const key = keyOf(packed)
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    if (this.#byKey.size >= MAX_ADDRESSES && !this.#makeRoom()) return null
    const address = new ProbedAddress(packed, this.#largestDatagram(isPackedIpv6(packed)), nowMs)
    this.#byKey.set(key, address)
    return address
  }

  #makeRoom(): boolean {
    for (const [key, address] of this.#byKey) {
      if (address.usable) continue
      this.forgotten++
      return this.#byKey.delete(key)
    }
    return false
  }
}

const keyOf = (packed: Uint8Array): string => Buffer.from(packed).toString('latin1')
