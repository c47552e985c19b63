import type { Lab } from '@wakunet/netlab'
import type { FigureInfo, FigureRun } from '../figure-report.ts'
import { mbps, measureFlows, untilReachable } from '../flow.ts'
import { onOverlay } from '../on-overlay.ts'
import { cpuSeconds, largestMemory } from '../process-usage.ts'
import type { Overlay, System } from '../system.ts'
import { type Flow, pairs, ring, toOne } from './patterns.ts'

export const HOSTS = 8
const FIRST_PORT = 5300
const BYTES_PER_GB = 1e9

export const HOST_FIGURES = [
  { key: 'pairsMbps', title: '4 pairs', unit: 'Mbit/s', better: 'higher' },
  { key: 'toOneMbps', title: '7 to 1', unit: 'Mbit/s', better: 'higher' },
  { key: 'ringMbps', title: 'ring of 8', unit: 'Mbit/s', better: 'higher' },
  { key: 'slowestFlowMbps', title: 'slowest of the ring', unit: 'Mbit/s', better: 'higher' },
  { key: 'cpuSecondsPerGB', title: 'CPU', unit: 's/GB', better: 'lower' },
  { key: 'rssMiB', title: 'RSS', unit: 'MiB', better: 'lower' },
] as const satisfies readonly FigureInfo[]
export type HostFigure = (typeof HOST_FIGURES)[number]['key']

/** Eight hosts in one network; the sums of what all flows bring at the same time. */
export async function measureHosts(
  system: System,
  seconds: number,
  signal: AbortSignal,
): Promise<FigureRun<HostFigure>> {
  return onOverlay(system, { name: 'benchhosts', hosts: HOSTS, signal }, (lab, overlay) =>
    measure(lab, overlay, seconds, signal),
  )
}

async function measure(
  lab: Lab,
  overlay: Overlay,
  seconds: number,
  signal: AbortSignal,
): Promise<FigureRun<HostFigure>> {
  const patterns = { pairs: pairs(HOSTS), toOne: toOne(HOSTS), ring: ring(HOSTS) }
  for (const [from, to] of Object.values(patterns).flat())
    await untilReachable(lab.hosts[from]!, overlay.addresses[to]!, signal)
  const run = (flows: readonly Flow[], flowSeconds: number) =>
    measureFlows(
      flows.map(([from, to], i) => ({
        client: lab.hosts[from]!,
        server: lab.hosts[to]!,
        address: overlay.addresses[to]!,
        port: FIRST_PORT + i,
        seconds: flowSeconds,
        signal,
      })),
    )
  await run(patterns.pairs, 1)
  const pids = overlay.processes.flat().map(({ pid }) => pid)
  const cpuBefore = cpuSeconds(pids)
  const inPairs = await run(patterns.pairs, seconds)
  const cpu = cpuSeconds(pids) - cpuBefore
  const toFirst = await run(patterns.toOne, seconds)
  const inRing = await run(patterns.ring, seconds)
  const gigabytes = inPairs.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0) / BYTES_PER_GB
  return {
    pairsMbps: sum(inPairs.map(mbps)),
    toOneMbps: sum(toFirst.map(mbps)),
    ringMbps: sum(inRing.map(mbps)),
    slowestFlowMbps: Math.min(...inRing.map(mbps)),
    cpuSecondsPerGB: cpu / gigabytes,
    rssMiB: largestMemory(overlay.processes).rss,
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
