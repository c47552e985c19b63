import {
  BOOT_REPLY,
  DHCP_NAK,
  DHCPV4_CLIENT_PORT,
  DHCPV4_DEFAULT_MAX_BYTES,
  DHCPV4_SERVER_PORT,
  type Dhcpv4Options,
  encodeDhcpv4,
  encodeDhcpv4Options,
} from '@wakunet/ethernet'
import { fromUint32 } from '../leases/address-order.ts'
import type { Datagram4 } from '../station/station-types.ts'
import type { DhcpRequest } from './dhcp-client.ts'

const BROADCAST = new Uint8Array(4).fill(0xff)
const BROADCAST_MAC = new Uint8Array(6).fill(0xff)
const NO_ADDRESS = new Uint8Array(4)
/** IPv4 and UDP headers. */
const HEADERS_BYTES = 28

export interface DhcpReply {
  /** Value of option 53. */
  readonly type: number
  /** What the client gets; 0 for none. Unsigned 32-bit integer. */
  readonly address: number
  readonly options: Dhcpv4Options
}

/**
 * The answer to a request, on its way to where the client listens (RFC 2131 §4.1).
 * @param station unsigned 32-bit integer: the server's address
 * @param maxPacketBytes of the VLAN
 * @returns null where the options do not fit
 */
export function dhcpReply(
  request: DhcpRequest,
  { type, address, options }: DhcpReply,
  station: number,
  maxPacketBytes: number,
): Datagram4 | null {
  const { message } = request
  const yourAddress = fromUint32(address)
  const { clientId, maxMessageBytes } = request.options
  const all: Dhcpv4Options = {
    messageType: type,
    serverId: fromUint32(station),
    ...options,
    // RFC 6842 §3: with it a client knows its answer among those to others.
    ...(clientId === undefined ? {} : { clientId }),
  }
  const most = Math.min(maxMessageBytes ?? 0, maxPacketBytes) - HEADERS_BYTES
  const payload = encodeDhcpv4(
    {
      op: BOOT_REPLY,
      hops: 0,
      transactionId: message.transactionId,
      seconds: 0,
      broadcast: message.broadcast,
      clientAddress: type === DHCP_NAK ? NO_ADDRESS : message.clientAddress,
      yourAddress,
      serverAddress: NO_ADDRESS,
      relayAddress: NO_ADDRESS,
      clientMac: message.clientMac,
      options: encodeDhcpv4Options(all),
    },
    Math.max(DHCPV4_DEFAULT_MAX_BYTES, most),
  )
  if (payload === null) return null
  const ports = { sourcePort: DHCPV4_SERVER_PORT, destinationPort: DHCPV4_CLIENT_PORT }
  return { ...ports, ...destinationOf(request, type, yourAddress), payload }
}

function destinationOf(
  { message }: DhcpRequest,
  type: number,
  yourAddress: Uint8Array,
): Pick<Datagram4, 'destination' | 'destinationMac'> {
  const isSet = (address: Uint8Array) => address.some((byte) => byte !== 0)
  if (type !== DHCP_NAK) {
    if (isSet(message.clientAddress))
      return { destination: message.clientAddress, destinationMac: message.clientMac }
    if (!message.broadcast && isSet(yourAddress))
      return { destination: yourAddress, destinationMac: message.clientMac }
  }
  return { destination: BROADCAST, destinationMac: BROADCAST_MAC }
}
