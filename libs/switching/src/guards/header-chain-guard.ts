import { LATER_FRAGMENT, PROTOCOL_ICMPV6 } from '@wakunet/ethernet'
import type { GuardVerdict } from './guard-drops.ts'
import type { Guard, GuardFrame } from './guard-frame.ts'

/**
 * Upper layers that may follow IPv6 headers (IANA protocol numbers): ICMPv6, TCP, UDP, and what else really is used. Behind any
 * other number an extension header of the future could hide a router advertisement (RFC 7113 §3).
 */
const UPPER_LAYERS = new Uint8Array(256)
for (const protocol of [
  2, 4, 6, 17, 33, 41, 46, 47, 50, 58, 59, 88, 89, 94, 97, 98, 103, 108, 112, 113, 115, 118, 132, 136, 137,
])
  UPPER_LAYERS[protocol] = 1

/**
 * IPv6 packets whose upper layer cannot be known are dropped (RFC 7113, RFC 7112): headers without end, an unknown number
 * behind them, or an ICMPv6 message whose type is not there. Other guards rely on it. Headers that reach behind the packet
 * are malformed already.
 */
export class HeaderChainGuard implements Guard {
  inspect({ view }: GuardFrame): GuardVerdict {
    if (view.ipVersion !== 6 || view.fragment === LATER_FRAGMENT) return 'pass'
    if (view.protocol < 0 || UPPER_LAYERS[view.protocol] === 0) return 'header-chain'
    return view.protocol === PROTOCOL_ICMPV6 && view.l4Offset >= view.ipEnd ? 'header-chain' : 'pass'
  }
}
