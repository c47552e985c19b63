import {
  ARP_BYTES,
  ETHERNET_HEADER_BYTES,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  IPV6_HEADER_BYTES,
  MAC_BYTES,
  ND_NEIGHBOR_ADVERTISEMENT,
  ND_NEIGHBOR_SOLICITATION,
  PROTOCOL_ICMPV6,
} from '@wakunet/ethernet'
import type { StationAddresses } from './station-types.ts'

const TYPE_AT = 2 * MAC_BYTES
const ARP_SENDER_AT = ETHERNET_HEADER_BYTES + 14
const ARP_TARGET_AT = ETHERNET_HEADER_BYTES + 24
const NEXT_HEADER_AT = ETHERNET_HEADER_BYTES + 6
const IPV4_SOURCE_AT = ETHERNET_HEADER_BYTES + 12
const IPV6_SOURCE_AT = ETHERNET_HEADER_BYTES + 8
const ICMPV6_AT = ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES
const ND_TARGET_AT = ICMPV6_AT + 8
const ND_BYTES = ICMPV6_AT + 24

/**
 * Says of every frame of a TAP whether it is for the switch's own station, so that it goes nowhere else. Allocates nothing; a frame to
 * another station costs the comparison of one byte.
 */
export class StationFilter {
  #addresses: StationAddresses
  /** Last byte of the MAC address: tells 255 of 256 frames to others apart. */
  #macEnd: number

  constructor(addresses: StationAddresses) {
    this.#addresses = addresses
    this.#macEnd = addresses.mac[MAC_BYTES - 1]!
  }

  setAddresses(addresses: StationAddresses): void {
    this.#addresses = addresses
    this.#macEnd = addresses.mac[MAC_BYTES - 1]!
  }

  /**
   * Whether the frame of `length` bytes at `offset` goes to the station's MAC address, or is ARP or neighbour discovery to several
   * stations that asks for one of its addresses, or claims one.
   */
  isForStation(bytes: Uint8Array, offset: number, length: number): boolean {
    if (length < ETHERNET_HEADER_BYTES || offset + length > bytes.length) return false
    if ((bytes[offset]! & 1) === 0) {
      return bytes[offset + MAC_BYTES - 1] === this.#macEnd && isAt(bytes, offset, this.#addresses.mac)
    }
    const type = (bytes[offset + TYPE_AT]! << 8) | bytes[offset + TYPE_AT + 1]!
    if (type === ETHERTYPE_ARP) return this.#isOwnArp(bytes, offset, length)
    return type === ETHERTYPE_IPV6 && this.#isOwnNeighbour(bytes, offset, length)
  }

  /**
   * Whether the frame of `length` bytes at `offset` says that it is from the station, by its MAC address or one of its IP addresses. One from a
   * trunk does so to be taken for the station: to answer in place of its name server, say.
   */
  isFromStation(bytes: Uint8Array, offset: number, length: number): boolean {
    if (length < ETHERNET_HEADER_BYTES || offset + length > bytes.length) return false
    const { mac, address4, address6, linkLocal } = this.#addresses
    if (bytes[offset + 2 * MAC_BYTES - 1] === this.#macEnd && isAt(bytes, offset + MAC_BYTES, mac))
      return true
    const type = (bytes[offset + TYPE_AT]! << 8) | bytes[offset + TYPE_AT + 1]!
    if (type === ETHERTYPE_IPV4) {
      return length >= IPV4_SOURCE_AT + 4 && isAt(bytes, offset + IPV4_SOURCE_AT, address4)
    }
    if (type !== ETHERTYPE_IPV6 || length < IPV6_SOURCE_AT + 16) return false
    return isAt(bytes, offset + IPV6_SOURCE_AT, address6) || isAt(bytes, offset + IPV6_SOURCE_AT, linkLocal)
  }

  #isOwnArp(bytes: Uint8Array, offset: number, length: number): boolean {
    if (length < ETHERNET_HEADER_BYTES + ARP_BYTES) return false
    const { address4 } = this.#addresses
    return isAt(bytes, offset + ARP_TARGET_AT, address4) || isAt(bytes, offset + ARP_SENDER_AT, address4)
  }

  #isOwnNeighbour(bytes: Uint8Array, offset: number, length: number): boolean {
    if (length < ND_BYTES || bytes[offset + NEXT_HEADER_AT] !== PROTOCOL_ICMPV6) return false
    const type = bytes[offset + ICMPV6_AT]
    if (type !== ND_NEIGHBOR_SOLICITATION && type !== ND_NEIGHBOR_ADVERTISEMENT) return false
    const { address6, linkLocal } = this.#addresses
    return isAt(bytes, offset + ND_TARGET_AT, address6) || isAt(bytes, offset + ND_TARGET_AT, linkLocal)
  }
}

function isAt(bytes: Uint8Array, at: number, value: Uint8Array): boolean {
  for (let i = 0; i < value.length; i++) if (bytes[at + i] !== value[i]) return false
  return true
}
