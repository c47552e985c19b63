import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { test } from 'node:test'
import { type NodeId, WakunetError } from '@wakunet/interface'
import { tempDir } from '@wakunet/testing'
import {
  join,
  membersOf,
  nextRecord,
  recordFrom,
  sendRecord,
  startNode,
  type TestNode,
  until,
} from './node.ts'

const VLAN = 'ab'.repeat(16)
const OTHER_VLAN = 'cd'.repeat(16)
const withCode = (code: string) => (error: unknown) => error instanceof WakunetError && error.code === code

/** Resolves when `node` has trunks to that many peers. */
const trunks = (node: TestNode, count: number) =>
  until(
    () => node.cliBus.request('trunk.status', {}),
    ({ peersConnected }) => peersConnected === count,
  )

/** Two nodes with a trunk, the second dialling the first, both in the VLAN. */
async function pairInVlan(t: import('node:test').TestContext): Promise<[TestNode, TestNode]> {
  const a = await startNode(t)
  const b = await startNode(t, { bootstrap: [a.address] })
  await join(a, VLAN)
  await join(b, VLAN)
  await Promise.all([
    membersOf(a, VLAN, (members) => members.length === 1),
    membersOf(b, VLAN, (members) => members.length === 1),
  ])
  return [a, b]
}

test('a node finds the peer it is configured with and both show the trunk with its round trip', async (t) => {
  const a = await startNode(t)
  const b = await startNode(t, { bootstrap: [a.address] })
  const { peers } = await until(
    () => b.cliBus.request('trunk.peers', {}),
    ({ peers }) => peers[0]?.rttMs !== null && peers[0]?.state === 'connected',
  )
  assert.equal(peers.length, 1)
  assert.deepEqual(
    {
      peerId: peers[0]!.peerId,
      nodeId: peers[0]!.nodeId,
      direction: peers[0]!.direction,
      sources: peers[0]!.sources,
    },
    { peerId: a.peerId, nodeId: a.nodeId, direction: 'outbound', sources: ['bootstrap'] },
  )
  const seen = await a.cliBus.request('trunk.peers', {})
  assert.equal(seen.peers[0]!.direction, 'inbound')
})

test('a configured address without a peer id is enough', async (t) => {
  const a = await startNode(t)
  const b = await startNode(t, { bootstrap: [a.address.split('/p2p/')[0]!] })
  await trunks(b, 1)
  const { peers } = await b.cliBus.request('trunk.peers', {})
  assert.deepEqual(
    peers.map(({ peerId }) => peerId),
    [a.peerId],
  )
})

test('a node that is configured with its own address forgets it', async (t) => {
  const a = await startNode(t, {
    listen: ['/ip4/127.0.0.1/tcp/47321'],
    bootstrap: ['/ip4/127.0.0.1/tcp/47321'],
  })
  await until(
    () => a.cliBus.request('trunk.peers', {}),
    ({ peers }) => peers.every(({ state }) => state !== 'connected'),
  )
  await trunks(a, 0)
})

test('members of a VLAN learn of each other, and records pass both ways unchanged', async (t) => {
  const [a, b] = await pairInVlan(t)
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const record = recordFrom(from.nodeId, VLAN)
    const arrived = nextRecord(to)
    sendRecord(from, [to.nodeId], record)
    const got = await arrived
    assert.equal(got.from, from.nodeId)
    assert.deepEqual(Buffer.from(got.record), Buffer.from(record))
  }
})

test('a record of a VLAN that this node has not joined goes nowhere and is counted', async (t) => {
  const [a, b] = await pairInVlan(t)
  b.lane.onMessage = () => assert.fail('a record of a foreign VLAN reached the switch')
  sendRecord(a, [b.nodeId], recordFrom(a.nodeId, OTHER_VLAN))
  await until(
    async () => b.service.relay.stats.vlanNotJoined,
    (count) => count === 1,
  )
})

