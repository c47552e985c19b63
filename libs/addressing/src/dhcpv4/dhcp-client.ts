import { bytesToHex } from '@noble/hashes/utils.js'
import {
  BOOT_REQUEST,
  type Dhcpv4Message,
  type Dhcpv4Options,
  decodeDhcpv4,
  decodeDhcpv4Options,
  readMac,
} from '@wakunet/ethernet'
import { hostLabel } from '../dns/host-label.ts'

/** One message of a client, read and checked. */
export interface DhcpRequest {
  readonly message: Dhcpv4Message
  readonly options: Dhcpv4Options
  /** 48-bit integer. */
  readonly mac: number
  /** The label that it asks for, or empty. */
  readonly hostname: string
  /** What it calls itself (option 61), as text; null where it does not. */
  readonly clientId: string | null
}

/**
 * Reads what a client says. A request is in the name of the station that sent it, and not through a relay: there is none in a VLAN.
 * @param payload of the UDP datagram; it is copied
 * @param sourceMac of the frame
 * @param nameOf name of a station that says none, or empty
 */
export function readDhcpRequest(
  payload: Uint8Array,
  sourceMac: Uint8Array,
  nameOf: (mac: number) => string,
): DhcpRequest | null {
  const message = decodeDhcpv4(payload.slice())
  if (message === null || message.op !== BOOT_REQUEST) return null
  const mac = readMac(message.clientMac, 0)
  if (mac !== readMac(sourceMac, 0) || message.relayAddress.some((byte) => byte !== 0)) return null
  const options = decodeDhcpv4Options(message.options)
  const { clientId, clientFqdn, hostName } = options
  return {
    message,
    options,
    mac,
    hostname: hostLabel(clientFqdn?.name || hostName || nameOf(mac)),
    clientId: clientId === undefined ? null : bytesToHex(clientId),
  }
}
