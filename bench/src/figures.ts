import type { Summary } from './statistics.ts'

/** What is measured of each system; the keys of the JSON report. */
export const FIGURES = [
  { key: 'tcp1Mbps', title: 'TCP 1', unit: 'Mbit/s', better: 'higher' },
  { key: 'tcp4Mbps', title: 'TCP 4', unit: 'Mbit/s', better: 'higher' },
  { key: 'udp64Pps', title: 'UDP 64 B', unit: 'packets/s', better: 'higher' },
  { key: 'pingP50Us', title: 'ping p50', unit: 'µs', better: 'lower' },
  { key: 'pingP99Us', title: 'ping p99', unit: 'µs', better: 'lower' },
  { key: 'loadedPingP99Us', title: 'loaded p99', unit: 'µs', better: 'lower' },
  { key: 'cpuSecondsPerGB', title: 'CPU', unit: 's/GB', better: 'lower' },
  { key: 'rssMiB', title: 'RSS', unit: 'MiB', better: 'lower' },
] as const

export type FigureKey = (typeof FIGURES)[number]['key']

/** One run of one system. */
export type Figures = Readonly<Record<FigureKey, number>>

/** All runs of one system. */
export type FigureSummaries = Readonly<Record<FigureKey, Summary>>
