import type { DemoHost } from './demo-host.ts'
import type { DemoNetwork } from './demo-network.ts'
import { orderedPairs, Ping, unorderedPairs } from './ping.ts'
import {
  type DemoReport,
  median,
  PING_FAMILIES,
  type PingReport,
  pingsAreGood,
  type ThroughputReport,
} from './report.ts'
import { measureThroughput } from './throughput.ts'

const PINGS = 10
const PING_INTERVAL_SECONDS = 0.2
const THROUGHPUT_SECONDS = 2

/** The main job measured once: every ping of every pair in every family, then the throughput of each pair. */
export const measureOnce = async (
  network: DemoNetwork,
  signal: AbortSignal,
  onStep: (what: string) => void,
): Promise<DemoReport> => {
  onStep('pinging between all pairs, IPv4, IPv6 and IPv6 link-local')
  const pings = await pingAll(network.hosts, signal)
  onStep('measuring the throughput of each pair with iperf3')
  const throughput: ThroughputReport[] = []
  for (const [from, to] of unorderedPairs(network.hosts)) {
    throughput.push(await measureThroughput(from, to, THROUGHPUT_SECONDS, signal))
  }
  const snapshots = await network.snapshots()
  const { id, ref, name, subnet4 } = network.vlan
  return {
    ok: pingsAreGood(pings) && throughput.every((pair) => pair.mbps > 0),
    vlan: { id, ref, name, subnet4 },
    hosts: network.hosts.map((host, index) => host.report(snapshots[index]!, network.hosts)),
    pings,
    throughputMbps: median(throughput.map((pair) => pair.mbps)),
    throughput,
  }
}

const pingAll = async (hosts: readonly DemoHost[], signal: AbortSignal): Promise<readonly PingReport[]> => {
  const pings = orderedPairs(hosts).flatMap(([from, to]) =>
    PING_FAMILIES.map(
      (family) => new Ping({ from, to, family, count: PINGS, intervalSeconds: PING_INTERVAL_SECONDS }),
    ),
  )
  const stopAll = (): void => {
    for (const ping of pings) ping.stop()
  }
  signal.addEventListener('abort', stopAll, { once: true })
  try {
    await Promise.all(pings.map((ping) => ping.ended))
    signal.throwIfAborted()
    return pings.map((ping) => ping.report())
  } finally {
    signal.removeEventListener('abort', stopAll)
  }
}
