import type { SimReport } from './report.ts'

const WIDTH = 720
const HEIGHT = 300
const MARGIN = { left: 70, right: 20, top: 40, bottom: 45 } as const

interface Series {
  readonly title: string
  readonly unit: string
  readonly color: string
  readonly value: (report: SimReport) => number
}

const SERIES: readonly Series[] = [
  { title: 'time to heal, 99 %', unit: 'ms', color: '#0b6e99', value: (r) => r.convergenceP99Ms },
  {
    title: 'control traffic of an idle node',
    unit: 'bit/s',
    color: '#a04000',
    value: (r) => r.controlBitsPerSecondPerIdleNode,
  },
]

/** Draws how time to heal and control traffic change with the size of the network, as an SVG document. */
export function plotSvg(reports: readonly SimReport[]): string {
  const sorted = [...reports].sort((a, b) => a.nodes - b.nodes)
  const charts = SERIES.map((series, i) => chart(series, sorted, i * HEIGHT))
  const height = SERIES.length * HEIGHT
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    '<title>How time to heal and control traffic change with the size of a VLAN</title>',
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...charts,
    '</svg>',
    '',
  ].join('\n')
}

function chart(series: Series, reports: readonly SimReport[], top: number): string {
  const bottom = top + HEIGHT - MARGIN.bottom
  const most = niceAbove(Math.max(1, ...reports.map(series.value)))
  const sizes = reports.map(({ nodes }) => Math.log10(nodes))
  const low = Math.min(...sizes)
  const span = Math.max(...sizes) - low || 1
  const x = (nodes: number) =>
    MARGIN.left + ((Math.log10(nodes) - low) / span) * (WIDTH - MARGIN.left - MARGIN.right)
  const y = (value: number) => bottom - (value / most) * (HEIGHT - MARGIN.top - MARGIN.bottom)
  const points = reports.map((report) => [x(report.nodes), y(series.value(report))] as const)
  const lines = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = y(part * most).toFixed(1)
    return `<path d="M${MARGIN.left} ${at}H${WIDTH - MARGIN.right}" stroke="#ddd"/><text x="${MARGIN.left - 8}" y="${at}" dy="4" text-anchor="end">${part * most}</text>`
  })
  const labels = reports.map(
    ({ nodes }) => `<text x="${x(nodes).toFixed(1)}" y="${bottom + 18}" text-anchor="middle">${nodes}</text>`,
  )
  return [
    `<text x="${MARGIN.left}" y="${top + 22}" font-size="14">${series.title} (${series.unit})</text>`,
    ...lines,
    ...labels,
    `<text x="${WIDTH / 2}" y="${bottom + 36}" text-anchor="middle">members</text>`,
    `<polyline fill="none" stroke="${series.color}" stroke-width="2" points="${points.map((p) => p.map((c) => c.toFixed(1)).join(',')).join(' ')}"/>`,
    ...points.map(
      ([cx, cy]) => `<circle cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="3" fill="${series.color}"/>`,
    ),
  ].join('\n')
}

/** 1, 2 or 5 times a power of ten, not below `value`. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  for (const step of [1, 2, 5, 10]) if (step * power >= value) return step * power
  return 10 * power
}
