import type { PingReport } from './report.ts'

/** Pings whose answer is waited for at a time; beyond it the oldest count as lost for good. */
const MAX_AWAITED = 1024

/**
 * Counts what `ping -O` (iputils) prints, while it runs and at its end:
 *
 * ```text
 * 64 bytes from 10.1.2.3: icmp_seq=1 ttl=64 time=0.412 ms
 * 64 bytes from 10.1.2.3: icmp_seq=1 ttl=64 time=0.498 ms (DUP!)
 * no answer yet for icmp_seq=2
 * 10 packets transmitted, 9 received, +1 duplicates, 10% packet loss, time 1800ms
 * ```
 */
export class PingTally {
  #received = 0
  #duplicates = 0
  /** Known once ping has ended. */
  #transmitted: number | null = null
  #forgotten = 0
  readonly #awaited = new Set<number>()
  #minMs = Number.POSITIVE_INFINITY
  #maxMs = 0
  #sumMs = 0
  #lastMs: number | null = null

  /** Round trip of the newest answer; null where the newest ping has none yet. */
  get lastMs(): number | null {
    return this.#lastMs
  }

  get sent(): number {
    return this.#transmitted ?? this.#received + this.#awaited.size + this.#forgotten
  }

  get received(): number {
    return this.#received
  }

  get duplicates(): number {
    return this.#duplicates
  }

  /** Takes one line; those that say nothing about a ping are passed over. */
  take(line: string): void {
    const answer = /icmp_seq=(\d+) .*\btime=([\d.]+) ms( \(DUP!\))?/.exec(line)
    if (answer !== null) {
      if (answer[3] === undefined) this.#takeAnswer(Number(answer[1]), Number(answer[2]))
      else this.#duplicates++
      return
    }
    const awaited = /^no answer yet for icmp_seq=(\d+)/.exec(line)
    if (awaited !== null) this.#await(Number(awaited[1]))
    const summary = /^(\d+) packets transmitted, (\d+) received/.exec(line)
    if (summary !== null) this.#transmitted = Number(summary[1])
  }

  figures(): Pick<PingReport, 'sent' | 'received' | 'lossPercent' | 'rttMs' | 'duplicates'> {
    const { sent } = this
    const some = this.#received > 0
    return {
      sent,
      received: this.#received,
      lossPercent: sent === 0 ? 100 : rounded((100 * Math.max(0, sent - this.#received)) / sent),
      rttMs: {
        min: some ? rounded(this.#minMs) : null,
        avg: some ? rounded(this.#sumMs / this.#received) : null,
        max: some ? rounded(this.#maxMs) : null,
      },
      duplicates: this.#duplicates,
    }
  }

  #takeAnswer(sequence: number, rttMs: number): void {
    this.#received++
    this.#awaited.delete(sequence)
    this.#minMs = Math.min(this.#minMs, rttMs)
    this.#maxMs = Math.max(this.#maxMs, rttMs)
    this.#sumMs += rttMs
    this.#lastMs = rttMs
  }

  #await(sequence: number): void {
    this.#lastMs = null
    this.#awaited.add(sequence)
    if (this.#awaited.size <= MAX_AWAITED) return
    const [oldest] = this.#awaited
    this.#awaited.delete(oldest!)
    this.#forgotten++
  }
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000
