import { readFileSync } from 'node:fs'
import os from 'node:os'
import { runCommand } from '@wakunet/netlab'

/** Where the figures were measured: without it they mean little. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly system: string
  readonly node: string
  readonly iperf3: string
  /** TCP congestion control of the measured flows, and of overlays that carry frames over TCP. */
  readonly congestionControl: string
  /** Load average of the minute before: others' work. */
  readonly loadBefore: number
}

export async function describeMachine(): Promise<Machine> {
  const { stdout } = await runCommand('iperf3', ['--version'])
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    kernel: os.release(),
    system: systemName(),
    node: process.version,
    iperf3: stdout.split(' ', 2).join(' '),
    // A new network namespace takes it over from the machine's.
    congestionControl: readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'latin1').trim(),
    loadBefore: os.loadavg()[0] ?? 0,
  }
}

function systemName(): string {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? os.type()
  } catch {
    return os.type()
  }
}
