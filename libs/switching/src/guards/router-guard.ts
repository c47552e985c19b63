import {
  LATER_FRAGMENT,
  ND_REDIRECT,
  ND_ROUTER_ADVERTISEMENT,
  ND_ROUTER_SOLICITATION,
  PROTOCOL_ICMPV6,
} from '@wakunet/ethernet'
import type { GuardVerdict } from './guard-drops.ts'
import type { Guard, GuardFrame } from './guard-frame.ts'

/**
 * RA guard (RFC 6105): the switch of each host advertises the VLAN's prefix itself, so router discovery never crosses a trunk,
 * in either direction. Looks behind extension headers and into first fragments; what cannot be seen there is the
 * `HeaderChainGuard`'s to drop, and later fragments are worth nothing without the first (RFC 7113 §3).
 */
export class RouterGuard implements Guard {
  inspect({ bytes, offset, view, port }: GuardFrame): GuardVerdict {
    if (view.protocol !== PROTOCOL_ICMPV6 || view.ipVersion !== 6) return 'pass'
    if (view.fragment === LATER_FRAGMENT || view.l4Offset >= view.ipEnd) return 'pass'
    switch (bytes[offset + view.l4Offset]) {
      case ND_ROUTER_ADVERTISEMENT:
        return 'router-advertisement'
      case ND_REDIRECT:
        return 'redirect'
      case ND_ROUTER_SOLICITATION:
        return port.side === 'tap' ? 'local-router-solicitation' : 'router-solicitation'
      default:
        return 'pass'
    }
  }
}
