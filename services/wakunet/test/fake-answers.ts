import type { PeerInfo, PortInfo, TrunkStatus, VlanInfo } from '@wakunet/bus'
import type { Answers } from './cli-harness.ts'

export const VLAN_ID = '00112233445566778899aabbccddeeff'

export const vlan: VlanInfo = {
  id: VLAN_ID,
  ref: 'vexample',
  name: 'office',
  description: 'all of us',
  policy: 'open',
  subnet4: '10.42.0.0/20',
  subnet6: 'fd00:1:2:3::/64',
  mtu: 1400,
  sequence: 1,
  owned: true,
  encoded: '',
}

export const port: PortInfo = {
  vlanId: VLAN_ID,
  ref: 'vexample',
  name: 'office',
  interface: 'wk-office',
  mac: '02:00:00:00:00:01',
  mtu: 1400,
  addresses: ['10.42.0.7/20', 'fd00:1:2:3::1/64'],
  addressMode: 'auto',
  state: 'up',
  lastError: null,
  members: 1,
  fdbEntries: 1,
  framesIn: 1,
  framesOut: 1,
  bytesIn: 2048,
  bytesOut: 100,
  framesDropped: 0,
  relay: { enabled: true, records: 12, bytes: 3072, dropped: 1 },
}

export const status: TrunkStatus = {
  nodeId: '11112222333344445555666677778888',
  peerId: '12D3KooWExample',
  role: 'regular',
  version: '0.1.0',
  uptimeMs: 61_000,
  addresses: ['/ip4/192.0.2.7/tcp/4740'],
  peersConnected: 1,
  peersKnown: 2,
  recordsSent: 1,
  recordsReceived: 2,
  recordsDropped: 3,
  recordsRefused: 4,
  reach: {
    verdict: 'private',
    nat: 'endpoint-independent',
    observed: ['192.0.2.7'],
    confirmed: [],
    relays: ['12D3KooWRelay'],
  },
}

export const peer: PeerInfo = {
  peerId: '12D3KooWOther',
  nodeId: null,
  state: 'backoff',
  sources: ['bootstrap'],
  address: '/ip4/192.0.2.8/tcp/4740',
  direction: null,
  rttMs: null,
  connectedSinceMs: null,
  agent: null,
  vlans: [],
  lastError: 'connection refused',
  retryInMs: 4000,
  bytesSent: 0,
  bytesReceived: 0,
  recordsDropped: 0,
  path: null,
  relay: null,
  obstacle: null,
  loss: null,
}

/** A node that has joined one VLAN and does not reach one peer. */
export const answers: Answers = {
  'trunk.status': () => status,
  'trunk.peers': () => ({ peers: [peer] }),
  'switch.list': () => ({ ports: [port] }),
  'directory.list': () => ({ vlans: [vlan], next: null }),
  'directory.create': ({ name }) => ({ ...vlan, name }),
  'directory.edit': () => ({ ...vlan, sequence: 2 }),
  'directory.resolve': () => vlan,
  'switch.join': () => port,
  'switch.leave': () => ({ vlanId: VLAN_ID, interface: 'wk-office' }),
  'switch.show': () => ({
    port,
    members: [
      {
        nodeId: '99990000111122223333444455556666',
        peerId: '12D3KooWOther',
        mac: '02:00:00:00:00:02',
        addresses: ['10.42.0.8'],
        hostname: 'desk',
        rttMs: 0.7,
        nextHops: ['99990000111122223333444455556666'],
        bridged: false,
        leases: 1,
        cipher: 'aes-128-gcm',
        relayed: { records: 0, bytes: 0 },
      },
    ],
    tree: {
      root: '99990000111122223333444455556666',
      isRoot: false,
      trunks: [{ nodeId: '99990000111122223333444455556666', role: 'root', forwarding: true, cost: 10 }],
    },
    fdb: [{ mac: '02:00:00:00:00:02', nodeId: '99990000111122223333444455556666', ageMs: 1000 }],
    drops: { malformed: 3, none: 0 },
  }),
}
