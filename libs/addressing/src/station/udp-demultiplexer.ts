import { decodeUdp, PROTOCOL_UDP, UDP_HEADER_BYTES } from '@wakunet/ethernet'
import type { StationPacket } from './icmp-responder.ts'
import { transportSum } from './packets.ts'
import type { SourceRates } from './source-rates.ts'
import type { StationPort } from './station-port.ts'
import type { StationDatagram, StationVerdict } from './station-types.ts'

/** Who answers the datagrams of a port. */
export interface UdpService {
  /** 4 or 6: a service of both families is two. */
  readonly family: 4 | 6
  readonly port: number
  readonly rates: SourceRates
  /** Whether it listens on broadcasts and groups, too. */
  readonly hearsAll: boolean
  /** Whether the sender is one that may be answered. */
  accepts(datagram: StationDatagram): boolean
  receive(datagram: StationDatagram, nowMs: number): StationVerdict
}

/** Brings UDP datagrams whose lengths and checksums are right to the service of their port. */
export class UdpDemultiplexer {
  readonly #port: StationPort
  readonly #services: readonly UdpService[]

  constructor(port: StationPort, services: readonly UdpService[]) {
    this.#port = port
    this.#services = services
  }

  /** @returns `closed` where nobody listens on the port */
  receive(packet: StationPacket, nowMs: number): StationVerdict | 'closed' {
    const datagram = decodeUdp(packet.payload)
    // An answer to port 0 goes nowhere (RFC 6335 §6).
    if (datagram === null || datagram.sourcePort === 0) return 'malformed'
    const bytes = packet.payload.subarray(0, UDP_HEADER_BYTES + datagram.payload.length)
    if (!isChecksumGood(packet, datagram.checksum, bytes)) return 'checksum'
    const service = this.#find(packet, datagram.destinationPort)
    if (service === undefined) return 'closed'
    const received: StationDatagram = { ...packet, ...datagram }
    if (!service.accepts(received)) return 'foreign-source'
    if (!service.rates.take(packet.sourceMac, nowMs)) return 'rate'
    return service.receive(received, nowMs)
  }

  #find({ source, destination }: StationPacket, port: number): UdpService | undefined {
    const family = source.length === 4 ? 4 : 6
    const isToAll = !this.#port.isOwn(destination)
    return this.#services.find(
      (service) => service.family === family && service.port === port && (service.hearsAll || !isToAll),
    )
  }
}

function isChecksumGood(
  { source, destination }: StationPacket,
  checksum: number,
  bytes: Uint8Array,
): boolean {
  // RFC 8200 §8.1: none is allowed in IPv4 only.
  if (checksum === 0) return source.length === 4
  return transportSum(source, destination, PROTOCOL_UDP, bytes) === 0xffff
}
