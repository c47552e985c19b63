import {
  encodeNeighborMessage,
  type Ipv6Packet,
  linkAddressOf,
  ND_HOP_LIMIT,
  ND_NEIGHBOR_ADVERTISEMENT,
  ND_NEIGHBOR_SOLICITATION,
  ND_OPTION_SOURCE_LINK_ADDRESS,
  ND_OPTION_TARGET_LINK_ADDRESS,
  type NeighborMessage,
  PROTOCOL_ICMPV6,
} from '@wakunet/ethernet'
import { ALL_NODES, addressEquals, groupMac6, isUnspecified, solicitedNodeGroup } from './address-bytes.ts'
import { DEFEND_INTERVAL_MS } from './arp-responder.ts'
import { packetFrame } from './packets.ts'
import type { SourceRates } from './source-rates.ts'
import type { StationPort } from './station-port.ts'
import type { StationVerdict } from './station-types.ts'

/** Answers neighbour solicitations for the station's IPv6 addresses (RFC 4861 §7.2.4) and defends them (RFC 4862 §5.4.3). */
export class NeighbourResponder {
  readonly #port: StationPort
  readonly #rates: SourceRates
  #defendedMs = Number.NEGATIVE_INFINITY

  constructor(port: StationPort, rates: SourceRates) {
    this.#port = port
    this.#rates = rates
  }

  /** @param message what `decodeNeighborMessage` made of the packet: hop limit and checksum are right */
  receive(
    message: NeighborMessage,
    packet: Ipv6Packet,
    sourceMac: Uint8Array,
    nowMs: number,
  ): StationVerdict {
    if (message.type !== ND_NEIGHBOR_SOLICITATION && message.type !== ND_NEIGHBOR_ADVERTISEMENT) {
      return 'not-for-us'
    }
    const { target } = message
    if (!this.#port.isOwn(target)) return 'not-for-us'
    if (message.type === ND_NEIGHBOR_ADVERTISEMENT) return this.#defend(target, nowMs)
    const isDetection = isUnspecified(packet.source)
    if (isDetection && !isGoodDetection(message, packet)) return 'malformed'
    if (!this.#rates.take(sourceMac, nowMs)) return 'rate'
    // RFC 4861 §7.2.4: who has no address yet is told with everybody.
    if (isDetection) this.#advertise(target, ALL_NODES, groupMac6(ALL_NODES), false)
    else this.#advertise(target, packet.source, sourceMac, true)
    return 'taken'
  }

  #defend(target: Uint8Array, nowMs: number): StationVerdict {
    if (nowMs - this.#defendedMs < DEFEND_INTERVAL_MS) return 'rate'
    this.#defendedMs = nowMs
    this.#advertise(target, ALL_NODES, groupMac6(ALL_NODES), false)
    return 'taken'
  }

  #advertise(target: Uint8Array, to: Uint8Array, destinationMac: Uint8Array, solicited: boolean): void {
    const { mac } = this.#port.addresses
    const message: NeighborMessage = {
      type: ND_NEIGHBOR_ADVERTISEMENT,
      // It sends router advertisements, though it routes nothing (RFC 4861 §6.2.2).
      router: true,
      solicited,
      override: true,
      target,
      options: [{ type: ND_OPTION_TARGET_LINK_ADDRESS, data: mac }],
    }
    this.#port.stats.neighbour++
    const body = encodeNeighborMessage(message, target, to)
    const path = { sourceMac: mac, destinationMac, source: target, destination: to }
    this.#port.send(packetFrame(path, PROTOCOL_ICMPV6, body, ND_HOP_LIMIT))
  }
}

/** RFC 4861 §7.1.1: from nobody it goes to the solicited-node group, and says no link-layer address. */
function isGoodDetection(
  message: NeighborMessage & { readonly target: Uint8Array },
  packet: Ipv6Packet,
): boolean {
  if (!addressEquals(packet.destination, solicitedNodeGroup(message.target))) return false
  return linkAddressOf(message, ND_OPTION_SOURCE_LINK_ADDRESS) === null
}
