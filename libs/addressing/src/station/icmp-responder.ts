import { checksum16, PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '@wakunet/ethernet'
import { type PacketPath, packetFrame, transportSum } from './packets.ts'
import type { SourceRates } from './source-rates.ts'
import type { StationPort } from './station-port.ts'
import type { StationVerdict } from './station-types.ts'

/** Type, code, checksum, and four bytes as the type says (RFC 792, RFC 4443 §2.1). */
const ICMP_BYTES = 8
const ECHO_REQUEST_4 = 8
const ECHO_REPLY_4 = 0
const ECHO_REQUEST_6 = 128
const ECHO_REPLY_6 = 129
const UNREACHABLE_4 = 3
const PORT_UNREACHABLE_4 = 3
const UNREACHABLE_6 = 1
const PORT_UNREACHABLE_6 = 4
/** Of the packet that an error is about: enough for its headers, and never more than came in. */
const QUOTED_BYTES = 128

/** A packet that came to one of the station's unicast addresses. */
export interface StationPacket {
  readonly sourceMac: Uint8Array
  readonly source: Uint8Array
  readonly destination: Uint8Array
  /** The upper layer. */
  readonly payload: Uint8Array
}

/** Answers echo requests (RFC 792, RFC 4443 §4.2), and tells who knocks where nobody listens. */
export class IcmpResponder {
  readonly #port: StationPort
  readonly #echoRates: SourceRates
  readonly #errorRates: SourceRates
  #maxPacketBytes: number

  constructor(port: StationPort, rates: { echo: SourceRates; error: SourceRates }, maxPacketBytes: number) {
    this.#port = port
    this.#echoRates = rates.echo
    this.#errorRates = rates.error
    this.#maxPacketBytes = maxPacketBytes
  }

  /** Longer packets than the VLAN's MTU are not answered. */
  setMaxPacketBytes(maxPacketBytes: number): void {
    this.#maxPacketBytes = maxPacketBytes
  }

  echo(packet: StationPacket, nowMs: number): StationVerdict {
    const { payload } = packet
    const isIpv4 = packet.source.length === 4
    if (payload.length < ICMP_BYTES || payload.length > this.#maxPacketBytes - (isIpv4 ? 20 : 40)) {
      return 'malformed'
    }
    if (payload[0] !== (isIpv4 ? ECHO_REQUEST_4 : ECHO_REQUEST_6) || payload[1] !== 0) {
      return 'not-for-us'
    }
    if (!isChecksumGood(packet)) return 'checksum'
    if (!this.#echoRates.take(packet.sourceMac, nowMs)) return 'rate'
    const reply = Uint8Array.from(payload)
    reply[0] = isIpv4 ? ECHO_REPLY_4 : ECHO_REPLY_6
    this.#port.stats.echo++
    this.#send(packet, reply)
    return 'taken'
  }

  /**
   * Answers "port unreachable", for TCP as well: a client that asks again over TCP hears at once that it is in vain
   * (RFC 1122 §4.2.3.9).
   * @param quoted the IP packet from its header on
   */
  unreachable(packet: StationPacket, quoted: Uint8Array, nowMs: number): StationVerdict {
    if (!this.#errorRates.take(packet.sourceMac, nowMs)) return 'rate'
    const isIpv4 = packet.source.length === 4
    const message = new Uint8Array(ICMP_BYTES + Math.min(QUOTED_BYTES, quoted.length))
    message[0] = isIpv4 ? UNREACHABLE_4 : UNREACHABLE_6
    message[1] = isIpv4 ? PORT_UNREACHABLE_4 : PORT_UNREACHABLE_6
    message.set(quoted.subarray(0, QUOTED_BYTES), ICMP_BYTES)
    this.#port.stats.unreachable++
    this.#send(packet, message)
    return 'taken'
  }

  #send({ sourceMac, source, destination }: StationPacket, message: Uint8Array): void {
    const path: PacketPath = {
      sourceMac: this.#port.addresses.mac,
      destinationMac: sourceMac,
      source: destination,
      destination: source,
    }
    const protocol = source.length === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6
    message.fill(0, 2, 4)
    const sum =
      protocol === PROTOCOL_ICMP
        ? checksum16(message, 0, message.length)
        : ~transportSum(path.source, path.destination, protocol, message) & 0xffff
    message.set([sum >>> 8, sum & 0xff], 2)
    this.#port.send(packetFrame(path, protocol, message))
  }
}

function isChecksumGood({ source, destination, payload }: StationPacket): boolean {
  if (source.length === 4) return checksum16(payload, 0, payload.length) === 0
  return transportSum(source, destination, PROTOCOL_ICMPV6, payload) === 0xffff
}
