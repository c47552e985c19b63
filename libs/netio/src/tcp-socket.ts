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
  const fd = descriptorOf(socket)
  if (fd === null) return null
  try {
    return native().limitUnsent(fd, bytes)
  } catch {
    return null
  }
}

/** How the kernel sees a TCP connection (TCP_INFO, tcp(7)). */
export interface TcpProgress {
  /** Time since the last segment with an ACK came, of whatever kind. The peer's kernel sends them, however busy its process is. */
  ackAgeMs: number
  /** Segments under way that the peer has not acknowledged. */
  unackedSegments: number
  /** Probes of a closed window that were not answered. */
  windowProbes: number
  /** Least round trip of the last minutes; the smoothed one has the time in it that ACKs are held back. */
  leastRttMs: number
}

const fields = new Float64Array(4)

/** Reads `TcpProgress` into `out`. @returns false where the socket has no descriptor (closed, or not of TCP) */
export function tcpProgress(socket: Socket, out: TcpProgress): boolean {
  const fd = descriptorOf(socket)
  if (fd === null) return false
  try {
    native().tcpProgress(fd, fields)
  } catch {
    return false
  }
  out.ackAgeMs = fields[0]!
  out.unackedSegments = fields[1]!
  out.windowProbes = fields[2]!
  // Without a measurement the kernel gives the largest number.
  out.leastRttMs = fields[3]! >= 0xffff_ffff ? 0 : fields[3]! / 1_000
  return true
}

function descriptorOf(socket: Socket): number | null {
  const fd = (socket as Socket & { readonly _handle?: SocketHandle | null })._handle?.fd
  return fd === undefined || fd < 0 ? null : fd
}
