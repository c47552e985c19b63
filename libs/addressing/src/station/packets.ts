import {
  addToSum,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  encodeEthernet,
  encodeIpv4,
  encodeIpv6,
  encodeUdp,
  foldSum,
  PROTOCOL_UDP,
} from '@wakunet/ethernet'

/** Of packets that a host makes (RFC 1700; RFC 4861 §6.3.2 leaves it to the host). */
const DEFAULT_HOP_LIMIT = 64

/** Between whom a packet goes, on both layers. Both IP addresses are of one family. */
export interface PacketPath {
  readonly sourceMac: Uint8Array
  readonly destinationMac: Uint8Array
  readonly source: Uint8Array
  readonly destination: Uint8Array
}

/** The frame of an IPv4 or IPv6 packet with an upper layer whose checksum is complete. */
export function packetFrame(
  path: PacketPath,
  protocol: number,
  body: Uint8Array,
  hopLimit = DEFAULT_HOP_LIMIT,
): Uint8Array {
  const isIpv4 = path.source.length === 4
  const payload = isIpv4
    ? encodeIpv4(ipv4Header(path, protocol, hopLimit), body)
    : encodeIpv6({ ...path, trafficClass: 0, flowLabel: 0, nextHeader: protocol, hopLimit }, body)
  return encodeEthernet({
    destination: path.destinationMac,
    source: path.sourceMac,
    tags: [],
    etherType: isIpv4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6,
    payload,
  })
}

/** The frame of a UDP datagram with its checksum. */
export function datagramFrame(
  path: PacketPath,
  ports: { readonly sourcePort: number; readonly destinationPort: number },
  payload: Uint8Array,
): Uint8Array {
  const datagram = encodeUdp({ ...ports, checksum: 0 }, payload)
  const sum = ~transportSum(path.source, path.destination, PROTOCOL_UDP, datagram) & 0xffff
  // RFC 768: zero means none, so a sum that comes to zero is sent as its other form.
  datagram.set([(sum === 0 ? 0xffff : sum) >>> 8, (sum === 0 ? 0xffff : sum) & 0xff], 6)
  return packetFrame(path, PROTOCOL_UDP, datagram)
}

/** Folded sum of a segment with its pseudo header (RFC 8200 §8.1); 0xffff where there is a right checksum in it. */
export function transportSum(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  segment: Uint8Array,
): number {
  let sum = foldSum(segment.length + protocol)
  sum = addToSum(sum, source, 0, source.length)
  sum = addToSum(sum, destination, 0, destination.length)
  return addToSum(sum, segment, 0, segment.length)
}

function ipv4Header({ source, destination }: PacketPath, protocol: number, ttl: number) {
  return {
    trafficClass: 0,
    // RFC 6864 §4.1: the identification of a datagram that is never fragmented says nothing.
    identification: 0,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
    ttl,
    protocol,
    source,
    destination,
    options: new Uint8Array(0),
  }
}
