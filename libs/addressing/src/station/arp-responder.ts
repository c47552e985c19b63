import {
  ARP_REPLY,
  ARP_REQUEST,
  decodeArp,
  ETHERTYPE_ARP,
  type EthernetFrame,
  encodeArp,
  encodeEthernet,
  MIN_PAYLOAD_BYTES,
} from '@wakunet/ethernet'
import { addressEquals, BROADCAST_MAC, isUnspecified } from './address-bytes.ts'
import type { SourceRates } from './source-rates.ts'
import type { StationPort } from './station-port.ts'
import type { StationVerdict } from './station-types.ts'

/** RFC 5227 §1.1: an address is defended once in so long, or two that defend it would never end. */
export const DEFEND_INTERVAL_MS = 10_000

/** Answers ARP requests and probes for the station's IPv4 address, and defends it (RFC 826, RFC 5227 §2.4). */
export class ArpResponder {
  readonly #port: StationPort
  readonly #rates: SourceRates
  #defendedMs = Number.NEGATIVE_INFINITY

  constructor(port: StationPort, rates: SourceRates) {
    this.#port = port
    this.#rates = rates
  }

  receive(frame: EthernetFrame, nowMs: number): StationVerdict {
    const packet = decodeArp(frame.payload)
    // An answer goes where the frame came from; a sender that says otherwise would aim it at another.
    if (packet === null || !addressEquals(packet.senderMac, frame.source)) return 'malformed'
    const { address4 } = this.#port.addresses
    if (addressEquals(packet.senderAddress, address4)) return this.#defend(nowMs)
    if (packet.operation !== ARP_REQUEST || !addressEquals(packet.targetAddress, address4)) {
      return 'not-for-us'
    }
    if (!this.#rates.take(frame.source, nowMs)) return 'rate'
    this.#port.stats.arp++
    const target = isUnspecified(packet.senderAddress) ? address4 : packet.senderAddress
    this.#send(ARP_REPLY, frame.source, target)
    return 'taken'
  }

  /** Says once more whose the address is, to all who may have heard otherwise. */
  #defend(nowMs: number): StationVerdict {
    if (nowMs - this.#defendedMs < DEFEND_INTERVAL_MS) return 'rate'
    this.#defendedMs = nowMs
    this.#port.stats.arp++
    this.#send(ARP_REQUEST, BROADCAST_MAC, this.#port.addresses.address4)
    return 'taken'
  }

  #send(operation: number, destination: Uint8Array, targetAddress: Uint8Array): void {
    const { mac, address4 } = this.#port.addresses
    const targetMac = operation === ARP_REPLY ? destination : new Uint8Array(6)
    const payload = new Uint8Array(MIN_PAYLOAD_BYTES)
    payload.set(encodeArp({ operation, senderMac: mac, senderAddress: address4, targetMac, targetAddress }))
    this.#port.send(encodeEthernet({ destination, source: mac, tags: [], etherType: ETHERTYPE_ARP, payload }))
  }
}
