import {
  DHCP_ACK,
  DHCP_DISCOVER,
  DHCP_NAK,
  DHCP_OFFER,
  DHCP_REQUEST,
  type Dhcpv4Options,
  decodeDhcpv4,
  decodeDhcpv4Options,
  decodeEthernet,
  decodeIpv4,
  decodeUdp,
  ETHERTYPE_IPV4,
  encodeDhcpv4ClientFrame,
  PROTOCOL_UDP,
  readMac,
} from '@wakunet/ethernet'
import { macBytes } from './sim-frames.ts'
import { SimHost } from './sim-host.ts'

const CLIENT_PORT = 68
const NO_ADDRESS = new Uint8Array(4)

/** A station that asks for its address (RFC 2131 §4.4). */
export class SimDhcpClient extends SimHost {
  /** It was told that it cannot have its address. */
  naks = 0
  #transaction = 0

  /** @returns the frame that begins, or begins anew */
  discover(): Uint8Array {
    this.address = NO_ADDRESS
    return this.#say(DHCP_DISCOVER, {})
  }

  /** The link was down for a moment: asks for the same address (RFC 2131 §4.3.2). */
  reboot(): Uint8Array {
    return this.hasAddress ? this.#say(DHCP_REQUEST, { requestedAddress: this.address }) : this.discover()
  }

  override hear(frame: Uint8Array): Uint8Array[] {
    const reply = this.#replyIn(frame)
    return reply === null ? super.hear(frame) : this.#onReply(...reply)
  }

  #replyIn(frame: Uint8Array): [Uint8Array, Dhcpv4Options] | null {
    const decoded = decodeEthernet(frame)
    if (decoded?.etherType !== ETHERTYPE_IPV4) return null
    const packet = decodeIpv4(decoded.payload)
    if (packet?.protocol !== PROTOCOL_UDP) return null
    const datagram = decodeUdp(packet.payload)
    const message = datagram?.destinationPort === CLIENT_PORT ? decodeDhcpv4(datagram.payload) : null
    if (!message || readMac(message.clientMac, 0) !== this.mac) return null
    if (message.transactionId !== this.#transaction) return null
    return [message.yourAddress.slice(), decodeDhcpv4Options(message.options)]
  }

  #onReply(address: Uint8Array, { messageType, serverId }: Dhcpv4Options): Uint8Array[] {
    if (messageType === DHCP_OFFER && serverId !== undefined)
      return [this.#say(DHCP_REQUEST, { requestedAddress: address, serverId }, this.#transaction)]
    if (messageType === DHCP_ACK) this.address = address
    if (messageType !== DHCP_NAK) return []
    this.naks++
    return [this.discover()]
  }

  #say(messageType: number, options: Dhcpv4Options, transaction = this.#transaction + 1): Uint8Array {
    this.#transaction = transaction
    return encodeDhcpv4ClientFrame({
      clientMac: macBytes(this.mac),
      transactionId: transaction,
      broadcast: true,
      options: { messageType, ...options },
    })
  }
}
