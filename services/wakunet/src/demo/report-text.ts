import type { Style } from '../style.ts'
import { formatTable } from '../table.ts'
import { formatMbps, formatRtt } from '../units.ts'
import {
  type DemoHostReport,
  type DemoReport,
  PING_FAMILIES,
  type PingFamily,
  type PingReport,
  type ThroughputReport,
  type TrunkReport,
} from './report.ts'

/** The whole report for people. */
export const reportLines = (report: DemoReport, style: Style): readonly string[] => [
  ...hostLines(report.hosts, style),
  '',
  ...pingLines(report.pings, style),
  '',
  ...throughputLines(report.throughput, style),
  '',
  report.ok
    ? style.good('Every ping of every pair came back.')
    : style.bad('Not every ping of every pair came back exactly once: see LOST and the duplicates above.'),
]

export const hostLines = (hosts: readonly DemoHostReport[], style: Style): readonly string[] =>
  formatTable(
    ['HOST', 'TRUNKS', 'PEER', 'INTERFACE', 'ADDRESSES'],
    hosts.map((host) => [
      style.bold(host.name),
      host.trunks.map((trunk) => trunkCell(trunk, style)).join(' '),
      `…${host.peerId.slice(-8)}`,
      host.interface,
      // Last and the long ones behind, because a narrow terminal cuts lines.
      host.addresses.map((cidr) => cidr.replace(/\/\d+$/, '')).join(' '),
    ]),
  )

const trunkCell = (trunk: TrunkReport, style: Style): string => {
  const name = trunk.host ?? `…${trunk.peerId.slice(-8)}`
  return trunk.state === 'connected'
    ? style.good(`${name}:${formatRtt(trunk.rttMs)}`)
    : style.warning(`${name}:${trunk.state}`)
}

const FAMILY_HEADINGS: Readonly<Record<PingFamily, string>> = {
  ipv4: 'IPv4',
  ipv6: 'IPv6',
  'ipv6-link-local': 'IPv6 LINK-LOCAL',
}

/** One line a pair with the average round trip of each family. */
export const pingLines = (
  pings: readonly PingReport[],
  style: Style,
  rttOf: (ping: PingReport) => number | null = (ping) => ping.rttMs.avg,
): readonly string[] => {
  const pairs = [...new Set(pings.map((ping) => `${ping.from} > ${ping.to}`))]
  return formatTable(
    ['PING', ...PING_FAMILIES.map((family) => FAMILY_HEADINGS[family]), 'ANSWERED', 'LOST'],
    pairs.map((pair) => {
      const own = pings.filter((ping) => `${ping.from} > ${ping.to}` === pair)
      const sent = sum(own.map((ping) => ping.sent))
      const received = sum(own.map((ping) => ping.received))
      const duplicates = sum(own.map((ping) => ping.duplicates))
      return [
        pair,
        ...PING_FAMILIES.map((family) => {
          const ping = own.find((candidate) => candidate.family === family)
          return ping === undefined ? '-' : pingCell(ping, rttOf(ping), style)
        }),
        `${received}/${sent}${duplicates === 0 ? '' : style.bad(` +${duplicates} duplicates`)}`,
        received === sent ? style.good('0') : style.bad(String(sent - received)),
      ]
    }),
  )
}

const pingCell = (ping: PingReport, rttMs: number | null, style: Style): string => {
  if (rttMs !== null) return formatRtt(rttMs)
  return ping.sent === 0 ? style.dim('…') : style.bad('no answer')
}

export const throughputLines = (pairs: readonly ThroughputReport[], style: Style): readonly string[] =>
  formatTable(
    ['TCP, ONE STREAM', 'THROUGHPUT', 'RETRANSMITS'],
    pairs.map((pair) => [
      `${pair.from} > ${pair.to}`,
      style.bold(formatMbps(pair.mbps)),
      String(pair.retransmits),
    ]),
  )

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
