import {
  BOOT_REQUEST,
  DHCP_DISCOVER,
  DHCPV4_CLIENT_PORT,
  DHCPV4_SERVER_PORT,
  ETHERNET_HEADER_BYTES,
  ETHERTYPE_IPV4,
  encodeDhcpv4,
  encodeDhcpv4Options,
  encodeIpv4,
  encodeUdp,
  MAC_BYTES,
  PROTOCOL_UDP,
} from '@wakunet/ethernet'
import { writeU16 } from '@wakunet/record'

/** After it began to serve a LAN the switch answers no DHCP for so long, and asks who else does. */
export const DHCP_LISTEN_MS = 2_500
/** The second question: the first may have been lost. */
const SECOND_PROBE_MS = 1_000
export const DHCP_PROBE_MS = 300_000
/** A server of the LAN that was not heard for so long is not there any more: three questions without an answer. */
export const DHCP_QUIET_MS = 1_000_000

const BROADCAST_MAC = new Uint8Array(MAC_BYTES).fill(0xff)
const BROADCAST4 = new Uint8Array(4).fill(0xff)
const ANY4 = new Uint8Array(4)

export interface LanDhcpWatchInit {
  /** Who asks, six bytes. */
  readonly mac: Uint8Array
  /** In [0, 1). */
  readonly random: () => number
  readonly send: (frame: Uint8Array) => void
}

/**
 * Whether the switch answers DHCP on a LAN that it bridges: where the LAN has a server of its own, a second one would hand out
 * addresses of another network and refuse the right ones (RFC 2131 §4.3.2). So it asks first, and again every five minutes.
 */
export class LanDhcpWatch {
  readonly #init: LanDhcpWatchInit
  /** The switch itself may serve from then on; `Infinity` while it does not serve the LAN at all. */
  #mayServeMs = Number.POSITIVE_INFINITY
  #probeMs = Number.POSITIVE_INFINITY
  #isSecond = false

  constructor(init: LanDhcpWatchInit) {
    this.#init = init
  }

  /** The LAN is served by this member from now on. */
  begin(nowMs: number): void {
    this.#mayServeMs = nowMs + DHCP_LISTEN_MS
    this.#probeMs = nowMs
    this.#isSecond = false
  }

  /** By another one. */
  end(): void {
    this.#mayServeMs = Number.POSITIVE_INFINITY
    this.#probeMs = Number.POSITIVE_INFINITY
  }

  /** A message of a DHCP server came from the LAN. */
  heard(nowMs: number): void {
    if (this.#probeMs !== Number.POSITIVE_INFINITY) this.#mayServeMs = nowMs + DHCP_QUIET_MS
  }

  mayServe(nowMs: number): boolean {
    return nowMs >= this.#mayServeMs
  }

  nextTickMs(): number {
    return this.#probeMs
  }

  tick(nowMs: number): void {
    if (nowMs < this.#probeMs) return
    this.#probeMs = nowMs + (this.#isSecond ? DHCP_PROBE_MS : SECOND_PROBE_MS)
    this.#isSecond = true
    this.#init.send(discoverFrame(this.#init.mac, Math.floor(this.#init.random() * 2 ** 32)))
  }
}

/** A DHCPDISCOVER (RFC 2131 §4.4.1) whose answer is to go to everybody. */
function discoverFrame(mac: Uint8Array, transactionId: number): Uint8Array {
  const message = encodeDhcpv4({
    op: BOOT_REQUEST,
    hops: 0,
    transactionId,
    seconds: 0,
    broadcast: true,
    clientAddress: ANY4,
    yourAddress: ANY4,
    serverAddress: ANY4,
    relayAddress: ANY4,
    clientMac: mac,
    options: encodeDhcpv4Options({ messageType: DHCP_DISCOVER }),
  })!
  const datagram = encodeUdp(
    { sourcePort: DHCPV4_CLIENT_PORT, destinationPort: DHCPV4_SERVER_PORT, checksum: 0 },
    message,
  )
  const packet = encodeIpv4(
    {
      trafficClass: 0,
      identification: 0,
      dontFragment: false,
      moreFragments: false,
      fragmentOffset: 0,
      ttl: 64,
      protocol: PROTOCOL_UDP,
      source: ANY4,
      destination: BROADCAST4,
      options: new Uint8Array(0),
    },
    datagram,
  )
  const frame = new Uint8Array(ETHERNET_HEADER_BYTES + packet.length)
  frame.set(BROADCAST_MAC, 0)
  frame.set(mac, MAC_BYTES)
  writeU16(frame, 2 * MAC_BYTES, ETHERTYPE_IPV4)
  frame.set(packet, ETHERNET_HEADER_BYTES)
  return frame
}
