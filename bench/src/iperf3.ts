import { WakunetError } from '@wakunet/interface'
import { z } from 'zod'

/** What one iperf3 client run shows. */
export interface Iperf3Result {
  /** Of the receiving side. */
  readonly bytesReceived: number
  readonly seconds: number
  readonly retransmits: number
  readonly congestionControl: string | null
}

const flowSchema = z.object({
  bytes: z.number().nonnegative(),
  seconds: z.number().positive(),
  retransmits: z.number().nonnegative().optional(),
})

const reportSchema = z.object({
  error: z.string().optional(),
  end: z
    .object({
      sum_sent: flowSchema.optional(),
      sum_received: flowSchema.optional(),
      receiver_tcp_congestion: z.string().optional(),
    })
    .optional(),
})

/**
 * Reads the report of `iperf3 --json` (3.9 and later).
 * @throws WakunetError `ERR_DECODE` for anything else, also for a run that iperf3 itself calls failed
 */
export function parseIperf3(text: string): Iperf3Result {
  const report = reportSchema.safeParse(parseJson(text))
  if (!report.success) throw new WakunetError('ERR_DECODE', `iperf3 wrote no report: ${text.slice(0, 200)}`)
  const { error, end } = report.data
  if (error !== undefined) throw new WakunetError('ERR_DECODE', `iperf3 says: ${error}`)
  const received = end?.sum_received
  if (received === undefined) throw new WakunetError('ERR_DECODE', 'the report of iperf3 has no totals')
  return {
    bytesReceived: received.bytes,
    seconds: received.seconds,
    retransmits: end?.sum_sent?.retransmits ?? 0,
    congestionControl: end?.receiver_tcp_congestion ?? null,
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
