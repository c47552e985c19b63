import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listenPorts, publicCandidates } from '../src/reach/own-candidates.ts'

const address = (text: string, internal = false) => ({
  address: text,
  internal,
  netmask: '',
  mac: '',
  cidr: null,
  ...(text.includes(':') ? { family: 'IPv6' as const, scopeid: 0 } : { family: 'IPv4' as const }),
})
const LISTEN = ['/ip4/0.0.0.0/tcp/4740', '/ip6/::/tcp/4740', '/ip4/0.0.0.0/tcp/443/ws', '/ip4/8.8.4.4/tcp/0']

test('public addresses of interfaces are candidates with every port that is listened on; others are none', () => {
  const interfaces = {
    lo: [address('127.0.0.1', true)],
    eth0: [address('192.168.1.2'), address('8.8.8.8'), address('fe80::1'), address('2a00:1450::1')],
    'wk-lan': [address('9.9.9.9')],
  }
  const isOverlay = (one: { toString(): string }) => one.toString().includes('9.9.9.9')
  assert.deepEqual(publicCandidates({ listen: LISTEN, interfaces, isOverlay }), [
    '/ip4/8.8.8.8/tcp/4740',
    '/ip6/2a00:1450::1/tcp/4740',
    '/ip4/8.8.8.8/tcp/443/ws',
  ])
  const one = { listen: ['/ip4/8.8.8.8/tcp/1'], interfaces, isOverlay }
  assert.deepEqual(publicCandidates(one), ['/ip4/8.8.8.8/tcp/1'])
})

test('ports that a router may forward are those of plain TCP that somebody chose', () => {
  assert.deepEqual(listenPorts(LISTEN, 4), [4740])
  assert.deepEqual(listenPorts(LISTEN, 6), [4740])
  assert.deepEqual(listenPorts([], 4), [])
})
