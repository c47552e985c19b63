import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FIGURES } from '../src/index.ts'
import { QUICK_PLAN } from '../src/plan.ts'
import { buildReport, type ReportParts } from '../src/report.ts'
import { renderReport } from '../src/report-text.ts'
import { formatFigure, renderTable } from '../src/table.ts'
import { runOf } from './runs.ts'

const PARTS: ReportParts = {
  machine: {
    cpu: 'Test CPU',
    cores: 2,
    memoryGiB: 24,
    kernel: '6.18',
    system: 'Debian',
    node: 'v24',
    iperf3: 'iperf 3.12',
    congestionControl: 'cubic',
    loadBefore: 0.1,
  },
  settings: { runs: 3, quick: false, plan: QUICK_PLAN },
  facts: [
    { name: 'veth', ours: false, layer: 2, crypto: 'none', version: '6.18' },
    { name: 'tinc', ours: false, layer: 2, crypto: 'AES', version: '1.0' },
    { name: 'broken', ours: false, layer: 2, crypto: 'AES', version: '1.0' },
    { name: 'wakunet', ours: true, layer: 2, crypto: 'Noise', version: '0.1' },
    { name: 'wakunet-services', ours: true, layer: 2, crypto: 'Noise', version: '0.1' },
  ],
  runs: new Map([
    ['veth', [runOf(0)]],
    ['tinc', [runOf(100), runOf(300), runOf(200)]],
    ['wakunet', [runOf(800), runOf(600), runOf(700)]],
    ['wakunet-services', [runOf(350)]],
  ]),
  missing: [{ name: 'n2n', reason: 'n2n is not there', install: 'sh get-n2n' }],
  failures: [{ name: 'broken', reason: 'no ping came back' }],
}

test('every figure of every measured system has median, least and greatest, under the agreed keys', () => {
  const { systems } = buildReport(PARTS)
  assert.deepEqual(Object.keys(systems), ['veth', 'tinc', 'wakunet', 'wakunet-services'])
  assert.deepEqual(Object.keys(systems.tinc!), [
    'tcp1Mbps',
    'tcp4Mbps',
    'udp64Pps',
    'pingP50Us',
    'pingP99Us',
    'loadedPingP99Us',
    'cpuSecondsPerGB',
    'rssMiB',
  ])
  for (const { key } of FIGURES) assert.deepEqual(systems.tinc![key], { median: 200, min: 100, max: 300 })
})

test('ratios are ours by every other, also ours by ours, and nothing by 0', () => {
  const { ratios } = buildReport(PARTS)
  assert.deepEqual(Object.keys(ratios), ['wakunet', 'wakunet-services'])
  assert.equal(ratios.wakunet!.tinc!.tcp1Mbps, 3.5)
  assert.equal(ratios['wakunet-services']!.wakunet!.tcp1Mbps, 0.5)
  assert.equal(ratios.wakunet!.veth!.cpuSecondsPerGB, null)
})

test('the report survives JSON', () => {
  const report = buildReport(PARTS)
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report)
})

test('people see systems, ratios, how it was measured, what is missing and what failed', () => {
  const text = renderReport(buildReport(PARTS))
  for (const part of [
    'Test CPU',
    'congestion control cubic',
    'Medians of 3 runs',
    'wakunet-services /',
    'default offloads',
    'MTU inside every overlay 1400',
    'n2n: n2n is not there. Get it: sh get-n2n',
    'broken: no ping came back',
  ]) {
    assert.ok(text.includes(part), part)
  }
})

test('a table lines up its columns, numbers to the right', () => {
  assert.equal(
    renderTable(
      ['name', 'µs'],
      [
        ['a', '1,000'],
        ['longer', '7'],
      ],
    ),
    ['name       µs', '──────  ─────', 'a       1,000', 'longer      7'].join('\n'),
  )
})

test('figures have three significant digits', () => {
  assert.deepEqual([0, 0.01234, 1.5, 2, 99.96, 100.4, 1234.5, Number.NaN].map(formatFigure), [
    '0',
    '0.0123',
    '1.5',
    '2',
    '100',
    '100',
    '1,235',
    '-',
  ])
})
