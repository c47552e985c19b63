import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { VlanId } from '@wakunet/interface'
import type { TrunkPeerConfig } from '../src/index.ts'
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

/** Two members with trunks to a peer that is none, and to nobody else; both have asked it who else there is. */
async function startTriangle(
  t: TestContext,
  member: Partial<TrunkPeerConfig>,
  common: Partial<TrunkPeerConfig> = {},
): Promise<[TestNode, TestNode, TestNode]> {
  const b = await startNode(t, common)
  const [a, c] = await Promise.all([
    startNode(t, { bootstrap: [b.address], ...member }),
    startNode(t, { bootstrap: [b.address], ...member }),
  ])
  await Promise.all([join(a, VLAN), join(c, VLAN)])
  // B has heard of both memberships, and identify of both has told their addresses.
  await until(
    async () => b.service.memberships.peersOf(VLAN as VlanId).length,
    (count) => count === 2,
  )
  for (const { peerId, address } of [a, c])
    await until(
      () => b.service.running.host.peerStore.get(peerIdFromString(peerId)),
      ({ addresses }) => addresses.length > 0 || address === undefined,
    )
  return [a, b, c]
}

const haveEachOther = (a: TestNode, c: TestNode) =>
  Promise.all([
    membersOf(a, VLAN, (members) => members.some(({ nodeId }) => nodeId === c.nodeId)),
    membersOf(c, VLAN, (members) => members.some(({ nodeId }) => nodeId === a.nodeId)),
  ])

/** Time in which peers are asked, tried, and tried again. */
function hasten(...nodes: TestNode[]): void {
  for (const node of nodes) node.skip(61_000)
}

test('members with a common peer that is none find each other and have a direct trunk', async (t) => {
  const [a, b, c] = await startTriangle(t, {})
  hasten(a, c)
  await haveEachOther(a, c)
  const { peers } = await a.cliBus.request('trunk.peers', {})
  const direct = peers.find(({ peerId }) => peerId === c.peerId)!
  assert.doesNotMatch(direct.address!, /p2p-circuit/)
  assert.ok(b.service.running.mesh.vlanPeers.stats.answered >= 1)
})

test('members whom nobody can dial have a trunk over the common peer, and records pass both ways', async (t) => {
  const [a, b, c] = await startTriangle(t, { listen: [] })
  hasten(a, c)
  // Who dials may come before the reservation, and tries again after 2 s.
  await haveEachOther(a, c)
  const { peers } = await a.cliBus.request('trunk.peers', {})
  assert.match(peers.find(({ peerId }) => peerId === c.peerId)!.address!, /p2p-circuit/)
  for (const [from, to] of [
    [a, c],
    [c, a],
  ] as const) {
    const record = recordFrom(from.nodeId, VLAN)
    const arrived = nextRecord(to)
    sendRecord(from, [to.nodeId], record)
    const got = await arrived
    assert.equal(got.from, from.nodeId)
    assert.deepEqual(Buffer.from(got.record), Buffer.from(record))
  }
  assert.equal(b.service.relay.stats.recordsFromTrunk, 0)
})

test('a relay connects members of one VLAN alone, and a member takes relayed connections that it expects alone', async (t) => {
  const [a, b, c] = await startTriangle(t, { listen: [] })
  hasten(a, c)
  await haveEachOther(a, c)
  // The one with the higher node id is the one with a reservation.
  const reserved = a.nodeId > c.nodeId ? a : c
  const stranger = await startNode(t, { bootstrap: [b.address], listen: [] })
  await until(
    () => stranger.cliBus.request('trunk.status', {}),
    ({ peersConnected }) => peersConnected === 1,
  )
  const dial = () =>
    stranger.service.running.host.dial(multiaddr(`${b.address}/p2p-circuit/p2p/${reserved.peerId}`))
  await assert.rejects(dial(), /PERMISSION_DENIED/)
  await join(stranger, VLAN)
  await until(
    async () => b.service.memberships.peersOf(VLAN as VlanId).length,
    (count) => count === 3,
  )
  await assert.rejects(dial())
  assert.equal(reserved.service.running.mesh.relayed.stats.unexpected, 1)
})

test('what the switch reaches anyway is left alone', async (t) => {
  const [a, , c] = await startTriangle(t, {})
  for (const node of [a, c]) node.switchBus.respond('switch.reach', () => ({ unreached: [] }))
  hasten(a, c)
  await until(
    async () => a.service.running.mesh.vlanPeers.stats,
    ({ asked }) => asked === 1,
  )
  await new Promise((resolve) => a.switchBus.request('trunk.status', {}).then(resolve))
  assert.equal(a.service.running.mesh.shortcuts.stats.asked, 0)
})

test('a peer that does not relay connects nobody', async (t) => {
  const [a, , c] = await startTriangle(t, { listen: [] }, { relay: 'off' })
  hasten(a, c)
  await until(
    async () => [a, c].map((node) => node.service.running.mesh.relayed.stats.failed),
    ([one, other]) => one! >= 1 && other! >= 1,
  )
  assert.deepEqual(await a.cliBus.request('trunk.members.get', { vlanId: VLAN }), { members: [] })
})

test('only members are told who is in a VLAN, not too often, and answers to nothing are ignored', async (t) => {
  const [a, b] = await startTriangle(t, {})
  const toB = a.service.running.trunks.get(b.nodeId)!
  const { stats } = b.service.running.mesh.vlanPeers
  toB.sendControl({ type: 'vlan-peers-request', vlan: Buffer.alloc(16, 0xcd) })
  await until(
    async () => stats.requestsIgnored,
    (ignored) => ignored === 1,
  )
  for (let i = 0; i < 60; i++) toB.sendControl({ type: 'vlan-peers-request', vlan: Buffer.alloc(16, 0xab) })
  await until(
    async () => stats.requestsIgnored,
    (ignored) => ignored >= 25,
  )
  toB.sendControl({ type: 'vlan-peers', vlan: Buffer.alloc(16, 0xab), peers: [] })
  await until(
    async () => stats.answersIgnored,
    (ignored) => ignored === 1,
  )
  assert.ok(toB.up)
})
