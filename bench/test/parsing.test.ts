import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseIperf3 } from '../src/iperf3.ts'
import { parsePing } from '../src/ping.ts'
import {
  cpuSeconds,
  memoryMiB,
  parseBusySeconds,
  parseCpuSeconds,
  parseMemoryKiB,
} from '../src/process-usage.ts'

const DECODE = { code: 'ERR_DECODE' }

/** As iperf3 3.12 wrote it, without the fields that nobody reads. */
const TCP_REPORT = {
  start: { version: 'iperf 3.12' },
  intervals: [],
  end: {
    streams: [],
    sum_sent: { seconds: 1.000426, bytes: 1_872_625_664, retransmits: 17, sender: true },
    sum_received: { seconds: 1.000941, bytes: 1_866_989_568, sender: true },
    sender_tcp_congestion: 'bbr',
    receiver_tcp_congestion: 'cubic',
  },
}
const UDP_REPORT = {
  end: {
    sum: { seconds: 1.001959, bytes: 9_808_000, lost_packets: 72_068, packets: 153_250, sender: true },
    sum_sent: { seconds: 1.000125, bytes: 9_808_000, packets: 153_250 },
    sum_received: { seconds: 1.001959, bytes: 5_195_648, lost_packets: 72_068, packets: 153_250 },
  },
}

test('of a TCP run the receiving side counts', () => {
  assert.deepEqual(parseIperf3(JSON.stringify(TCP_REPORT)), {
    bytesReceived: 1_866_989_568,
    seconds: 1.000941,
    retransmits: 17,
    congestionControl: 'cubic',
  })
})

test('of a UDP run what arrived counts, not what was sent', () => {
  assert.equal(parseIperf3(JSON.stringify(UDP_REPORT)).bytesReceived / 64, 153_250 - 72_068)
})

test('a run that iperf3 calls failed is an error with its reason', () => {
  const text = JSON.stringify({ start: {}, intervals: [], end: {}, error: 'unable to connect to server' })
  assert.throws(() => parseIperf3(text), { ...DECODE, message: /unable to connect to server/ })
  assert.throws(() => parseIperf3('{"end":{}}'), { ...DECODE, message: /no totals/ })
})

test('any other text is refused in the same way', () => {
  const whole = JSON.stringify(TCP_REPORT)
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => parseIperf3(whole.slice(0, length)), DECODE)
  }
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      assert.throws(() => parseIperf3(text), DECODE)
    }),
  )
})

const PING_OUTPUT = `PING 198.18.0.2 (198.18.0.2) 56(84) bytes of data.
64 bytes from 198.18.0.2: icmp_seq=1 ttl=64 time=0.240 ms
64 bytes from 198.18.0.2: icmp_seq=2 ttl=64 time=12.5 ms
64 bytes from 198.18.0.2: icmp_seq=2 ttl=64 time=12.9 ms (DUP!)
64 bytes from 198.18.0.2: icmp_seq=4 ttl=64 time=1003 ms
From 198.18.0.1 icmp_seq=5 Destination Host Unreachable

--- 198.18.0.2 ping statistics ---
5 packets transmitted, 3 received, +1 duplicates, 40% packet loss, time 4ms
`

test('round trips come in microseconds, without duplicates', () => {
  assert.deepEqual(parsePing(PING_OUTPUT), { sent: 5, received: 3, rttUs: [240, 12_500, 1_003_000] })
})

test('a ping without an answer has no round trips, and one without totals is refused', () => {
  const lost = '--- x ping statistics ---\n3 packets transmitted, 0 received, 100% packet loss, time 2ms\n'
  assert.deepEqual(parsePing(lost), { sent: 3, received: 0, rttUs: [] })
  assert.throws(() => parsePing('ping: x: Name or service not known'), DECODE)
})

test('CPU time is found behind a program name with brackets and blanks', () => {
  const stat = `42 (a ) b (c) S 1 42 42 0 -1 4194560 900 0 0 0 250 125 7 9 20 0 11 0 5000 1000 200`
  assert.equal(parseCpuSeconds(stat), 3.75)
})

test('memory now and at its highest are told apart', () => {
  const status = 'Name:\tx\nVmPeak:\t  900000 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n'
  assert.deepEqual(parseMemoryKiB(status), { rss: 1024, peak: 2048 })
})

test('idle time and waiting for disks are not busy time', () => {
  assert.equal(parseBusySeconds('cpu  100 200 300 99999 88888 400 500 60 0 0\ncpu0 1 2 3'), 15)
})

test('the figures of a process that runs are there, and those of one that has ended are not made up', () => {
  assert.ok(cpuSeconds([process.pid]) > 0)
  const { rss, peak } = memoryMiB([process.pid])
  assert.ok(rss > 10 && peak >= rss)
  assert.deepEqual(memoryMiB([]), { rss: 0, peak: 0 })
  const noPid = Number(readFileSync('/proc/sys/kernel/pid_max', 'latin1')) + 1
  assert.throws(() => cpuSeconds([noPid]), { code: 'ENOENT' })
})
