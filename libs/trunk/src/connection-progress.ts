import type { Socket } from 'node:net'
import type { Connection } from '@libp2p/interface'
import { type TcpProgress, tcpProgress } from '@wakunet/netio'

/**
 * Reads how the kernel sees the TCP socket under a libp2p connection.
 * @returns false where the connection is closed, or not a TCP socket of its own (a relayed one)
 */
export function connectionProgress(connection: Connection, out: TcpProgress): boolean {
  // libp2p's connection keeps what its transport gave it; the interface does not show it.
  const { maConn } = connection as Connection & { readonly maConn?: { readonly socket?: Socket } }
  const socket = maConn?.socket
  return socket !== undefined && tcpProgress(socket, out)
}
