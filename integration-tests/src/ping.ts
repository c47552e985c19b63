import { setTimeout as pause } from 'node:timers/promises'
import type { LabProcess } from '@wakunet/netlab'
import type { Station } from './station.ts'
import { waitUntil } from './wait-until.ts'

/** How long answers are waited for at the end, and how many: a busy machine is late. */
const LATE_ANSWERS_MS = 10_000
const LATER_ANSWERS = 3

/** What `ping` said. */
export interface PingResult {
  readonly sent: number
  readonly received: number
  readonly duplicates: number
  /** ICMP sequence numbers that were answered, in the order of the answers. */
  readonly sequences: readonly number[]
  readonly output: string
}

export interface PingOptions {
  readonly count?: number
  readonly intervalSeconds?: number
  /** Of the ICMP payload. Default 56. */
  readonly payloadBytes?: number
}

/** Pings `address` from a station and waits for the end. */
export async function ping(
  from: Station,
  address: string,
  { count = 5, intervalSeconds = 0.2, payloadBytes = 56 }: PingOptions = {},
): Promise<PingResult> {
  const numbers = ['-c', count, '-i', intervalSeconds, '-s', payloadBytes, '-W', 2].map(String)
  const { stdout, stderr } = await from.host.lab.exec('ping', ['-n', ...numbers, address], {
    allowFailure: true,
  })
  return parsePing(`${stdout}${stderr}`)
}

function parsePing(output: string): PingResult {
  const summary = /(\d+) packets transmitted, (\d+) received(?:, \+(\d+) duplicates)?/.exec(output)
  if (summary === null) throw new Error(`ping did not finish:\n${output}`)
  const sequences = [...output.matchAll(/bytes from .* icmp_seq=(\d+) /g)].map(([, sequence]) =>
    Number(sequence),
  )
  return {
    sent: Number(summary[1]),
    received: Number(summary[2]),
    duplicates: Math.max(Number(summary[3] ?? 0), output.split('DUP!').length - 1),
    sequences,
    output,
  }
}

/** Pings five times a second until it is stopped. */
export class ContinuousPing {
  readonly #process: LabProcess
  readonly #what: string

  constructor(from: Station, to: Station) {
    this.#what = `${from.name} to ${to.name}`
    this.#process = from.host.lab.spawn('ping', ['-n', '-i', '0.2', to.address4])
  }

  /** Resolves when at least `count` requests have been answered. */
  async answered(count: number): Promise<void> {
    await waitUntil(`${count} answers to ping ${this.#what}`, async () => this.#answers() >= count)
  }

  /**
   * Ends it and says what was lost since the first answer: what was not answered although later requests were, however long that
   * took. Where nothing is answered any more, everything since counts.
   */
  async stop(): Promise<{ what: string; sent: number; lost: readonly number[]; duplicates: number }> {
    const before = this.#answers()
    const deadlineMs = performance.now() + LATE_ANSWERS_MS
    while (this.#answers() < before + LATER_ANSWERS && performance.now() < deadlineMs) await pause(50)
    await pause(500)
    await this.#process.stop({ signal: 'SIGINT' })
    const { sent, sequences, duplicates } = parsePing(this.#process.output().stdout)
    const answered = new Set(sequences)
    const first = Math.min(...sequences)
    const numbers = Array.from({ length: sent - 1 }, (_, index) => index + 1)
    const lost = numbers.filter((n) => n > first && !answered.has(n))
    return { what: this.#what, sent, lost, duplicates }
  }

  #answers(): number {
    return this.#process.output().stdout.split('bytes from').length - 1
  }
}
