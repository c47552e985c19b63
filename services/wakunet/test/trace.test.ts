import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerInfo } from '@wakunet/bus'
import { parseProbe } from '../src/trace/probe.ts'
import { type Answers, runCli } from './cli-harness.ts'
import { answers, peer } from './fake-answers.ts'

const MEMBER = '99990000111122223333444455556666'
const RELAYED: PeerInfo = {
  ...peer,
  nodeId: MEMBER,
  state: 'connected',
  sources: ['vlan'],
  address: '/ip4/192.0.2.1/tcp/4740/p2p/12D3KooWRelay/p2p-circuit/p2p/12D3KooWOther',
  rttMs: 12,
  connectedSinceMs: 0,
  lastError: null,
  retryInMs: null,
  relay: '12D3KooWRelay',
  obstacle: 'Connection timeout after 4000ms',
  loss: 0.031,
  path: {
    carrier: 'stream',
    address: null,
    rttMs: null,
    datagramBytes: 0,
    cipher: null,
    trouble: 'no-answer',
    recordsSent: 0,
    recordsReceived: 0,
  },
}
const relayed = { ...answers, 'trunk.peers': () => ({ peers: [RELAYED] }) }
const trace = (target: string, options: readonly string[] = []) =>
  runCli(['trace', target, '--no-probe', ...options], { answers: relayed })

test('an address is followed to its member, next hop, trunk and path, with the reason why there is none better', async () => {
  const { stdout, code } = await trace('10.42.0.8')
  assert.equal(code, 0)
  assert.match(stdout, /10\.42\.0\.8 is an IP address of member desk \(9999\w+\) of VLAN office/)
  assert.match(stdout, /way +its own trunk/)
  assert.match(stdout, /known by +vlan/)
  assert.match(stdout, /path +stream, relayed/)
  assert.match(stdout, /latency +12\.0 ms/)
  assert.match(stdout, /loss +3 %/)
  assert.match(stdout, /over the relay 12D3KooWRelay; no direct connection: Connection timeout after 4000ms/)
  assert.match(stdout, /no address of the peer answers to datagrams/)
})

test('MAC address in either form, host name, node id and peer id lead to the same member', async () => {
  for (const [target, matched] of [
    ['02:00:00:00:00:02', 'mac'],
    ['02-00-00-00-00-02', 'mac'],
    ['desk', 'name'],
    ['desk.office.waku.internal', 'name'],
    [MEMBER, 'node'],
    ['12D3KooWOther', 'peer'],
  ] as const) {
    const { ways } = JSON.parse((await trace(target, ['--json'])).stdout)
    assert.deepEqual([ways[0].matched, ways[0].member.nodeId], [matched, MEMBER], target)
  }
})

test('a station behind a member is told as such', async () => {
  const show = answers['switch.show']!
  const withStation: Answers = {
    ...relayed,
    'switch.show': async (request) => ({
      ...(await show(request)),
      fdb: [{ mac: '02:aa:00:00:00:09', nodeId: MEMBER, ageMs: 1 }],
    }),
  }
  const { stdout } = await runCli(['trace', '02:aa:00:00:00:09', '--no-probe'], { answers: withStation })
  assert.match(stdout, /the MAC address of a host behind member desk/)
})

test('a peer that shares no VLAN is described alone; what nothing is called says where to look', async () => {
  const { stdout } = await runCli(['trace', '12D3KooWElse', '--no-probe'], {
    answers: { ...answers, 'trunk.peers': () => ({ peers: [{ ...peer, peerId: '12D3KooWElse' }] }) },
  })
  assert.match(stdout, /is in no VLAN of this node/)
  assert.match(stdout, /cannot be reached at .*: connection refused; next attempt in 4 s/)
  const nothing = await trace('10.99.0.1')
  assert.equal(nothing.code, 2)
  assert.match(nothing.stderr, /nothing here is called '10\.99\.0\.1'/)
})

test('the end of what ping prints is read, of iputils and of busybox, with and without answers', () => {
  const iputils =
    '3 packets transmitted, 3 received, 0% packet loss, time 401ms\nrtt min/avg/max/mdev = 0.1/0.25/0.4/0.1 ms'
  assert.deepEqual(parseProbe(iputils), { sent: 3, received: 3, rttMs: 0.25 })
  const busybox =
    '3 packets transmitted, 2 packets received, 33% packet loss\nround-trip min/avg/max = 1.0/2.5/4.0 ms'
  assert.deepEqual(parseProbe(busybox), { sent: 3, received: 2, rttMs: 2.5 })
  assert.deepEqual(parseProbe('3 packets transmitted, 0 received, 100% packet loss'), {
    sent: 3,
    received: 0,
    rttMs: null,
  })
  assert.equal(parseProbe('ping: unknown host'), null)
})

test('status tells how others reach this node', async () => {
  const { stdout } = await runCli(['status'], { answers })
  assert.match(stdout, /reachable +peers cannot dial it; a NAT that gives all peers the same port/)
  assert.match(stdout, /seen as 192\.0\.2\.7/)
  assert.match(stdout, /reached over the relay 12D3KooWRelay/)
})
