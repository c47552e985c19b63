import path from 'node:path'
import { WakunetError } from '@wakunet/interface'
import type { LabHost } from '@wakunet/netlab'

const SENDER = path.join(import.meta.dirname, 'send-datagrams.ts')
const GRACE_MS = 20_000

/** What a host sends to everybody or to a group. */
export interface DatagramStream {
  /** Of the sending host, inside the overlay. */
  readonly source: string
  /** A broadcast or multicast address. */
  readonly destination: string
  readonly port: number
  readonly payloadBytes: number
  /** 0 sends as fast as it goes. */
  readonly perSecond: number
  readonly seconds: number
  /** So many datagrams in one super-frame where the kernel does that; not for broadcasts. Default 1. */
  readonly segments?: number
}

export interface SentStream {
  readonly datagrams: number
  readonly seconds: number
}

/** Sends for as long as the stream says. */
export async function sendDatagrams(
  host: LabHost,
  stream: DatagramStream,
  signal: AbortSignal,
): Promise<SentStream> {
  const { stdout } = await host.exec(process.execPath, ['--no-warnings', SENDER, JSON.stringify(stream)], {
    timeoutMs: stream.seconds * 1000 + GRACE_MS,
    signal,
  })
  const sent = JSON.parse(stdout) as SentStream
  if (sent.datagrams === 0) throw new WakunetError('ERR_COMMAND_FAILED', 'not one datagram was sent')
  return sent
}
