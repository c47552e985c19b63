import type { Dhcpv4Message, Dhcpv4Options } from '@wakunet/ethernet'
import { toUint32 } from '../leases/address-order.ts'

/** What a DHCPREQUEST is, by what it says (RFC 2131 §4.3.2), and the address that it is about. */
export type ClientState =
  | { readonly state: 'selecting'; readonly address: number; readonly isOurs: boolean }
  | { readonly state: 'init-reboot' | 'renewing'; readonly address: number }

/**
 * Renewing and rebinding look the same but for how they came, which makes no difference here: the station is every server.
 * @param station address of the server, unsigned 32-bit integer
 * @returns null for a request that no client may send
 */
export function clientStateOf(
  message: Dhcpv4Message,
  options: Dhcpv4Options,
  station: number,
): ClientState | null {
  const { serverId, requestedAddress } = options
  const clientAddress = toUint32(message.clientAddress)
  if (serverId !== undefined) {
    if (requestedAddress === undefined || clientAddress !== 0) return null
    const isOurs = toUint32(serverId) === station
    return { state: 'selecting', address: toUint32(requestedAddress), isOurs }
  }
  if (requestedAddress !== undefined)
    return clientAddress === 0 ? { state: 'init-reboot', address: toUint32(requestedAddress) } : null
  return clientAddress === 0 ? null : { state: 'renewing', address: clientAddress }
}
