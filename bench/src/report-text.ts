import { FIGURES } from './figures.ts'
import type { BenchReport } from './report.ts'
import { OVERLAY_MTU } from './system.ts'
import { formatFigure, renderTable } from './table.ts'

/** The report for people. */
export function renderReport(report: BenchReport): string {
  const parts = [renderMachine(report)]
  if (Object.keys(report.systems).length > 0) parts.push(renderFigures(report), renderNotes(report))
  for (const ours of Object.keys(report.ratios)) parts.push(renderRatios(report, ours))
  if (report.missing.length > 0) parts.push(renderMissing(report))
  if (report.failures.length > 0) parts.push(renderFailures(report))
  return parts.filter((part) => part !== '').join('\n\n')
}

function renderMachine({ machine, settings }: BenchReport): string {
  return [
    `Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB; ${machine.system}, Linux ${machine.kernel}`,
    `Programs: Node ${machine.node}, ${machine.iperf3}; congestion control ${machine.congestionControl}`,
    `Medians of ${settings.runs} ${settings.runs === 1 ? 'run' : 'runs'}${settings.quick ? ', quick' : ''}; ` +
      `load average before: ${machine.loadBefore.toFixed(2)}`,
  ].join('\n')
}

function renderFigures({ systems, details }: BenchReport): string {
  const heading = [
    'system',
    'layer',
    ...FIGURES.map(({ title, unit }) => `${title} ${unit}`),
    'peak MiB',
    'crypto',
    'version',
  ]
  const rows = Object.entries(systems).map(([name, figures]) => {
    const about = details[name]!
    const medians = FIGURES.map(({ key }) => formatFigure(figures[key].median))
    return [
      name,
      String(about.layer),
      ...medians,
      formatFigure(about.peakMiB.median),
      about.crypto,
      about.version,
    ]
  })
  return renderTable(heading, rows)
}

function renderNotes({ settings: { plan } }: BenchReport): string {
  return [
    'Two hosts (network namespaces) on one machine, joined by a veth pair with its default offloads, MTU 1500;',
    `MTU inside every overlay ${OVERLAY_MTU}. iperf3 and ping share the processors with what they measure.`,
    `TCP: ${plan.tcpSeconds} s after ${plan.warmUpSeconds} s of warm-up. UDP: payload of 64 bytes, ${plan.udpSeconds} s, ` +
      'as fast as it goes; packets received.',
    `ping: ${plan.pingCount} every ${plan.pingIntervalSeconds * 1000} ms idle; ${plan.loadedPingCount} every ` +
      `${plan.loadedPingIntervalSeconds * 1000} ms beside one TCP stream.`,
    "CPU: seconds, user and system, of the overlay's processes on both hosts for 10^9 bytes over one TCP stream;",
    '0 where the kernel does the work, which is in none of its processes.',
    "RSS: resident memory (VmRSS) of the larger host's processes after the load; peak: the same at its highest (VmHWM).",
  ].join('\n')
}

function renderRatios({ ratios }: BenchReport, ours: string): string {
  const others = Object.entries(ratios[ours] ?? {})
  if (others.length === 0) return ''
  const heading = [
    `${ours} /`,
    ...FIGURES.map(({ title, better }) => `${title} ${better === 'higher' ? '▲' : '▼'}`),
  ]
  const rows = others.map(([name, ratio]) => [
    name,
    ...FIGURES.map(({ key }) => (ratio[key] === null ? '-' : formatFigure(ratio[key]))),
  ])
  return `${renderTable(heading, rows)}\n▲ more than 1 is better, ▼ less than 1 is better`
}

function renderMissing({ missing }: BenchReport): string {
  return [
    'Not measured:',
    ...missing.map(({ name, reason, install }) => `  ${name}: ${reason}. Get it: ${install}`),
  ].join('\n')
}

function renderFailures({ failures }: BenchReport): string {
  return ['Failed:', ...failures.map(({ name, reason }) => `  ${name}: ${reason}`)].join('\n')
}
