import type { Address } from '@libp2p/interface'
import type { Clock } from '@wakunet/interface'

type Family = 'ip4' | 'ip6'

/** An IP version over which a dial failed is not the first choice for so long. */
const AVOIDED_FOR_MS = 60_000

/**
 * In which order the addresses of one peer are dialled: IPv6 before IPv4 while it works (RFC 6724, and no NAT there), plain TCP before WebSocket, whatever is
 * direct before relays. libp2p dials one after the other, so what does not answer costs its whole time once and waits behind the others then.
 */
export class AddressOrder {
  readonly #clock: Clock
  readonly #failedAtMs: Record<Family, number> = {
    ip4: Number.NEGATIVE_INFINITY,
    ip6: Number.NEGATIVE_INFINITY,
  }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A dial has ended. */
  dialled(address: string, hasWorked: boolean): void {
    const family = familyOf(address)
    if (family !== null)
      this.#failedAtMs[family] = hasWorked ? Number.NEGATIVE_INFINITY : this.#clock.monotonicMs()
  }

  /** For `Array.sort`, libp2p's `addressSorter`. */
  readonly compare = (a: Address, b: Address): -1 | 0 | 1 => {
    const difference = this.#rank(a.multiaddr.toString()) - this.#rank(b.multiaddr.toString())
    return difference < 0 ? -1 : difference > 0 ? 1 : 0
  }

  #rank(address: string): number {
    const family = familyOf(address)
    const isAvoided = family !== null && this.#clock.monotonicMs() - this.#failedAtMs[family] < AVOIDED_FOR_MS
    return (
      (address.includes('/p2p-circuit') ? 16 : 0) +
      (/\/wss?(\/|$)/.test(address) ? 8 : 0) +
      (isAvoided ? 4 : 0) +
      (/^\/(ip4\/127\.|ip6\/::1\/)/.test(address) ? 2 : 0) +
      (family === 'ip6' ? 0 : 1)
    )
  }
}

function familyOf(address: string): Family | null {
  const name = address.split('/')[1]
  return name === 'ip4' || name === 'ip6' ? name : null
}
