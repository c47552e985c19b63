import {
  ARP_REPLY,
  type ArpPacket,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  encodeArp,
  encodeEthernet,
  encodeIgmp,
  encodeIpv4,
  encodeUdp,
  IGMP_V2_LEAVE,
  IGMP_V2_REPORT,
  MAC_BYTES,
  PROTOCOL_IGMP,
  PROTOCOL_UDP,
  writeMac,
} from '@wakunet/ethernet'
import { readU16, readU32, writeU32 } from '@wakunet/record'

/** For experiments (IEEE 802, RFC 9542 §3). */
const PROBE_ETHERTYPE = 0x88b5
const PROBE_PORT = 5_004
const HEADER_BYTES = 14
const IPV4_BYTES = 20
const UDP_BYTES = 8
const PAYLOAD_BYTES = 46
const ALL_ROUTERS = Uint8Array.of(224, 0, 0, 2)
/** RFC 2113 §2.1. */
const ROUTER_ALERT = Uint8Array.of(0x94, 4, 0, 0)

export const BROADCAST_MAC = 0xffff_ffff_ffff

export function macBytes(mac: number): Uint8Array {
  const bytes = new Uint8Array(MAC_BYTES)
  writeMac(bytes, 0, mac)
  return bytes
}

/** A frame whose way is followed by its number. */
export function probeFrame(destination: number, source: number, probe: number): Uint8Array {
  const payload = new Uint8Array(PAYLOAD_BYTES)
  writeU32(payload, 0, probe)
  return encodeEthernet({
    destination: macBytes(destination),
    source: macBytes(source),
    tags: [],
    etherType: PROBE_ETHERTYPE,
    payload,
  })
}

/** The same as part of a stream: a UDP datagram to a multicast group. @param group IPv4 */
export function streamFrame(
  group: Uint8Array,
  source: number,
  address: Uint8Array,
  probe: number,
): Uint8Array {
  const data = new Uint8Array(PAYLOAD_BYTES)
  writeU32(data, 0, probe)
  const datagram = encodeUdp({ sourcePort: PROBE_PORT, destinationPort: PROBE_PORT, checksum: 0 }, data)
  return ipFrame(group, source, address, PROTOCOL_UDP, datagram, new Uint8Array(0))
}

/** What a host says to join a group, or to leave it (RFC 2236). */
export function membershipFrame(
  group: Uint8Array,
  source: number,
  address: Uint8Array,
  isMember: boolean,
): Uint8Array {
  const message = encodeIgmp({ type: isMember ? IGMP_V2_REPORT : IGMP_V2_LEAVE, group })
  return ipFrame(isMember ? group : ALL_ROUTERS, source, address, PROTOCOL_IGMP, message, ROUTER_ALERT)
}

function ipFrame(
  destination: Uint8Array,
  source: number,
  address: Uint8Array,
  protocol: number,
  payload: Uint8Array,
  options: Uint8Array,
): Uint8Array {
  const header = {
    trafficClass: 0,
    identification: 0,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 1,
    protocol,
    source: address,
    destination,
    options,
  }
  const packet = encodeIpv4(header, payload)
  const padded = new Uint8Array(Math.max(packet.length, PAYLOAD_BYTES))
  padded.set(packet)
  return encodeEthernet({
    destination: Uint8Array.of(0x01, 0x00, 0x5e, destination[1]! & 0x7f, destination[2]!, destination[3]!),
    source: macBytes(source),
    tags: [],
    etherType: ETHERTYPE_IPV4,
    payload: padded,
  })
}

/** The answer of the host that has `mac` and is asked for its address. */
export function arpReplyFrame(request: ArpPacket, mac: number): Uint8Array {
  const sender = macBytes(mac)
  const payload = new Uint8Array(PAYLOAD_BYTES)
  payload.set(
    encodeArp({
      operation: ARP_REPLY,
      senderMac: sender,
      senderAddress: request.targetAddress,
      targetMac: request.senderMac,
      targetAddress: request.senderAddress,
    }),
  )
  const destination = Uint8Array.from(request.senderMac)
  return encodeEthernet({ destination, source: sender, tags: [], etherType: ETHERTYPE_ARP, payload })
}

/** The number of the probe that is in a frame, or null. */
export function probeOf(bytes: Uint8Array, at: number): number | null {
  const etherType = readU16(bytes, at + 12)
  if (etherType === PROBE_ETHERTYPE) return readU32(bytes, at + HEADER_BYTES)
  const ip = at + HEADER_BYTES
  if (etherType !== ETHERTYPE_IPV4 || bytes[ip + 9] !== PROTOCOL_UDP) return null
  const udp = ip + IPV4_BYTES
  return readU16(bytes, udp + 2) === PROBE_PORT ? readU32(bytes, udp + UDP_BYTES) : null
}
