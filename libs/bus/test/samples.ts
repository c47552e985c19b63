import type { PayloadOf, ReplyOf } from '../src/index.ts'

export const id = (digit: string) => digit.repeat(32)

export const trunkStatus: ReplyOf<'trunk.status'> = {
  nodeId: id('a'),
  peerId: '12D3KooWexample',
  role: 'regular',
  version: '0.1.0',
  uptimeMs: 1,
  addresses: ['/ip4/127.0.0.1/tcp/4001'],
  peersConnected: 1,
  peersKnown: 2,
  recordsSent: 3,
  recordsReceived: 4,
  recordsDropped: 5,
  recordsRefused: 6,
  reach: { verdict: 'unknown', nat: 'unknown', observed: [], confirmed: [], relays: [] },
}

export const trunkStarted: PayloadOf<'trunk.started'> = { nodeId: id('a'), peerId: '12D3KooWexample' }

export function membersChanged(vlanDigit: string): PayloadOf<'trunk.members.changed'> {
  const member = {
    nodeId: id('c'),
    peerId: '12D3KooWmember',
    bootNonce: '0123456789abcdef',
    mac: '02:00:00:00:00:01',
    addresses: ['10.1.2.3/20'],
    addressAttempt: 0,
    hostname: 'alpha',
    rttMs: 0.4,
  }
  return { vlanId: id(vlanDigit), members: [member] }
}
