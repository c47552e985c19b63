import { WakunetError } from '@wakunet/interface'
import { native } from './native.ts'

/** A packed address: Linux `struct sockaddr_in` or `sockaddr_in6`, zero-padded. Equal bytes, equal address. */
export const SOCKET_ADDRESS_BYTES = 28

export interface SocketAddress {
  /** IPv4 or IPv6 address in the kernel's spelling. */
  readonly host: string
  readonly port: number
  /** Interface index of an IPv6 link-local address, else 0. */
  readonly scope: number
}

/** Address families as they stand in the first two bytes (host byte order). */
const AF_INET = 2
const PORT_OFFSET = 2
const SCOPE_OFFSET = 24

/**
 * Writes an address into entry `index` of a table of packed ones.
 * @throws WakunetError `ERR_ADDRESS_INVALID` when the host is a name or anything else
 * @throws RangeError for a port over 65,535 or an entry outside the table
 */
export function packSocketAddress(
  table: Uint8Array,
  index: number,
  host: string,
  port: number,
  scope = 0,
): void {
  const isShort = host.length <= 45 && !host.includes('\0')
  if (isShort && native().packAddress(table, index * SOCKET_ADDRESS_BYTES, host, port, scope)) return
  throw new WakunetError(
    'ERR_ADDRESS_INVALID',
    `${JSON.stringify(host)} is not an IPv4 or IPv6 address; right is for example 192.0.2.1 or 2001:db8::1.`,
  )
}

/**
 * Reads entry `index` of a table of packed addresses.
 * @throws WakunetError `ERR_ADDRESS_INVALID` when there is none
 */
export function unpackSocketAddress(table: Uint8Array, index: number): SocketAddress {
  const offset = index * SOCKET_ADDRESS_BYTES
  const host = native().addressHost(table, offset)
  if (host === '') throw new WakunetError('ERR_ADDRESS_INVALID', `Entry ${index} is not a packed address.`)
  const view = new DataView(table.buffer, table.byteOffset + offset, SOCKET_ADDRESS_BYTES)
  const scope = view.getUint16(0, true) === AF_INET ? 0 : view.getUint32(SCOPE_OFFSET, true)
  return { host, port: view.getUint16(PORT_OFFSET), scope }
}