test('a record of a VLAN that the peer has not announced goes nowhere and is counted', async (t) => {
  const [a, b] = await pairInVlan(t)
  await join(b, VLAN, OTHER_VLAN)
  b.lane.onMessage = () => assert.fail('a record of a peer that is no member reached the switch')
  sendRecord(a, [b.nodeId], recordFrom(a.nodeId, OTHER_VLAN))
  await until(
    async () => b.service.relay.stats.notMember,
    (count) => count === 1,
  )
})

test('a record shorter than its header, and one for a peer without trunk, are counted', async (t) => {
  const [a, b] = await pairInVlan(t)
  sendRecord(a, [b.nodeId], new Uint8Array(71))
  sendRecord(a, ['00'.repeat(16) as NodeId], recordFrom(a.nodeId, VLAN))
  a.lane.send([new Uint8Array(0)])
  assert.equal(a.service.relay.stats.laneMalformed, 2)
  assert.equal(a.service.relay.stats.noTrunk, 1)
})

test('a member whose node stops is gone for the others', async (t) => {
  const [a, b] = await pairInVlan(t)
  const gone = membersOf(a, VLAN, (members) => members.length === 0)
  await b.stop()
  await gone
  await trunks(a, 0)
  const { peers } = await a.cliBus.request('trunk.peers', {})
  assert.match(peers[0]!.lastError ?? '', /stopping/)
})

test('a peer that comes back under the same key is dialled again by itself', async (t) => {
  const directory = await tempDir(t)
  const a = await startNode(t, { listen: ['/ip4/127.0.0.1/tcp/47322'] }, directory)
  const b = await startNode(t, { bootstrap: ['/ip4/127.0.0.1/tcp/47322'] })
  await trunks(b, 1)
  await a.stop()
  await trunks(b, 0)
  const again = await startNode(t, { listen: ['/ip4/127.0.0.1/tcp/47322'] }, directory)
  assert.equal(again.peerId, a.peerId)
  await trunks(b, 1)
})

test('two nodes that dial each other at once end with one trunk', async (t) => {
  const [a, b] = await Promise.all([
    startNode(t, { listen: ['/ip4/127.0.0.1/tcp/47323'], bootstrap: ['/ip4/127.0.0.1/tcp/47324'] }),
    startNode(t, { listen: ['/ip4/127.0.0.1/tcp/47324'], bootstrap: ['/ip4/127.0.0.1/tcp/47323'] }),
  ])
  await join(a, VLAN)
  await join(b, VLAN)
  await Promise.all([trunks(a, 1), trunks(b, 1)])
  await Promise.all([
    membersOf(a, VLAN, (members) => members.length === 1),
    membersOf(b, VLAN, (members) => members.length === 1),
  ])
  const arrived = nextRecord(b)
  sendRecord(a, [b.nodeId], recordFrom(a.nodeId, VLAN))
  assert.equal((await arrived).from, a.nodeId)
})

test('a node whose trunks are all in use refuses another and says why', async (t) => {
  const a = await startNode(t, { connectionLimit: 1 })
  const b = await startNode(t, { bootstrap: [a.address] })
  await trunks(b, 1)
  const late = await startNode(t, { bootstrap: [a.address] })
  const { peers } = await until(
    () => late.cliBus.request('trunk.peers', {}),
    ({ peers }) => peers[0]?.state === 'refused',
  )
  assert.match(peers[0]!.lastError!, /limit: all 1 trunks/)
  await trunks(b, 1)
})

test('a VLAN made on one node is found by its id on another, with the same record', async (t) => {
  const a = await startNode(t)
  const b = await startNode(t, { bootstrap: [a.address] })
  await trunks(b, 1)
  const made = await a.cliBus.request('directory.create', {
    name: 'office',
    subnet4: '10.9.0.0/24',
    mtu: 1300,
  })
  const found = await b.cliBus.request('directory.resolve', { vlan: made.ref, timeoutMs: 5_000 })
  assert.deepEqual(found, { ...made, owned: false })
  assert.equal((await b.cliBus.request('directory.resolve', { vlan: 'office' })).id, made.id)
})

