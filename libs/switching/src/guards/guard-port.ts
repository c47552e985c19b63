import { TokenBucket } from '../control/token-bucket.ts'

/** So many at once, and so many a second after that. */
export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

export interface GuardRates {
  /** ARP and ND messages. */
  readonly arp: Rate
  readonly nd: Rate
  /** DHCP requests. */
  readonly dhcp: Rate
  /** BPDUs of a bridged LAN. */
  readonly bpdu: Rate
  /** IGMP and MLD messages. */
  readonly multicastControl: Rate
  /** Frames to everybody, in units of 1,514 bytes, so that a super-frame counts as what it becomes. */
  readonly broadcast: Rate
  readonly multicast: Rate
  readonly unknownUnicast: Rate
}

/** What one port may send. */
export const DEFAULT_PORT_RATES: GuardRates = {
  arp: { burst: 200, perSecond: 100 },
  nd: { burst: 200, perSecond: 100 },
  dhcp: { burst: 40, perSecond: 20 },
  bpdu: { burst: 32, perSecond: 16 },
  multicastControl: { burst: 200, perSecond: 50 },
  broadcast: { burst: 200, perSecond: 200 },
  multicast: { burst: 200, perSecond: 200 },
  unknownUnicast: { burst: 100, perSecond: 100 },
}

/** What all members together may bring to the TAP: 1,000 frames to everybody in a second. */
export const DEFAULT_TOTAL_STORM_RATES: Pick<GuardRates, 'broadcast' | 'multicast' | 'unknownUnicast'> = {
  broadcast: { burst: 400, perSecond: 400 },
  multicast: { burst: 400, perSecond: 400 },
  unknownUnicast: { burst: 200, perSecond: 200 },
}

export type RateName = keyof GuardRates

/** Where frames come from: the TAP or a member. Bindings belong to it, and its rates are its own. `GuardChain` makes them. */
export class GuardPort {
  readonly side: 'tap' | 'member'
  /** No other port of the VLAN has it: tells fragments of one port from those of another. */
  readonly number: number
  /** Bindings that were learned from this port. */
  learnedBindings = 0
  readonly #rates: GuardRates
  /** Made with the first frame: most members of a large VLAN never send one here. */
  #buckets: Map<RateName, TokenBucket> | null = null

  constructor(side: 'tap' | 'member', number: number, rates: GuardRates = DEFAULT_PORT_RATES) {
    this.side = side
    this.number = number
    this.#rates = rates
  }

  /** Takes from a rate of this port; a bucket is made when it is first needed. */
  take(name: RateName, nowMs: number, count = 1): boolean {
    this.#buckets ??= new Map()
    let bucket = this.#buckets.get(name)
    if (bucket === undefined) {
      const { burst, perSecond } = this.#rates[name]
      bucket = new TokenBucket(burst, perSecond, nowMs)
      this.#buckets.set(name, bucket)
    }
    return bucket.take(nowMs, count)
  }
}
