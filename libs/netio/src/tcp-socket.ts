import type { Socket } from 'node:net'
import { native } from './native.ts'

/** The handle of a socket in Node, which knows its descriptor. */
interface SocketHandle {
  readonly fd?: number
}

/**
 * Lets the kernel take from a TCP socket only what it is about to send, and `bytes` more (TCP_NOTSENT_LOWAT, tcp(7)). By default it
 * takes megabytes, and whoever writes later waits behind them: with a limit they wait where they can be overtaken or dropped.
 * @returns bytes in force; null where the socket has no descriptor (closed, or not of TCP)
 */
export function limitUnsentBytes(socket: Socket, bytes: number): number | null {
  const fd = (socket as Socket & { readonly _handle?: SocketHandle | null })._handle?.fd
  if (fd === undefined || fd < 0) return null
  try {
    return native().limitUnsent(fd, bytes)
  } catch {
    return null
  }
}
