import { WakunetError } from '@wakunet/interface'
import { z } from 'zod'
import type { DemoHost } from './demo-host.ts'
import type { ThroughputReport } from './report.ts'

const PORT = '5201'
/** A busy machine starts programs slowly. */
const START_TIMEOUT_MS = 15_000

/** What we read of `iperf3 --json`. */
const iperfSchema = z.object({
  end: z.object({
    sum_sent: z.object({ retransmits: z.number().optional() }),
    sum_received: z.object({ bits_per_second: z.number() }),
  }),
})

/** One TCP stream between two hosts by iperf3, over their VLAN. */
export const measureThroughput = async (
  from: DemoHost,
  to: DemoHost,
  seconds: number,
  signal: AbortSignal,
): Promise<ThroughputReport> => {
  const server = to.host.spawn('iperf3', ['-s', '-1', '--forceflush', '-B', to.address4, '-p', PORT])
  try {
    await server.waitForOutput(/Server listening/, { timeoutMs: START_TIMEOUT_MS, signal })
    const { stdout } = await from.host.exec(
      'iperf3',
      ['-c', to.address4, '-p', PORT, '-t', String(seconds), '--connect-timeout', '10000', '--json'],
      { timeoutMs: seconds * 1000 + START_TIMEOUT_MS, signal, allowFailure: true },
    )
    return { from: from.name, to: to.name, ...readIperf(stdout) }
  } finally {
    server.kill('SIGKILL')
    await server.exited
  }
}

export const readIperf = (text: string): Pick<ThroughputReport, 'mbps' | 'retransmits'> => {
  const result = iperfSchema.safeParse(parseJson(text))
  if (!result.success) {
    throw new WakunetError('ERR_COMMAND_FAILED', `iperf3 measured nothing: ${iperfError(text)}`)
  }
  const { sum_sent, sum_received } = result.data.end
  return { mbps: Math.round(sum_received.bits_per_second / 1e5) / 10, retransmits: sum_sent.retransmits ?? 0 }
}

const iperfError = (text: string): string => {
  const said = z.object({ error: z.string() }).safeParse(parseJson(text))
  return said.success ? said.data.error : text.trim().slice(-400) || 'it wrote nothing'
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
