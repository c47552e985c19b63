import { macFromString, macToString } from '@wakunet/ethernet'
import { type NodeId, type VlanId, WakunetError } from '@wakunet/interface'
import { type Cidr, cidrContains, formatCidr, networkOf, parseCidr } from './cidr.ts'
import { derive } from './derive.ts'
import { formatIp } from './ip-address.ts'
import { AddressWalk } from './leases/address-walk.ts'

/** Not for hosts: network, first host address (the switch's own station), broadcast. */
const RESERVED_ADDRESSES = 3
/** Of the longest prefix that leaves an address to give. */
const MAX_PREFIX = 30

/** MAC address of a member's interface: derived, locally administered, unicast (IEEE 802-2014 §8.2.2). */
export function memberMac(vlanId: VlanId, nodeId: NodeId): string {
  const mac = derive('member mac', [vlanId, nodeId], 6)
  mac[0] = (mac[0]! & 0xfc) | 0x02
  return macToString(mac)
}

/**
 * The automatic IPv4 address of a member, with the prefix length of the subnet. Attempts walk over all addresses of
 * the subnet, each once before any comes again, in an order that is this member's own.
 * @param attempt 0 for the address to begin with
 * @throws WakunetError `ERR_ADDRESS_INVALID` where the subnet is no IPv4 network or too small to have hosts
 */
export function autoAddress4(subnet4: string, vlanId: VlanId, nodeId: NodeId, attempt: number): string {
  const network = parseSubnet4(subnet4)
  const size = 2 ** (32 - network.prefixLength) - RESERVED_ADDRESSES
  const walk = new AddressWalk(2, size, derive('address4 walk', [vlanId, nodeId], 16))
  return formatCidr({ ...network, bytes: addTo(network.bytes, walk.at(attempt)) })
}

/**
 * IPv6 address out of a /64 and a MAC address, with an EUI-64 interface identifier (RFC 4291 appendix A): the
 * same that the kernel makes for the link-local address.
 * @throws WakunetError `ERR_ADDRESS_INVALID`
 */
export function address6(ulaPrefix: string, mac: string): string {
  const prefix = parseCidr(ulaPrefix)
  if (prefix.family !== 6 || prefix.prefixLength !== 64) {
    throw new WakunetError(
      'ERR_ADDRESS_INVALID',
      `${ulaPrefix} is no IPv6 /64, which an interface identifier needs`,
    )
  }
  const eui = macFromString(mac)
  const bytes = Uint8Array.from(prefix.bytes)
  bytes.set([eui[0]! ^ 2, eui[1]!, eui[2]!, 0xff, 0xfe, eui[3]!, eui[4]!, eui[5]!], 8)
  return formatCidr({ ...prefix, bytes })
}

/**
 * Checks an address that a person chose for a VLAN with this subnet.
 * @returns the address in canonical form
 * @throws WakunetError `ERR_ADDRESS_INVALID`, `ERR_ADDRESS_OUTSIDE_SUBNET`
 */
export function checkManualAddress(subnet4: string, cidr: string): string {
  const network = parseSubnet4(subnet4)
  const address = parseCidr(cidr)
  const example = `for example ${formatCidr({ ...network, bytes: addTo(network.bytes, 2 + (9 % (hosts(network) - 1))) })}`
  if (!cidrContains(network, formatIp(address.bytes))) {
    throw new WakunetError(
      'ERR_ADDRESS_OUTSIDE_SUBNET',
      `${cidr} is outside the subnet of the VLAN, ${formatCidr(network)}; choose an address inside it, ${example}`,
    )
  }
  if (address.prefixLength !== network.prefixLength) {
    throw new WakunetError(
      'ERR_ADDRESS_INVALID',
      `${cidr} has another prefix length than the subnet of the VLAN, ${formatCidr(network)}; write ${formatIp(address.bytes)}/${network.prefixLength}`,
    )
  }
  const offset = toNumber(address.bytes) - toNumber(network.bytes)
  const taken = reservedFor(network, offset)
  if (taken !== null) {
    throw new WakunetError('ERR_ADDRESS_INVALID', `${cidr} is ${taken}; choose another, ${example}`)
  }
  return formatCidr(address)
}

/** What an address of the subnet is that no host can have; null for the others. */
function reservedFor(network: Cidr, offset: number): string | null {
  if (offset === 0) return "the network address of the subnet and no host's"
  if (offset === 1) return "that of the VLAN's own switch, which answers DHCP and DNS there"
  return offset > hosts(network) ? "the broadcast address of the subnet and no host's" : null
}

/** Addresses that hosts can have: all but network and broadcast. */
function hosts(network: Cidr): number {
  return 2 ** (32 - network.prefixLength) - 2
}

/**
 * An IPv4 subnet that has host addresses to give.
 * @throws WakunetError `ERR_ADDRESS_INVALID`
 */
export function parseSubnet4(text: string): Cidr {
  const cidr = parseCidr(text)
  if (cidr.family !== 4) throw new WakunetError('ERR_ADDRESS_INVALID', `${text} is no IPv4 subnet`)
  if (cidr.prefixLength > MAX_PREFIX) {
    throw new WakunetError(
      'ERR_ADDRESS_INVALID',
      `${text} is too small for a VLAN; the longest prefix that has host addresses to give is /${MAX_PREFIX}`,
    )
  }
  return networkOf(cidr)
}

/** Big-endian. */
function toNumber(bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0)
}

function addTo(network: Uint8Array, offset: number): Uint8Array {
  const value = toNumber(network) + offset
  return Uint8Array.of(value / 2 ** 24, (value / 2 ** 16) % 256, (value / 256) % 256, value % 256)
}
