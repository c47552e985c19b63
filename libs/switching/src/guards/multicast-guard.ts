import {
  LATER_FRAGMENT,
  MLD_QUERY,
  MLD_V1_DONE,
  MLD_V2_REPORT,
  PROTOCOL_ICMPV6,
  PROTOCOL_IGMP,
} from '@wakunet/ethernet'
import type { GuardVerdict } from './guard-drops.ts'
import type { Guard, GuardFrame } from './guard-frame.ts'

/** IGMP and MLD at a bearable rate, whichever way they go. */
export class MulticastRateGuard implements Guard {
  inspect(frame: GuardFrame): GuardVerdict {
    if (!isMulticastControl(frame)) return 'pass'
    return frame.port.take('multicastControl', frame.nowMs) ? 'pass' : 'multicast-rate'
  }
}

/**
 * IGMP and MLD stay on their side: members report through their switches. So nobody can be a querier for others, nor
 * leave groups in their name.
 */
export class MulticastControlGuard implements Guard {
  inspect(frame: GuardFrame): GuardVerdict {
    if (!isMulticastControl(frame)) return 'pass'
    return frame.port.side === 'tap' ? 'local-multicast' : 'multicast-control'
  }
}

/** Fragments of IGMP too: a whole one is needed nowhere in fragments. */
function isMulticastControl({ bytes, offset, view }: GuardFrame): boolean {
  if (view.ipVersion === 4) return view.protocol === PROTOCOL_IGMP
  if (view.ipVersion !== 6 || view.protocol !== PROTOCOL_ICMPV6) return false
  if (view.fragment === LATER_FRAGMENT || view.l4Offset >= view.ipEnd) return false
  const type = bytes[offset + view.l4Offset]!
  return (type >= MLD_QUERY && type <= MLD_V1_DONE) || type === MLD_V2_REPORT
}
