import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { timesUntilLast } from '../src/broadcast/broadcast-ping.ts'
import { pacedPerSecond } from '../src/broadcast/measure-broadcast.ts'
import { buildFigureReport, type FigureInfo, renderFigureReport } from '../src/figure-report.ts'
import { pairs, ring, toOne } from '../src/hosts/patterns.ts'
import { oursAgainstOthers, systemsOfMany } from '../src/measured-systems.ts'
import { overlayAddress } from '../src/system.ts'
import { SYSTEMS } from '../src/systems/index.ts'
import { parseCounter } from '../src/traffic/packet-counter.ts'
import { withoutSnooping, withoutStormControl } from '../src/unlimited.ts'
import { systemOf } from './runs.ts'

const DECODE = { code: 'ERR_DECODE' }

test('in pairs every host has one flow, all to one meet at the first, in a ring everybody sends and receives', () => {
  assert.deepEqual(pairs(8), [
    [0, 1],
    [2, 3],
    [4, 5],
    [6, 7],
  ])
  assert.deepEqual(
    toOne(4).map(([from, to]) => `${from}${to}`),
    ['10', '20', '30'],
  )
  const flows = ring(8)
  for (const side of [0, 1]) assert.equal(new Set(flows.map((flow) => flow[side])).size, 8)
  assert.ok(flows.every(([from, to]) => from !== to))
})

test('hosts keep off the first addresses of the subnet, and stay inside it', () => {
  assert.equal(overlayAddress(0), '10.77.0.11')
  assert.equal(overlayAddress(199), '10.77.0.210')
})

const ANSWERS = `PING 10.77.0.255 (10.77.0.255) 56(84) bytes of data.
64 bytes from 10.77.0.12: icmp_seq=1 ttl=64 time=0.500 ms
64 bytes from 10.77.0.13: icmp_seq=1 ttl=64 time=1.25 ms (DUP!)
64 bytes from 10.77.0.13: icmp_seq=2 ttl=64 time=0.700 ms
64 bytes from 10.77.0.12: icmp_seq=2 ttl=64 time=0.600 ms (DUP!)
64 bytes from 10.77.0.12: icmp_seq=3 ttl=64 time=0.400 ms

--- 10.77.0.255 ping statistics ---
3 packets transmitted, 3 received, +2 duplicates, 0% packet loss, time 4ms
`

test('a broadcast ping lasts until the last has answered, and one that somebody missed does not count', () => {
  assert.deepEqual(timesUntilLast(ANSWERS, 2), [1_250, 700])
  assert.deepEqual(timesUntilLast(ANSWERS, 1), [1_250, 700, 400])
  assert.deepEqual(timesUntilLast('ping: connect: Network is unreachable', 1), [])
})

test('the more receive, the fewer frames are sent: all of them share the machine', () => {
  assert.deepEqual([1, 7, 31].map(pacedPerSecond), [1_000, 1_000, 258])
})

const counterOf = (packets: number, bytes: number) =>
  JSON.stringify({
    nftables: [
      { metainfo: { version: '1.0.6' } },
      { counter: { family: 'ip', name: 'seen', packets, bytes } },
    ],
  })

test('headers are no payload, of a super-frame as of a packet', () => {
  assert.deepEqual(parseCounter(counterOf(0, 0)), { packets: 0, payloadBytes: 0 })
  assert.deepEqual(parseCounter(counterOf(2, 2 * 1_328)), { packets: 2, payloadBytes: 2_600 })
  assert.deepEqual(parseCounter(counterOf(1, 52_028)), { packets: 1, payloadBytes: 52_000 })
})

test('what is no list of counters is refused in the same way', () => {
  const whole = counterOf(1, 100)
  for (let length = 0; length < whole.length; length++)
    assert.throws(() => parseCounter(whole.slice(0, length)), DECODE)
  fc.assert(fc.property(fc.json(), (text) => assert.throws(() => parseCounter(text), DECODE)))
  assert.throws(() => parseCounter('{"nftables":[]}'), DECODE)
})

const FIGURES = [
  { key: 'speed', title: 'speed', unit: 'Mbit/s', better: 'higher' },
  { key: 'cost', title: 'cost', unit: 'µs', better: 'lower' },
] as const satisfies readonly FigureInfo[]

test('a report has medians of all runs, and ratios of those that were measured', () => {
  const runs = new Map([
    ['ours', [1, 3, 2].map((value) => ({ speed: value, cost: 10 }))],
    ['theirs', [{ speed: 4, cost: 0 }]],
  ])
  const ratios = [
    ['ours', 'theirs'],
    ['ours', 'missing'],
  ] as const
  const report = buildFigureReport({ figures: FIGURES, runs, ratios, failures: [] })
  assert.deepEqual(report.systems.ours!.speed, { median: 2, min: 1, max: 3 })
  assert.deepEqual(report.ratios, { ours: { theirs: { speed: 0.5, cost: null } } })
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report)
  const text = renderFigureReport('system', FIGURES, report)
  assert.match(text, /ours +2 +10/)
  assert.match(text, /ours \/ theirs +0\.5 +-/)
  assert.match(text, /speed ▲ +cost ▼/)
})

test('nothing measured makes a report without rows', () => {
  const report = buildFigureReport({ figures: FIGURES, runs: new Map(), failures: [] })
  assert.deepEqual(report.systems, {})
  assert.match(renderFigureReport('system', FIGURES, report), /system +speed Mbit\/s/)
})

const contextOf = (only: string[]) => ({
  quick: true,
  only,
  runs: 1,
  progress: () => {},
  signal: new AbortController().signal,
})

test('a system for two hosts is refused by name where more are measured', () => {
  assert.throws(() => systemsOfMany(contextOf(['openvpn']), []), {
    code: 'ERR_USAGE',
    message: /openvpn joins two hosts/,
  })
  assert.deepEqual(
    systemsOfMany(contextOf(['veth']), []).map(({ name }) => name),
    ['veth'],
  )
  assert.deepEqual(
    systemsOfMany(contextOf([]), ['veth', 'vxlan']).map(({ name }) => name),
    ['veth', 'vxlan'],
  )
})

test('ours are compared with the others, not with each other', () => {
  const systems = [systemOf('a'), systemOf('b', { ours: true }), systemOf('c', { ours: true })]
  assert.deepEqual(oursAgainstOthers(systems), [
    ['b', 'a'],
    ['c', 'a'],
  ])
})

test('only our own systems are made without limits, and keep their names', () => {
  for (const system of SYSTEMS) {
    const unlimited = withoutStormControl(system)
    assert.equal(unlimited.name, system.name)
    assert.equal(unlimited === system, !system.ours)
  }
  const ours = SYSTEMS.find(({ name }) => name === 'wakunet')!
  assert.equal(withoutSnooping(ours, 'wakunet, flooding').name, 'wakunet, flooding')
})
