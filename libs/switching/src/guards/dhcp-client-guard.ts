import { BOOT_REQUEST, DHCPV4_FIELD, UDP_HEADER_BYTES } from '@wakunet/ethernet'
import { dhcpKindOf } from './dhcp-guard.ts'
import type { GuardVerdict } from './guard-drops.ts'
import { type Guard, type GuardFrame, isSourceMac } from './guard-frame.ts'

/**
 * A request is in the name of the station that sends it, and comes at a bearable rate: one host cannot use up the pool in
 * the name of others. Goes before `DhcpGuard`, which keeps honest requests on their side.
 */
export class DhcpClientGuard implements Guard {
  inspect(frame: GuardFrame): GuardVerdict {
    const kind = dhcpKindOf(frame)
    if (kind !== 'client4' && kind !== 'client6') return 'pass'
    if (kind === 'client4' && !isConsistent(frame)) return 'dhcp-chaddr'
    return frame.port.take('dhcp', frame.nowMs) ? 'pass' : 'dhcp-rate'
  }
}

/** Hardware address of the client is the frame's source, and no relay is named: there is none in a VLAN. */
function isConsistent(frame: GuardFrame): boolean {
  const { bytes, offset, view } = frame
  const at = offset + view.l4Offset + UDP_HEADER_BYTES
  if (at + DHCPV4_FIELD.options > offset + view.ipEnd) return false
  if (bytes[at] !== BOOT_REQUEST) return false
  if (bytes[at + DHCPV4_FIELD.hardwareType] !== 1 || bytes[at + DHCPV4_FIELD.hardwareLength] !== 6)
    return false
  for (let i = 0; i < 4; i++) if (bytes[at + DHCPV4_FIELD.relayAddress + i] !== 0) return false
  return isSourceMac(frame, at + DHCPV4_FIELD.clientMac)
}
