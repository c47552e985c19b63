import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findProgram } from '@wakunet/netlab'

const PROBES = 3
const TIMEOUT_MS = 5_000

/** What three echo requests through the VLAN brought. */
export interface Probe {
  readonly sent: number
  readonly received: number
  /** Mean round trip; null where nothing came back. */
  readonly rttMs: number | null
}

/** Pings an address over the interface of its VLAN; null where this host has no `ping`, or may not use it. */
export const probe = async (address: string, interfaceName: string): Promise<Probe | null> => {
  const ping = findProgram('ping')
  if (ping === null) return null
  const args = ['-n', '-c', String(PROBES), '-i', '0.2', '-W', '1', '-I', interfaceName, address]
  try {
    return parseProbe((await promisify(execFile)(ping, args, { timeout: TIMEOUT_MS })).stdout)
  } catch (error) {
    // It ends with 1 where nothing came back, and says so on standard output.
    return parseProbe((error as { readonly stdout?: string }).stdout ?? '')
  }
}

/** Reads what ping(8) of iputils and of busybox print at their end. */
export const parseProbe = (output: string): Probe | null => {
  const counts = /(\d+) packets transmitted, (\d+) (?:packets )?received/.exec(output)
  if (counts === null) return null
  const times = /= [\d.]+\/([\d.]+)\/[\d.]+/.exec(output)
  return {
    sent: Number(counts[1]),
    received: Number(counts[2]),
    rttMs: times === null ? null : Number(times[1]),
  }
}
