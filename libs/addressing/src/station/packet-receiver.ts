import {
  decodeEthernet,
  decodeIpv4,
  decodeIpv6,
  decodeNeighborMessage,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  type EthernetFrame,
  type Ipv6Packet,
  icmpv6Sum,
  isMulticastMac,
  linkAddressOf,
  ND_OPTION_SOURCE_LINK_ADDRESS,
  ND_REDIRECT,
  ND_ROUTER_SOLICITATION,
  PROTOCOL_FRAGMENT,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '@wakunet/ethernet'
import type { AddressPlan } from '../address-plan.ts'
import { type Cidr, parseCidr } from '../cidr.ts'
import { addressEquals, isGroupAddress, isLinkLocal6, isUnspecified, sharesPrefix } from './address-bytes.ts'
import { ArpResponder } from './arp-responder.ts'
import { IcmpResponder, type StationPacket } from './icmp-responder.ts'
import { NeighbourResponder } from './neighbour-responder.ts'
import { SourceRates, type SourceRatesInit } from './source-rates.ts'
import { broadcastAddress } from './station-addresses.ts'
import type { StationPort } from './station-port.ts'
import type { StationVerdict } from './station-types.ts'
import { UdpDemultiplexer, type UdpService } from './udp-demultiplexer.ts'

const NEIGHBOUR_RATES = { total: { burst: 1_000, perSecond: 500 }, perSource: { burst: 100, perSecond: 50 } }
const ECHO_RATES = { total: { burst: 1_000, perSecond: 500 }, perSource: { burst: 200, perSecond: 100 } }
const ERROR_RATES = { total: { burst: 50, perSecond: 20 }, perSource: { burst: 10, perSecond: 5 } }
/** ff02::1:2, all DHCPv6 relays and servers (RFC 8415 §7.1). */
const ALL_DHCPV6_SERVERS = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2)
const LIMITED_BROADCAST = new Uint8Array(4).fill(0xff)

export interface PacketReceiverInit {
  readonly hashSeed: number
  readonly plan: AddressPlan
  readonly services: readonly UdpService[]
  /** A router solicitation that RFC 4861 §6.1.1 does not tell a router to discard. */
  readonly onSolicitation: (source: Uint8Array, sourceMac: Uint8Array, nowMs: number) => void
}

/** Brings frames for the station to the part that answers them, and refuses what no honest host of the link sends. */
export class PacketReceiver {
  readonly #port: StationPort
  readonly #arp: ArpResponder
  readonly #neighbour: NeighbourResponder
  readonly #icmp: IcmpResponder
  readonly #udp: UdpDemultiplexer
  readonly #solicitationRates: SourceRates
  readonly #onSolicitation: PacketReceiverInit['onSolicitation']
  #network4: Cidr
  #network6: Cidr

