import { bytesToHex } from '@noble/hashes/utils.js'
import type { AddressPlan } from '../address-plan.ts'
import { type Cidr, parseCidr } from '../cidr.ts'
import { derive } from '../derive.ts'
import type { StationAddresses } from './station-types.ts'

/** Locally administered and unicast, then "WK": what people recognise in a capture (IEEE 802-2014 §8.2.2). */
const MAC_PREFIX = [0x02, 0x57, 0x4b] as const
/** Interface identifier of the station's address: the port of DNS, as it is read in hexadecimal text. */
const INTERFACE_ID_END = 0x53

/**
 * MAC address of the switch's own station: 02:57:4b and three bytes of BLAKE3, key derivation mode, context `wakunet addressing
 * v1 station mac`, of the VLAN id as 32 hexadecimal digits. The same on every switch of the VLAN.
 * @param vlanId 16 bytes
 */
export function stationMac(vlanId: Uint8Array): Uint8Array {
  return Uint8Array.of(...MAC_PREFIX, ...derive('station mac', [bytesToHex(vlanId)], 3))
}

/**
 * Addresses of the station: the first host address of the IPv4 subnet, `<prefix>::53`, and the link-local address that its MAC
 * address makes (RFC 4291 appendix A). Members never get the first two.
 * @throws WakunetError `ERR_ADDRESS_INVALID` for a plan whose subnets are none
 */
export function stationAddresses(
  vlanId: Uint8Array,
  plan: Pick<AddressPlan, 'subnet4' | 'subnet6'>,
): StationAddresses {
  const mac = stationMac(vlanId)
  const address4 = Uint8Array.from(parseCidr(plan.subnet4).bytes)
  address4[3] = address4[3]! | 1
  const address6 = Uint8Array.from(parseCidr(plan.subnet6).bytes)
  address6[15] = INTERFACE_ID_END
  return { mac, address4, address6, linkLocal: linkLocalAddress(mac) }
}

/** The last address of an IPv4 subnet, which every host of it listens on. */
export function broadcastAddress({ bytes, prefixLength }: Cidr): Uint8Array {
  return bytes.map((byte, i) => byte | (0xff >>> Math.min(8, Math.max(0, prefixLength - 8 * i))))
}

function linkLocalAddress(mac: Uint8Array): Uint8Array {
  const address = new Uint8Array(16)
  address.set([0xfe, 0x80])
  address.set([mac[0]! ^ 2, mac[1]!, mac[2]!, 0xff, 0xfe, mac[3]!, mac[4]!, mac[5]!], 8)
  return address
}
