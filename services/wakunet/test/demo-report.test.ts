import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WakunetError } from '@wakunet/interface'
import { LineSplitter } from '../src/demo/line-splitter.ts'
import { PingTally } from '../src/demo/ping-tally.ts'
import { checkPrivileges } from '../src/demo/privileges.ts'
import { median, type PingReport, pingsAreGood } from '../src/demo/report.ts'
import { readIperf } from '../src/demo/throughput.ts'

const tallyOf = (text: string): PingTally => {
  const tally = new PingTally()
  for (const line of text.split('\n')) tally.take(line)
  return tally
}

describe('the tally of a ping', () => {
  test('counts answers and their round trips', () => {
    const tally = tallyOf(`PING 10.1.2.3 (10.1.2.3) 56(84) bytes of data.
64 bytes from 10.1.2.3: icmp_seq=1 ttl=64 time=0.400 ms
64 bytes from 10.1.2.3: icmp_seq=2 ttl=64 time=0.600 ms

--- 10.1.2.3 ping statistics ---
2 packets transmitted, 2 received, 0% packet loss, time 1001ms
rtt min/avg/max/mdev = 0.400/0.500/0.600/0.100 ms`)
    assert.deepEqual(tally.figures(), {
      sent: 2,
      received: 2,
      lossPercent: 0,
      rttMs: { min: 0.4, avg: 0.5, max: 0.6 },
      duplicates: 0,
    })
  })

  test('counts what is not answered while ping runs, and takes a late answer back', () => {
    const tally = tallyOf(`64 bytes from fe80::1%wk-demo: icmp_seq=1 ttl=64 time=0.1 ms
no answer yet for icmp_seq=2
no answer yet for icmp_seq=3`)
    assert.deepEqual([tally.sent, tally.received, tally.lastMs], [3, 1, null])
    tally.take('64 bytes from fe80::1%wk-demo: icmp_seq=2 ttl=64 time=1001 ms')
    assert.deepEqual([tally.sent, tally.received, tally.lastMs], [3, 2, 1001])
  })

  test('tells duplicates from answers', () => {
    const tally = tallyOf(`64 bytes from 10.1.2.3: icmp_seq=1 ttl=64 time=0.4 ms
64 bytes from 10.1.2.3: icmp_seq=1 ttl=64 time=0.5 ms (DUP!)
1 packets transmitted, 1 received, +1 duplicates, 0% packet loss, time 0ms`)
    assert.deepEqual([tally.sent, tally.received, tally.duplicates], [1, 1, 1])
  })

  test('has no round trip where nothing came back, and full loss where nothing was sent', () => {
    const silent = tallyOf('3 packets transmitted, 0 received, 100% packet loss, time 2040ms')
    assert.deepEqual(silent.figures(), {
      sent: 3,
      received: 0,
      lossPercent: 100,
      rttMs: { min: null, avg: null, max: null },
      duplicates: 0,
    })
    assert.equal(new PingTally().figures().lossPercent, 100)
  })

  test('remembers a bounded number of pings that wait, and still counts the rest as sent', () => {
    const tally = new PingTally()
    for (let sequence = 1; sequence <= 5000; sequence++) tally.take(`no answer yet for icmp_seq=${sequence}`)
    assert.equal(tally.sent, 5000)
  })
})

test('lines are put together from pieces, and a line without end does not grow without bound', () => {
  const lines = new LineSplitter()
  assert.deepEqual(lines.take('a\nb'), ['a'])
  assert.deepEqual(lines.take('c\n'), ['bc'])
  for (let i = 0; i < 100; i++) lines.take('x'.repeat(1000))
  assert.ok((lines.take('\n')[0]?.length ?? 0) <= 5096)
})

describe('the verdict', () => {
  const good: PingReport = {
    from: 'h1',
    to: 'h2',
    family: 'ipv4',
    target: '10.0.0.2',
    sent: 10,
    received: 10,
    lossPercent: 0,
    rttMs: { min: 1, avg: 1, max: 1 },
    duplicates: 0,
  }

  test('is good only where every ping came back exactly once', () => {
    assert.equal(pingsAreGood([good, good]), true)
    assert.equal(pingsAreGood([]), false)
    assert.equal(pingsAreGood([good, { ...good, received: 9 }]), false)
    assert.equal(pingsAreGood([good, { ...good, duplicates: 1 }]), false)
    assert.equal(pingsAreGood([{ ...good, sent: 0, received: 0 }]), false)
  })

  test('the throughput is the median of the pairs', () => {
    assert.equal(median([3, 1, 2]), 2)
    assert.equal(median([4, 1, 2, 3]), 2.5)
    assert.equal(median([]), 0)
  })
})

describe('iperf3', () => {
  test('is read as what the receiver got', () => {
    const text = JSON.stringify({
      end: { sum_sent: { bits_per_second: 9e8, retransmits: 3 }, sum_received: { bits_per_second: 8.5e8 } },
    })
    assert.deepEqual(readIperf(text), { mbps: 850, retransmits: 3 })
  })

  test('its own words are told where it measured nothing', () => {
    assert.throws(() => readIperf('{"error":"unable to connect"}'), /unable to connect/)
    assert.throws(() => readIperf(''), /it wrote nothing/)
  })
})

describe('privileges of the demo', () => {
  const tun = { usable: true, reason: '' }
  const thrownBy = (run: () => void): WakunetError => {
    try {
      run()
    } catch (error) {
      if (error instanceof WakunetError) return error
    }
    throw new Error('nothing was thrown')
  }

  const open = { netAdmin: true, deviceFault: null }

  test('root may go on', () => {
    checkPrivileges({ kind: 'root', reason: '', tun }, open, {})
  })

  test('without root the missing privilege is named and the user-namespace demo offered, in the words of the user', () => {
    const privileges = { kind: 'user-namespace', reason: '', tun } as const
    const direct = thrownBy(() => checkPrivileges(privileges, open, {}))
    assert.equal(direct.code, 'ERR_MISSING_PRIVILEGE')
    assert.match(direct.message, /CAP_NET_ADMIN.*wakunet demo --user-namespace$/s)
    const npm = thrownBy(() => checkPrivileges(privileges, open, { npm_lifecycle_event: 'start' }))
    assert.match(npm.message, /npm start -- --user-namespace$/)
  })

  test('the offer says what is needed first where the user may not open the tun device', () => {
    const closed = { usable: false, reason: '/dev/net/tun may not be opened: chmod 0666 /dev/net/tun' }
    const error = thrownBy(() =>
      checkPrivileges({ kind: 'user-namespace', reason: '', tun: closed }, open, {}),
    )
    assert.match(error.message, /--user-namespace\nThat needs one thing first: .*chmod 0666/)
  })

  test('where the kernel allows no user namespace none is offered', () => {
    const error = thrownBy(() =>
      checkPrivileges({ kind: 'none', reason: 'Not as root, because X.', tun }, open, {}),
    )
    assert.equal(error.code, 'ERR_MISSING_PRIVILEGE')
    assert.doesNotMatch(error.message, /--user-namespace/)
  })

  test('a missing tun device and one that may not be opened have their own errors', () => {
    const root = { kind: 'root', reason: '', tun } as const
    const codeFor = (deviceFault: string) =>
      thrownBy(() => checkPrivileges(root, { netAdmin: true, deviceFault }, {})).code
    assert.equal(codeFor('ENOENT'), 'ERR_TUN_DEVICE_MISSING')
    assert.equal(codeFor('EPERM'), 'ERR_MISSING_PRIVILEGE')
  })
})
