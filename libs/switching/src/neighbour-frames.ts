import {
  ARP_REQUEST,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  encodeArp,
  encodeEthernet,
  encodeIpv6,
  encodeNeighborMessage,
  MAC_BYTES,
  MIN_PAYLOAD_BYTES,
  ND_HOP_LIMIT,
  ND_NEIGHBOR_ADVERTISEMENT,
  ND_NEIGHBOR_SOLICITATION,
  ND_OPTION_TARGET_LINK_ADDRESS,
  type NeighborMessage,
  PROTOCOL_ICMPV6,
  writeMac,
} from '@wakunet/ethernet'

/** What is known of an address, see `Binding`. */
export interface BoundAddress {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array
  /** 48-bit integer. */
  readonly mac: number
}

const NO_MAC = new Uint8Array(MAC_BYTES)
const BROADCAST = new Uint8Array(MAC_BYTES).fill(0xff)
const ALL_NODES_MAC = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1)
const ALL_NODES = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
const UNSPECIFIED4 = new Uint8Array(4)
const UNSPECIFIED6 = new Uint8Array(16)

/** Where the parts of an ARP packet are in an untagged frame (RFC 826). */
const ARP_OPERATION = 20
const ARP_SENDER = 28
export const ARP_PROBE_TARGET = 38

/** Whether the frame at `at` asks if somebody has an address: a request without a sender's (RFC 5227 §1.1), not behind a tag. */
export function isArpProbe(bytes: Uint8Array, at: number, length: number): boolean {
  if (length < ARP_PROBE_TARGET + 4 || bytes[at + 12] !== 0x08 || bytes[at + 13] !== 0x06) return false
  if (bytes[at + ARP_OPERATION] !== 0 || bytes[at + ARP_OPERATION + 1] !== ARP_REQUEST) return false
  for (let i = 0; i < 4; i++) if (bytes[at + ARP_SENDER + i] !== 0) return false
  return true
}

/**
 * Asks one station whether it still has an address, claiming nothing: an ARP probe (RFC 5227 §2.1.1), or duplicate address
 * detection (RFC 4862 §5.4.2) in a frame for that station alone.
 * @param from the TAP's own MAC address, which the answer finds its way back to
 */
export function probeFrame(bound: BoundAddress, from: Uint8Array): Uint8Array {
  const destination = macBytes(bound.mac)
  if (bound.address.length === 4) {
    return arpFrame(destination, from, {
      operation: ARP_REQUEST,
      senderMac: from,
      senderAddress: UNSPECIFIED4,
      targetMac: NO_MAC,
      targetAddress: bound.address,
    })
  }
  const message = { type: ND_NEIGHBOR_SOLICITATION, target: bound.address, options: [] } as const
  return ndFrame(destination, from, UNSPECIFIED6, solicitedNode(bound.address), message)
}

/** The same in a frame for everybody: nobody has to know where the station is. */
export function askEverybody(bound: BoundAddress, from: Uint8Array): Uint8Array {
  const frame = probeFrame(bound, from)
  return frame.fill(0xff, 0, MAC_BYTES)
}

/**
 * Tells the TAP where an address is now, as the station itself would: an ARP announcement (RFC 5227 §2.3), or an unsolicited
 * neighbour advertisement that overrides (RFC 4861 §7.2.6).
 */
export function announcementFrame(bound: BoundAddress): Uint8Array {
  const mac = macBytes(bound.mac)
  if (bound.address.length === 4) {
    return arpFrame(BROADCAST, mac, {
      operation: ARP_REQUEST,
      senderMac: mac,
      senderAddress: bound.address,
      targetMac: NO_MAC,
      targetAddress: bound.address,
    })
  }
  return ndFrame(ALL_NODES_MAC, mac, bound.address, ALL_NODES, {
    type: ND_NEIGHBOR_ADVERTISEMENT,
    router: false,
    solicited: false,
    override: true,
    target: bound.address,
    options: [{ type: ND_OPTION_TARGET_LINK_ADDRESS, data: mac }],
  })
}

function arpFrame(
  destination: Uint8Array,
  source: Uint8Array,
  packet: Parameters<typeof encodeArp>[0],
): Uint8Array {
  const payload = new Uint8Array(MIN_PAYLOAD_BYTES)
  payload.set(encodeArp(packet))
  return encodeEthernet({ destination, source, tags: [], etherType: ETHERTYPE_ARP, payload })
}

function ndFrame(
  destinationMac: Uint8Array,
  sourceMac: Uint8Array,
  source: Uint8Array,
  destination: Uint8Array,
  message: NeighborMessage,
): Uint8Array {
  const header = {
    trafficClass: 0,
    flowLabel: 0,
    nextHeader: PROTOCOL_ICMPV6,
    hopLimit: ND_HOP_LIMIT,
    source,
    destination,
  }
  return encodeEthernet({
    destination: destinationMac,
    source: sourceMac,
    tags: [],
    etherType: ETHERTYPE_IPV6,
    payload: encodeIpv6(header, encodeNeighborMessage(message, source, destination)),
  })
}

/** ff02::1:ff and the last three bytes (RFC 4291 §2.7.1). */
function solicitedNode(address: Uint8Array): Uint8Array {
  return Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...address.subarray(13))
}

function macBytes(mac: number): Uint8Array {
  const bytes = new Uint8Array(MAC_BYTES)
  writeMac(bytes, 0, mac)
  return bytes
}
