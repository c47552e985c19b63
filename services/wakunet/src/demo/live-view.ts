import type { Style } from '../style.ts'
import { formatDuration } from '../units.ts'
import type { DemoHost, HostSnapshot } from './demo-host.ts'
import type { DemoNetwork } from './demo-network.ts'
import { orderedPairs, Ping, unorderedPairs } from './ping.ts'
import { type DemoHostReport, PING_FAMILIES, type PingReport, type ThroughputReport } from './report.ts'
import { hostLines, pingLines, throughputLines } from './report-text.ts'
import type { Screen } from './screen.ts'
import { measureThroughput } from './throughput.ts'
import { until } from './until.ts'

const REFRESH_MS = 1000
const PING_INTERVAL_SECONDS = 1
const THROUGHPUT_SECONDS = 1
/** Between two measurements of throughput, so that the pings also show an idle network. */
const THROUGHPUT_PAUSE_MS = 4000

/** The running demo as it is shown: pings without end, throughput of one pair after the other. */
export class LiveView {
  readonly #network: DemoNetwork
  readonly #screen: Screen
  readonly #pings: readonly Ping[]
  readonly #throughput = new Map<string, ThroughputReport>()
  readonly #startedMs = performance.now()
  #problem: string | null = null

  constructor(network: DemoNetwork, screen: Screen) {
    this.#network = network
    this.#screen = screen
    this.#pings = orderedPairs(network.hosts).flatMap(([from, to]) =>
      PING_FAMILIES.map((family) => new Ping({ from, to, family, intervalSeconds: PING_INTERVAL_SECONDS })),
    )
  }

  /** Shows until `signal` says that somebody has seen enough. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all([this.#refreshUntil(signal), this.#measureUntil(signal)])
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      for (const ping of this.#pings) ping.stop()
    }
  }

  async #refreshUntil(signal: AbortSignal): Promise<void> {
    await repeat(signal, REFRESH_MS, async () => {
      const snapshots = await Promise.all(this.#network.hosts.map(snapshotOrNull))
      this.#screen.show((style) => this.#lines(snapshots, style))
    })
  }

  async #measureUntil(signal: AbortSignal): Promise<void> {
    const pairs = unorderedPairs(this.#network.hosts)
    let turn = 0
    await repeat(signal, THROUGHPUT_PAUSE_MS, async () => {
      const [from, to] = pairs[turn++ % pairs.length]!
      try {
        const report = await measureThroughput(from, to, THROUGHPUT_SECONDS, signal)
        this.#throughput.set(`${from.name} ${to.name}`, report)
        this.#problem = null
      } catch (error) {
        signal.throwIfAborted()
        this.#problem = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
      }
    })
  }

  #lines(snapshots: readonly (HostSnapshot | null)[], style: Style): readonly string[] {
    const { hosts, vlan } = this.#network
    const reports: DemoHostReport[] = hosts.map((host, index) => {
      const snapshot = snapshots[index]
      return snapshot ? host.report(snapshot, hosts) : silentHost(host)
    })
    const latest = new Map<PingReport, number | null>(
      this.#pings.map((ping) => [ping.report(), ping.tally.lastMs]),
    )
    return [
      `${style.bold('wakunet demo')}  VLAN ${vlan.name} ${vlan.subnet4}  for ${formatDuration(performance.now() - this.#startedMs)}  ${style.dim('q quits')}`,
      style.dim(`ask ${hosts[0]?.name}:  wakunet --socket ${hosts[0]?.socket} status`),
      '',
      ...hostLines(reports, style),
      '',
      ...pingLines([...latest.keys()], style, (ping) => latest.get(ping) ?? null),
      '',
      ...throughputLines([...this.#throughput.values()], style),
      ...(this.#problem === null ? [] : [style.warning(this.#problem)]),
    ]
  }
}

const snapshotOrNull = (host: DemoHost): Promise<HostSnapshot | null> => host.snapshot().catch(() => null)

const silentHost = (host: DemoHost): DemoHostReport => ({
  name: host.name,
  peerId: host.peerId,
  nodeId: host.nodeId,
  addresses: ['does not answer'],
  interface: host.interface,
  trunks: [],
})

/** Runs `work` every `periodMs` until the signal, which it throws. */
const repeat = async (signal: AbortSignal, periodMs: number, work: () => Promise<void>): Promise<void> => {
  await until(
    async () => {
      await work()
      return null
    },
    { timeoutMs: Number.POSITIVE_INFINITY, periodMs, signal },
  )
}
