import { WakunetError } from '@wakunet/interface'

/** Round trips of one `ping`. */
export interface PingResult {
  readonly sent: number
  readonly received: number
  /** One per reply, in order of arrival. */
  readonly rttUs: readonly number[]
}

const REPLY = /^\d+ bytes from .*\btime=([\d.]+) ms(.*)$/
const TOTALS = /^(\d+) packets transmitted, (\d+) received/m

/**
 * Reads the output of iputils' `ping`. Duplicates do not count as round trips.
 * @throws WakunetError `ERR_DECODE` where the closing totals are missing
 */
export function parsePing(output: string): PingResult {
  const totals = TOTALS.exec(output)
  if (totals === null) throw new WakunetError('ERR_DECODE', `ping wrote no totals: ${output.slice(0, 200)}`)
  const rttUs: number[] = []
  for (const line of output.split('\n')) {
    const reply = REPLY.exec(line)
    if (reply !== null && !reply[2]!.includes('DUP!')) rttUs.push(Math.round(Number(reply[1]) * 1000))
  }
  return { sent: Number(totals[1]), received: Number(totals[2]), rttUs }
}
