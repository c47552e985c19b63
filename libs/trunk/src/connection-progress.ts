import type { Socket } from 'node:net'
import type { Connection } from '@libp2p/interface'
import { type TcpProgress, tcpProgress } from '@wakunet/netio'

/** IP address of this side of the TCP socket under a libp2p connection; null where there is none (a relayed one). */
export function connectionLocalHost(connection: Connection): string | null {
  return socketOf(connection)?.localAddress?.replace(/^::ffff:/, '') ?? null
}

/**
 * Reads how the kernel sees the TCP socket under a libp2p connection.
 * @returns false where the connection is closed, or not a TCP socket of its own (a relayed one)
 */
export function connectionProgress(connection: Connection, out: TcpProgress): boolean {
  const socket = socketOf(connection)
  return socket !== undefined && tcpProgress(socket, out)
}

/** libp2p's connection keeps what its transport gave it; the interface does not show it. */
function socketOf(connection: Connection): Socket | undefined {
  const { maConn } = connection as Connection & { readonly maConn?: { readonly socket?: Socket } }
  return maConn?.socket
}
