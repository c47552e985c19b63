import { TokenBucket } from '../control/token-bucket.ts'
import type { GuardDrop, GuardVerdict } from './guard-drops.ts'
import type { Guard, GuardFrame, GuardTraffic } from './guard-frame.ts'
import { DEFAULT_TOTAL_STORM_RATES, type GuardRates } from './guard-port.ts'

/** Bytes that count as one frame: a super-frame of 64 KiB is 44 frames in the end. */
const UNIT_BYTES = 1_514

type StormRates = Pick<GuardRates, 'broadcast' | 'multicast' | 'unknownUnicast'>
type StormRate = keyof StormRates

const RATE_OF: Record<GuardTraffic, StormRate | null> = {
  unicast: null,
  stream: null,
  broadcast: 'broadcast',
  multicast: 'multicast',
  'unknown-unicast': 'unknownUnicast',
}
const DROP_OF: Record<StormRate, GuardDrop> = {
  broadcast: 'storm-broadcast',
  multicast: 'storm-multicast',
  unknownUnicast: 'storm-unicast',
}

/**
 * Storm control, enforced by the receiver, since a sender that storms does not limit itself: frames to everybody are limited for
 * each port and, for what comes from members, for all of them together. Known unicast and subscribed streams are not touched.
 */
export class StormGuard implements Guard {
  readonly #total: Record<StormRate, TokenBucket>

  constructor(rates: StormRates = DEFAULT_TOTAL_STORM_RATES, nowMs = 0) {
    const bucket = ({ burst, perSecond }: StormRates[StormRate]) => new TokenBucket(burst, perSecond, nowMs)
    this.#total = {
      broadcast: bucket(rates.broadcast),
      multicast: bucket(rates.multicast),
      unknownUnicast: bucket(rates.unknownUnicast),
    }
  }

  inspect({ traffic, port, length, nowMs }: GuardFrame): GuardVerdict {
    const rate = RATE_OF[traffic]
    if (rate === null) return 'pass'
    const units = Math.ceil(length / UNIT_BYTES)
    // The port's own limit first: what it has no right to takes nothing from the others.
    if (!port.take(rate, nowMs, units)) return DROP_OF[rate]
    if (port.side === 'tap') return 'pass'
    return this.#total[rate].take(nowMs, units) ? 'pass' : DROP_OF[rate]
  }
}