test('a VLAN that nobody knows, a name that nobody has, a bent id and a doubled name get their own errors', async (t) => {
  const a = await startNode(t)
  const ask = (vlan: string) => a.cliBus.request('directory.resolve', { vlan, timeoutMs: 20 })
  const made = await a.cliBus.request('directory.create', { name: 'office' })
  await a.cliBus.request('directory.create', { name: 'office' })
  await assert.rejects(ask('ef'.repeat(16)), withCode('ERR_VLAN_NOT_FOUND'))
  await assert.rejects(ask('garage'), withCode('ERR_VLAN_NOT_FOUND'))
  const bent = `${made.ref.slice(0, -1)}${made.ref.endsWith('a') ? 'e' : 'a'}`
  await assert.rejects(ask(bent), withCode('ERR_VLAN_ID_INVALID'))
  await assert.rejects(ask(made.ref.slice(0, -1)), withCode('ERR_VLAN_ID_INVALID'))
  await assert.rejects(ask('office'), withCode('ERR_VLAN_NAME_AMBIGUOUS'))
})

test('key and VLANs outlive a restart; a damaged key file is refused, never replaced in silence', async (t) => {
  const directory = await tempDir(t)
  const first = await startNode(t, {}, directory)
  const made = await first.cliBus.request('directory.create', { name: 'office' })
  await first.stop()
  const second = await startNode(t, {}, directory)
  assert.equal(second.peerId, first.peerId)
  assert.deepEqual((await second.cliBus.request('directory.list', {})).vlans, [made])
  await second.stop()
  await writeFile(joinPath(directory, 'node-key.json'), '{}')
  await assert.rejects(startNode(t, {}, directory), withCode('ERR_STATE_DAMAGED'))
})

test('a taken port is named', async (t) => {
  await startNode(t, { listen: ['/ip4/127.0.0.1/tcp/47325'] })
  await assert.rejects(startNode(t, { listen: ['/ip4/127.0.0.1/tcp/47325'] }), withCode('ERR_PORT_TAKEN'))
})

test('trunks keep off the VLANs that they carry', async (t) => {
  const a = await startNode(t)
  await a.switchBus.publish('switch.ports.changed', {
    lane: a.lane.name,
    bootNonce: '0'.repeat(16),
    subnets: ['127.0.0.0/8'],
  })
  const b = await startNode(t, { bootstrap: [a.address] })
  await until(
    () => b.cliBus.request('trunk.peers', {}),
    ({ peers }) => peers[0]?.lastError !== null,
  )
  await trunks(b, 0)
  assert.deepEqual((await a.cliBus.request('trunk.status', {})).addresses, [])
})

test('a subnet given by an address in it is the network of that address', async (t) => {
  const a = await startNode(t)
  const made = await a.cliBus.request('directory.create', { name: 'office', subnet4: '10.20.5.7/20' })
  assert.equal(made.subnet4, '10.20.0.0/20')
})

test('a peer that is known in two ways gets one trunk, which nothing ends', async (t) => {
  const a = await startNode(t)
  for (let round = 0; round < 5; round++) {
    const b = await startNode(t, { bootstrap: [a.address.split('/p2p/')[0]!, a.address] })
    await trunks(b, 1)
    // The second way has come to its end when nothing is being dialled any more.
    await until(
      () => b.cliBus.request('trunk.peers', {}),
      ({ peers }) => peers.every(({ state }) => state === 'connected'),
    )
    const { trunksOpened, trunksRefused, trunksLost } = b.service.running.trunks.stats
    assert.deepEqual(
      { trunksOpened, trunksRefused, trunksLost },
      { trunksOpened: 1, trunksRefused: 0, trunksLost: 0 },
    )
    await b.stop()
    await trunks(a, 0)
  }
})
