import path from 'node:path'
import type { LabProcess } from '@wakunet/netlab'
import type { Station } from './station.ts'
import { waitUntil } from './wait-until.ts'

const PROGRAM = path.join(import.meta.dirname, 'programs/ticker.py')
export const TICKER_PORT = 5999
const DEFAULT_INTERVAL_MS = 20
/** Arrivals are reported twice a second. */
const REPORT_MS = 500

/** What came from one station to another. Times are of `monotonicMs`. */
export interface PairReport {
  readonly from: Station
  readonly to: Station
  readonly received: number
  readonly duplicates: number
  readonly lost: number
  /** When the last datagram that came was sent; null where none came. */
  readonly lastSentMs: number | null
  /** Datagrams between the two times of sending were lost. */
  readonly gaps: readonly (readonly [beforeMs: number, afterMs: number, lost: number])[]
}

interface RawReport extends Omit<PairReport, 'from' | 'to'> {}

/** The clock that the tickers use too: one for all namespaces. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** A numbered datagram from every station to every other one, every 20 ms by default. */
export class DatagramTickers {
  readonly intervalMs: number
  readonly #tickers: ReadonlyMap<Station, LabProcess>

  private constructor(tickers: ReadonlyMap<Station, LabProcess>, intervalMs: number) {
    this.#tickers = tickers
    this.intervalMs = intervalMs
  }

  static async start(
    stations: readonly Station[],
    { intervalMs = DEFAULT_INTERVAL_MS }: { intervalMs?: number } = {},
  ): Promise<DatagramTickers> {
    const tickers = new Map<Station, LabProcess>()
    for (const station of stations) {
      const others = stations.filter((other) => other !== station).map(({ address4 }) => address4)
      const args = [PROGRAM, station.address4, String(TICKER_PORT), String(intervalMs), ...others]
      tickers.set(station, station.host.lab.spawn('python3', args))
    }
    await Promise.all([...tickers.values()].map((ticker) => ticker.waitForOutput(/ready/)))
    return new DatagramTickers(tickers, intervalMs)
  }

  /** Waits until datagrams have come over each of the pairs after `sinceMs`. @returns when that was seen */
  async flowing(
    pairs: readonly (readonly [Station, Station])[],
    sinceMs: number,
    timeoutMs = 30_000,
  ): Promise<number> {
    const silent = () => pairs.filter(([from, to]) => (this.#lastArrivalMs(from, to) ?? 0) <= sinceMs)
    const explain = () =>
      `silent: ${silent()
        .map(([from, to]) => `${from.name}>${to.name}`)
        .join(' ')}`
    await waitUntil('datagrams between all', async () => silent().length === 0, {
      timeoutMs,
      periodMs: REPORT_MS / 5,
      explain,
    })
    return monotonicMs()
  }

  /** Ends all of them. */
  async stop(): Promise<PairReport[]> {
    await Promise.all([...this.#tickers.values()].map((ticker) => ticker.stop({ signal: 'SIGINT' })))
    return [...this.#tickers].flatMap(([to, ticker]) => {
      const { stdout, stderr } = ticker.output()
      const end = /^end (\{.*\})$/m.exec(stdout)?.[1]
      if (end === undefined) throw new Error(`the ticker of ${to.name} told nothing: ${stderr}`)
      return Object.entries(JSON.parse(end) as Record<string, RawReport>).map(([address, report]) => ({
        ...report,
        to,
        from: this.#stationOf(address),
      }))
    })
  }

  #stationOf(address: string): Station {
    return [...this.#tickers.keys()].find((station) => station.address4 === address)!
  }

  #lastArrivalMs(from: Station, to: Station): number | null {
    const { stdout } = this.#tickers.get(to)!.output()
    const line = stdout.slice(0, stdout.lastIndexOf('\n')).split('\n').at(-1) ?? ''
    if (!line.startsWith('{')) return null
    return (JSON.parse(line) as Record<string, number | null>)[from.address4] ?? null
  }
}
