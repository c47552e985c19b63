import type { VlanId } from '@wakunet/interface'
import { formatCidr } from './cidr.ts'
import { derive } from './derive.ts'

/** Prefix length of automatic IPv4 subnets: 4,093 members, and two VLANs share one with a chance of 1 in 3,840. */
const SUBNET4_PREFIX = 20
/** Automatic subnets begin at 10.16.0.0: home routers, VPNs and clouds crowd what is below. */
const FIRST_SECOND_BYTE = 16

/** The IPv4 subnet of a VLAN whose maker did not choose one: a /20 out of 10.16.0.0 to 10.255.255.255. */
export function defaultSubnet4(vlanId: VlanId): string {
  const random = derive('default subnet4', [vlanId], 4)
  // 240 x 16 subnets; the modulo of a 32-bit number is even enough.
  const value = ((random[0]! << 24) | (random[1]! << 16) | (random[2]! << 8) | random[3]!) >>> 0
  const index = value % ((256 - FIRST_SECOND_BYTE) * 16)
  const bytes = Uint8Array.of(10, FIRST_SECOND_BYTE + Math.floor(index / 16), (index % 16) * 16, 0)
  return formatCidr({ family: 4, bytes, prefixLength: SUBNET4_PREFIX })
}

/** The IPv6 subnet of a VLAN: a /64 of unique local addresses with 56 derived bits (RFC 4193 §3.1, L bit set). */
export function ulaPrefix(vlanId: VlanId): string {
  const bytes = new Uint8Array(16)
  bytes[0] = 0xfd
  bytes.set(derive('ula prefix', [vlanId], 7), 1)
  return formatCidr({ family: 6, bytes, prefixLength: 64 })
}
