import {
  ARP_REQUEST,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  encodeArp,
  encodeEthernet,
  encodeIpv4,
  encodeIpv6,
  encodeTcp,
  encodeUdp,
  macFromString,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  TCP_ACK,
} from '@wakunet/ethernet'
import type { HostileScene } from './hostile-scene.ts'

/** IEEE 802 local experimental EtherType 1: nothing honest in the tests uses it. */
export const MARK_ETHERTYPE = 0x88b5
/** 198.51.100.66, of TEST-NET-2 (RFC 5737). */
const FALSE_IPV4 = Uint8Array.of(198, 51, 100, 66)
/** 2001:db8::66 (RFC 3849). */
const FALSE_IPV6 = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x66)
const SOME_PORT = 5_999

export const ETHERNET_BYTES = 14
/** Where the upper-layer header is behind Ethernet and an IPv4 header without options. */
export const L4_OFFSET = ETHERNET_BYTES + 20

interface EthernetEnds {
  readonly source?: Uint8Array
  readonly destination?: Uint8Array
}

/** A frame from the hostile peer to the victim, unless `ends` says otherwise. */
export function etherFrame(
  scene: HostileScene,
  etherType: number,
  payload: Uint8Array,
  ends: EthernetEnds = {},
): Uint8Array {
  const { source = scene.mac, destination = macFromString(scene.target.victim.mac) } = ends
  return encodeEthernet({ destination, source, tags: [], etherType, payload })
}

/** A frame that the test can tell by its EtherType whatever its addresses are. */
export function markedFrame(scene: HostileScene, ends: EthernetEnds = {}): Uint8Array {
  return etherFrame(scene, MARK_ETHERTYPE, new Uint8Array(50).fill(0x66), ends)
}

export interface Ipv4Options {
  readonly moreFragments?: boolean
}

export function ipv4Frame(
  scene: HostileScene,
  protocol: number,
  payload: Uint8Array,
  { moreFragments = false }: Ipv4Options = {},
): Uint8Array {
  const header = {
    trafficClass: 0,
    identification: 1,
    dontFragment: false,
    moreFragments,
    fragmentOffset: 0,
    ttl: 64,
    protocol,
    source: FALSE_IPV4,
    destination: Uint8Array.from(scene.target.victim.address4.split('.'), Number),
    options: new Uint8Array(0),
  }
  return etherFrame(scene, ETHERTYPE_IPV4, encodeIpv4(header, payload))
}

export function ipv6Frame(scene: HostileScene, nextHeader: number, payload: Uint8Array): Uint8Array {
  const header = {
    trafficClass: 0,
    flowLabel: 0,
    nextHeader,
    hopLimit: 64,
    source: FALSE_IPV6,
    destination: FALSE_IPV6,
  }
  return etherFrame(scene, ETHERTYPE_IPV6, encodeIpv6(header, payload))
}

export interface TcpOptions extends Ipv4Options {
  readonly flags?: number
}

/** A TCP segment of any size over IPv4. */
export function tcpFrame(
  scene: HostileScene,
  payloadBytes: number,
  { flags = TCP_ACK, ...ipv4 }: TcpOptions = {},
): Uint8Array {
  const header = {
    sourcePort: SOME_PORT,
    destinationPort: SOME_PORT,
    sequence: 1,
    acknowledgement: 1,
    flags,
    window: 1_000,
    checksum: 0,
    urgentPointer: 0,
    options: new Uint8Array(0),
  }
  return ipv4Frame(scene, PROTOCOL_TCP, encodeTcp(header, new Uint8Array(payloadBytes)), ipv4)
}

/** A UDP datagram of any size over IPv4. */
export function udpFrame(scene: HostileScene, payloadBytes: number, options: Ipv4Options = {}): Uint8Array {
  const header = { sourcePort: SOME_PORT, destinationPort: SOME_PORT, checksum: 0 }
  return ipv4Frame(scene, PROTOCOL_UDP, encodeUdp(header, new Uint8Array(payloadBytes)), options)
}

export function arpFrame(scene: HostileScene): Uint8Array {
  const address = FALSE_IPV4
  const packet = {
    operation: ARP_REQUEST,
    senderMac: scene.mac,
    senderAddress: address,
    targetMac: new Uint8Array(6),
    targetAddress: address,
  }
  return etherFrame(scene, ETHERTYPE_ARP, encodeArp(packet))
}

/** `frame` with a byte set to another value. */
export function patched(frame: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = frame.slice()
  copy[offset] = value
  return copy
}

/** `frame` with bytes behind it. */
export function extended(frame: Uint8Array, bytes: number): Uint8Array {
  const longer = new Uint8Array(frame.length + bytes)
  longer.set(frame)
  return longer
}
