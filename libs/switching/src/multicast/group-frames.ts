import {
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  encodeEthernet,
  encodeIgmp,
  encodeIpv4,
  encodeIpv6,
  encodeMld,
  type IgmpMessage,
  type MldMessage,
  PROTOCOL_HOP_BY_HOP,
  PROTOCOL_IGMP,
} from '@wakunet/ethernet'

/**
 * Who this switch is when it speaks IGMP and MLD to the TAP. High addresses, or none for IPv4, leave the election to a
 * router that may be there: one that lost it would fall silent, and not be known as a router any more.
 */
export interface MulticastSpeaker {
  /** Six bytes; not the address of the TAP itself, whose kernel would not believe it. */
  readonly mac: Uint8Array
  /** Four bytes; all zero is allowed, and then loses every election (RFC 4541 §2.1.1). */
  readonly address4: Uint8Array
  /** Sixteen bytes, link-local, not one of the TAP's own. */
  readonly address6: Uint8Array
}

/** 224.0.0.1 and ff02::1: where general queries go. */
export const ALL_HOSTS4 = Uint8Array.of(224, 0, 0, 1)
export const ALL_NODES6 = linkLocalGroup(0x01)
/** 224.0.0.2 and ff02::2: where hosts of version 2 and 1 say that they leave. */
export const ALL_ROUTERS4 = Uint8Array.of(224, 0, 0, 2)
export const ALL_ROUTERS6 = linkLocalGroup(0x02)
/** 224.0.0.22 and ff02::16: where reports of the newest version go. */
export const REPORTS4 = Uint8Array.of(224, 0, 0, 22)
export const REPORTS6 = linkLocalGroup(0x16)

/** Router Alert (RFC 2113 §2.1). */
const ROUTER_ALERT = Uint8Array.of(0x94, 4, 0, 0)
/** Internetwork control (RFC 3376 §4). */
const TRAFFIC_CLASS = 0xc0

/** The message in a frame of its own, TTL 1 and Router Alert (RFC 3376 §4). */
export function igmpFrame(
  speaker: MulticastSpeaker,
  destination: Uint8Array,
  message: IgmpMessage,
): Uint8Array {
  const header = {
    trafficClass: TRAFFIC_CLASS,
    identification: 0,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 1,
    protocol: PROTOCOL_IGMP,
    source: speaker.address4,
    destination,
    options: ROUTER_ALERT,
  }
  return encodeEthernet({
    destination: Uint8Array.of(0x01, 0x00, 0x5e, destination[1]! & 0x7f, destination[2]!, destination[3]!),
    source: speaker.mac,
    tags: [],
    etherType: ETHERTYPE_IPV4,
    payload: encodeIpv4(header, encodeIgmp(message)),
  })
}

/** The message in a frame of its own, hop limit 1 and Router Alert (RFC 3810 §5). */
export function mldFrame(
  speaker: MulticastSpeaker,
  destination: Uint8Array,
  message: MldMessage,
): Uint8Array {
  const header = {
    trafficClass: 0,
    flowLabel: 0,
    nextHeader: PROTOCOL_HOP_BY_HOP,
    hopLimit: 1,
    source: speaker.address6,
    destination,
  }
  return encodeEthernet({
    destination: Uint8Array.of(0x33, 0x33, ...destination.subarray(12)),
    source: speaker.mac,
    tags: [],
    etherType: ETHERTYPE_IPV6,
    payload: encodeIpv6(header, encodeMld(message, speaker.address6, destination)),
  })
}

function linkLocalGroup(last: number): Uint8Array {
  return Uint8Array.of(0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last)
}
