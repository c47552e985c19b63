import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { LabProcess } from '@wakunet/netlab'
import type { Station } from './station.ts'

const STREAM = path.join(import.meta.dirname, 'programs/stream.py')

/** UDP port of all streams. */
export const STREAM_PORT = 5105

export interface Stream {
  readonly group: string
  readonly count: number
  readonly intervalMs: number
}

/** Sends a stream of datagrams to a group and waits for its end. */
export async function sendStream(from: Station, { group, count, intervalMs }: Stream): Promise<void> {
  const args = [STREAM, from.interface, group, STREAM_PORT, count, intervalMs].map(String)
  await from.host.lab.exec('python3', args, { timeoutMs: count * intervalMs + 30_000 })
}

/** A program that asks for a group, whatever it does with it; it leaves when it is stopped. */
export type Subscriber = (station: Station, group: string) => Promise<LabProcess>

export const SOCAT: Subscriber = async (station, group) => {
  const address = group.includes(':')
    ? `UDP6-RECV:${STREAM_PORT},reuseaddr,ipv6-join-group=[${group}]:${station.interface}`
    : `UDP4-RECV:${STREAM_PORT},reuseaddr,ip-add-membership=${group}:${station.address4}`
  const socat = station.host.lab.spawn('socat', ['-d', '-d', '-u', address, 'STDOUT'])
  await socat.waitForOutput(/starting data transfer loop/)
  return socat
}

export const IPERF: Subscriber = async (station, group) => {
  const bind = `${group}%${station.interface}`
  const iperf = station.host.lab.spawn('iperf', ['-s', '-u', '-p', String(STREAM_PORT), '-B', bind])
  await iperf.waitForOutput(/Joining multicast group|Server listening/)
  return iperf
}

/** Joins groups without a socket that receives: with a source it is a source-specific membership. */
export function smcroute(source: string | null): Subscriber {
  return async (station, group) => {
    const { lab } = station.host
    const ident = `smc-${station.name}`
    const socket = path.join(lab.directory, `${ident}.sock`)
    const daemon = lab.spawn('smcrouted', [
      '-n',
      '-N',
      '-f',
      '/dev/null',
      '-u',
      socket,
      '-P',
      `${socket}.pid`,
    ])
    const join = ['-u', socket, 'join', station.interface, ...(source === null ? [] : [source]), group]
    const deadlineMs = performance.now() + 10_000
    for (;;) {
      const { code, stderr, stdout } = await lab.exec('smcroutectl', join, { allowFailure: true })
      if (code === 0) return daemon
      if (performance.now() > deadlineMs)
        throw new Error(`smcroutectl: ${stderr}${stdout}${daemon.output().stderr}`)
      await pause(50)
    }
  }
}