  constructor(port: StationPort, init: PacketReceiverInit, nowMs: number) {
    const rates = (rate: SourceRatesInit) => new SourceRates(rate, init.hashSeed, nowMs)
    this.#port = port
    this.#arp = new ArpResponder(port, rates(NEIGHBOUR_RATES))
    this.#neighbour = new NeighbourResponder(port, rates(NEIGHBOUR_RATES))
    this.#icmp = new IcmpResponder(
      port,
      { echo: rates(ECHO_RATES), error: rates(ERROR_RATES) },
      init.plan.mtu,
    )
    this.#udp = new UdpDemultiplexer(port, init.services)
    this.#solicitationRates = rates(NEIGHBOUR_RATES)
    this.#onSolicitation = init.onSolicitation
    this.#network4 = parseCidr(init.plan.subnet4)
    this.#network6 = parseCidr(init.plan.subnet6)
  }

  setPlan(plan: AddressPlan): void {
    this.#network4 = parseCidr(plan.subnet4)
    this.#network6 = parseCidr(plan.subnet6)
    this.#icmp.setMaxPacketBytes(plan.mtu)
  }

  receive(bytes: Uint8Array, offset: number, length: number, nowMs: number): StationVerdict {
    const frame = decodeEthernet(bytes, offset, length)
    if (frame === null || isMulticastMac(frame.source)) return 'malformed'
    // Of the station itself, or inside a tag, which is another network.
    if (frame.tags.length > 0 || addressEquals(frame.source, this.#port.addresses.mac)) return 'not-for-us'
    if (frame.etherType === ETHERTYPE_ARP) return this.#arp.receive(frame, nowMs)
    if (frame.etherType === ETHERTYPE_IPV4) return this.#receiveIpv4(frame, nowMs)
    return frame.etherType === ETHERTYPE_IPV6 ? this.#receiveIpv6(frame, nowMs) : 'not-for-us'
  }

  #receiveIpv4(frame: EthernetFrame, nowMs: number): StationVerdict {
    const ip = decodeIpv4(frame.payload)
    if (ip === null || isGroupAddress(ip.source) || this.#isBroadcast(ip.source)) return 'malformed'
    if (!ip.headerChecksumValid) return 'checksum'
    if (ip.moreFragments || ip.fragmentOffset > 0) return 'fragment'
    const packet = { ...ip, sourceMac: frame.source }
    if (this.#port.isOwn(ip.destination)) return this.#receiveUpper(packet, ip.protocol, frame, nowMs)
    // To all: a DHCP client that has no address yet.
    return this.#isBroadcast(ip.destination) ? this.#receiveToAll(packet, ip.protocol, nowMs) : 'not-for-us'
  }

  #receiveIpv6(frame: EthernetFrame, nowMs: number): StationVerdict {
    const ip = decodeIpv6(frame.payload)
    if (ip === null || isGroupAddress(ip.source)) return 'malformed'
    if (ip.nextHeader === PROTOCOL_FRAGMENT) return 'fragment'
    if (isNeighbourDiscovery(ip)) return this.#receiveNeighbour(ip, frame.source, nowMs)
    const packet = { ...ip, sourceMac: frame.source }
    if (this.#port.isOwn(ip.destination)) return this.#receiveUpper(packet, ip.nextHeader, frame, nowMs)
    if (!addressEquals(ip.destination, ALL_DHCPV6_SERVERS)) return 'not-for-us'
    return this.#receiveToAll(packet, ip.nextHeader, nowMs)
  }

  #receiveToAll(packet: StationPacket, protocol: number, nowMs: number): StationVerdict {
    const verdict = protocol === PROTOCOL_UDP ? this.#udp.receive(packet, nowMs) : 'closed'
    return verdict === 'closed' ? 'not-for-us' : verdict
  }

  /** What came to one of the station's own addresses. */
  #receiveUpper(
    packet: StationPacket,
    protocol: number,
    frame: EthernetFrame,
    nowMs: number,
  ): StationVerdict {
    const verdict = protocol === PROTOCOL_UDP ? this.#udp.receive(packet, nowMs) : 'closed'
    if (verdict !== 'closed') return verdict
    if (!this.#isNeighbour(packet.source)) return 'foreign-source'
    if (protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6) return this.#icmp.echo(packet, nowMs)
    // RFC 1122 §3.2.2: no errors about what went to all.
    const isToAll = isMulticastMac(frame.destination)
    if (isToAll || (protocol !== PROTOCOL_UDP && protocol !== PROTOCOL_TCP)) return 'not-for-us'
    return this.#icmp.unreachable(packet, frame.payload, nowMs)
  }

  #receiveNeighbour(packet: Ipv6Packet, sourceMac: Uint8Array, nowMs: number): StationVerdict {
    const message = decodeNeighborMessage(packet)
    if (message === null) {
      const isIntact = icmpv6Sum(packet.source, packet.destination, packet.payload) === 0xffff
      return isIntact ? 'malformed' : 'checksum'
    }
    if (message.type !== ND_ROUTER_SOLICITATION) {
      return this.#neighbour.receive(message, packet, sourceMac, nowMs)
    }
    const hasLink = linkAddressOf(message, ND_OPTION_SOURCE_LINK_ADDRESS) !== null
    // RFC 4861 §6.1.1: who has no address says no link-layer address either.
    if (isUnspecified(packet.source) && hasLink) return 'malformed'
    if (!this.#solicitationRates.take(sourceMac, nowMs)) return 'rate'
    this.#onSolicitation(packet.source, sourceMac, nowMs)
    return 'taken'
  }

  #isBroadcast(destination: Uint8Array): boolean {
    return (
      addressEquals(destination, LIMITED_BROADCAST) ||
      addressEquals(destination, broadcastAddress(this.#network4))
    )
  }

  #isNeighbour(source: Uint8Array): boolean {
    if (source.length === 4) {
      return sharesPrefix(source, this.#network4.bytes, this.#network4.prefixLength)
    }
    return isLinkLocal6(source) || sharesPrefix(source, this.#network6.bytes, 64)
  }
}

function isNeighbourDiscovery({ nextHeader, payload }: Ipv6Packet): boolean {
  const type = payload[0] ?? 0
  return nextHeader === PROTOCOL_ICMPV6 && type >= ND_ROUTER_SOLICITATION && type <= ND_REDIRECT
}
