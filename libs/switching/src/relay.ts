import { TokenBucket } from './control/token-bucket.ts'
import type { Member } from './members.ts'

/** What a member does for pairs of others without a trunk to each other. */
export interface RelayInit {
  /** Whether it passes unicast records on at all. The VLAN's tree, which carries broadcasts, is another matter. */
  readonly enabled: boolean
  /** For all together, and for one ingress node; 0 for no limit. */
  readonly bitsPerSecond: number
  readonly bitsPerSecondPerMember: number
  /** Bytes at once. */
  readonly burstBytes: number
}

/** Passes everything on. */
export const RELAY_ALL: RelayInit = {
  enabled: true,
  bitsPerSecond: 0,
  bitsPerSecondPerMember: 0,
  burstBytes: 0,
}

const BITS = 8

/** What was passed on for one member. */
export interface RelayedTraffic {
  records: number
  bytes: number
}

/**
 * How much is relayed: one bucket for all VLANs of a switch, and one for each ingress node. What it passes is counted for the
 * member that it came from.
 */
export class RelayBudget {
  readonly enabled: boolean
  readonly #init: RelayInit
  readonly #all: TokenBucket | null

  constructor(init: RelayInit, nowMs: number) {
    this.#init = init
    this.enabled = init.enabled
    this.#all = this.#bucket(init.bitsPerSecond, nowMs)
  }

  #bucket(bitsPerSecond: number, nowMs: number): TokenBucket | null {
    return bitsPerSecond === 0 ? null : new TokenBucket(this.#init.burstBytes, bitsPerSecond / BITS, nowMs)
  }

  /** Takes the bytes of a record of `from`, and counts them; false where there are too many. */
  take(from: Member, bytes: number, nowMs: number): boolean {
    const { bitsPerSecondPerMember } = this.#init
    if (bitsPerSecondPerMember > 0) {
      from.relayBucket ??= this.#bucket(bitsPerSecondPerMember, nowMs)
      if (!from.relayBucket!.take(nowMs, bytes)) return false
    }
    if (this.#all !== null && !this.#all.take(nowMs, bytes)) return false
    from.relayed.records++
    from.relayed.bytes += bytes
    return true
  }
}
