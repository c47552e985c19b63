import { stationMac } from '@wakunet/addressing'
import { vlanIdToBytes } from '@wakunet/identity'
import type { VlanId } from '@wakunet/interface'
import type { MulticastSpeaker } from '@wakunet/switching'

/**
 * Who the switch is when it asks for groups: its station by MAC address, no IPv4 address and the highest link-local IPv6
 * address there can be, so that a multicast router behind the TAP wins every election (RFC 3376 §6.6.2, RFC 3810 §7.6.2).
 */
export function querierOf(vlanId: VlanId): MulticastSpeaker {
  const address6 = new Uint8Array(16).fill(0xff)
  address6.set([0xfe, 0x80, 0, 0, 0, 0, 0, 0])
  return { mac: stationMac(vlanIdToBytes(vlanId)), address4: new Uint8Array(4), address6 }
}
