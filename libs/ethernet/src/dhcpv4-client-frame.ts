import {
  BOOT_REQUEST,
  DHCPV4_CLIENT_PORT,
  DHCPV4_SERVER_PORT,
  type Dhcpv4Message,
  encodeDhcpv4,
} from './dhcpv4.ts'
import { type Dhcpv4Options, encodeDhcpv4Options } from './dhcpv4-options.ts'
import { ETHERTYPE_IPV4, encodeEthernet } from './ethernet.ts'
import { encodeIpv4, PROTOCOL_UDP } from './ipv4.ts'
import { encodeUdp } from './udp.ts'

const NO_ADDRESS = new Uint8Array(4)
const BROADCAST_ADDRESS = new Uint8Array(4).fill(0xff)
const BROADCAST_MAC = new Uint8Array(6).fill(0xff)

/** What a DHCP client says; the rest of its message is zero. */
export interface Dhcpv4ClientSays extends Pick<Dhcpv4Message, 'clientMac' | 'transactionId'> {
  /** Whether the answer is to be a broadcast. Default false. */
  readonly broadcast?: boolean
  /** The address that it has and uses. Default none. */
  readonly clientAddress?: Uint8Array
  /** The type of the message among them. */
  readonly options: Dhcpv4Options
}

/**
 * A DHCP client's message to every server of its link, as a whole frame (RFC 2131 §4.1, §4.4).
 * @throws RangeError for options that no message has room for
 */
export function encodeDhcpv4ClientFrame(says: Dhcpv4ClientSays): Uint8Array {
  const { clientMac, transactionId, broadcast = false, clientAddress = NO_ADDRESS, options } = says
  const message = encodeDhcpv4({
    op: BOOT_REQUEST,
    hops: 0,
    transactionId,
    seconds: 0,
    broadcast,
    clientAddress,
    yourAddress: NO_ADDRESS,
    serverAddress: NO_ADDRESS,
    relayAddress: NO_ADDRESS,
    clientMac,
    options: encodeDhcpv4Options(options),
  })
  if (message === null) throw new RangeError('the options of a DHCP message are too long')
  const ports = { sourcePort: DHCPV4_CLIENT_PORT, destinationPort: DHCPV4_SERVER_PORT, checksum: 0 }
  const header = {
    trafficClass: 0,
    identification: 0,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 64,
    protocol: PROTOCOL_UDP,
    source: clientAddress,
    destination: BROADCAST_ADDRESS,
    options: new Uint8Array(0),
  }
  return encodeEthernet({
    destination: BROADCAST_MAC,
    source: clientMac,
    tags: [],
    etherType: ETHERTYPE_IPV4,
    payload: encodeIpv4(header, encodeUdp(ports, message)),
  })
}
