import {
  DHCPV4_CLIENT_PORT,
  DHCPV4_SERVER_PORT,
  DHCPV6_CLIENT_PORT,
  DHCPV6_SERVER_PORT,
  LATER_FRAGMENT,
  PROTOCOL_UDP,
  UDP_HEADER_BYTES,
} from '@wakunet/ethernet'
import type { GuardVerdict } from './guard-drops.ts'
import type { Guard, GuardFrame } from './guard-frame.ts'

/** What a frame is to DHCP, by its UDP ports. */
export type DhcpKind = 'none' | 'client4' | 'client6' | 'server'

/** Free of allocations; `none` for a later fragment, which is worth nothing without the first. */
export function dhcpKindOf({ bytes, offset, view }: GuardFrame): DhcpKind {
  if (view.protocol !== PROTOCOL_UDP || view.fragment === LATER_FRAGMENT) return 'none'
  if (view.l4Offset + UDP_HEADER_BYTES > view.ipEnd) return 'none'
  const at = offset + view.l4Offset
  const source = (bytes[at]! << 8) | bytes[at + 1]!
  const destination = (bytes[at + 2]! << 8) | bytes[at + 3]!
  const isIpv4 = view.ipVersion === 4
  const server = isIpv4 ? DHCPV4_SERVER_PORT : DHCPV6_SERVER_PORT
  const client = isIpv4 ? DHCPV4_CLIENT_PORT : DHCPV6_CLIENT_PORT
  // Relays and servers among themselves use the server's port at both ends.
  if (destination === client || source === server) return 'server'
  if (destination !== server) return 'none'
  return isIpv4 ? 'client4' : 'client6'
}

/**
 * DHCP snooping: each host is served by its own switch, so DHCP never crosses a trunk. Server messages are dropped wherever they come
 * from; requests of the TAP stay with its switch, those of members are dropped.
 */
export class DhcpGuard implements Guard {
  inspect(frame: GuardFrame): GuardVerdict {
    switch (dhcpKindOf(frame)) {
      case 'none':
        return 'pass'
      case 'server':
        return 'dhcp-server'
      case 'client4':
        return frame.port.side === 'tap' ? 'local-dhcpv4' : 'dhcp-client'
      case 'client6':
        return frame.port.side === 'tap' ? 'local-dhcpv6' : 'dhcp-client'
    }
  }
}
