import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { RequestOf } from '@wakunet/bus'
import type { NodeId } from '@wakunet/interface'
import { TrunkUsage } from '../src/trunk-usage.ts'
import { join, membersOf, startNode, type TestNode, until } from './node.ts'

const VLAN = 'ab'.repeat(16)

const ask = (from: TestNode, to: TestNode, fields: Partial<RequestOf<'trunk.shortcut'>> = {}) =>
  from.switchBus.request('trunk.shortcut', {
    vlanId: VLAN,
    nodeId: to.nodeId,
    addresses: [to.address.replace(`/p2p/${to.peerId}`, '')],
    ...fields,
  })

const trunks = (node: TestNode, count: number) =>
  until(
    () => node.cliBus.request('trunk.status', {}),
    ({ peersConnected }) => peersConnected === count,
  )

/** What the switch of a node says it uses; resolves when trunk-peer has heard it. */
async function tellUse(
  node: TestNode,
  trunks: { nodeId: NodeId; tree?: boolean; bytesPerSecond?: number }[],
) {
  const filled = trunks.map((trunk) => ({ tree: false, bytesPerSecond: 0, ...trunk }))
  node.switchBus.publish('switch.trunks.used', { lane: node.lane.name, trunks: filled })
  await until(
    async () => node.service.usage,
    (usage) =>
      usage.tells(node.lane.name, node.monotonicMs()) &&
      filled.every((use) => usage.of(use.nodeId)?.bytesPerSecond === use.bytesPerSecond) &&
      filled.every((use) => usage.of(use.nodeId)?.tree === use.tree),
  )
}

/** Nodes in the VLAN; the first has a trunk to the second as configured, and no other. */
async function startNodes(t: TestContext, count: number, connectionLimit = 64): Promise<TestNode[]> {
  const others = await Promise.all(Array.from({ length: count - 1 }, () => startNode(t)))
  const first = await startNode(t, { bootstrap: [others[0]!.address], connectionLimit })
  for (const node of [first, ...others]) await join(node, VLAN)
  await trunks(first, 1)
  return [first, ...others]
}

test('a switch gets a direct trunk to a member by its announced addresses; asking again changes nothing', async (t) => {
  const [a, , c] = (await startNodes(t, 3)) as [TestNode, TestNode, TestNode]
  assert.deepEqual(await ask(a, c), { outcome: 'dialling', reason: null })
  assert.deepEqual(await ask(a, c), { outcome: 'dialling', reason: null })
  await membersOf(a, VLAN, (members) => members.some(({ nodeId }) => nodeId === c.nodeId))
  assert.deepEqual(await ask(a, c), { outcome: 'up', reason: null })
  assert.equal(a.service.running.mesh.shortcuts.size, 1)
  const { peers } = await a.cliBus.request('trunk.peers', {})
  assert.deepEqual(peers.find(({ peerId }) => peerId === c.peerId)?.sources, ['vlan'])
})

test('another node at the address of a member gets no trunk and is counted; the member is left alone for a while', async (t) => {
  const [a, b, c] = (await startNodes(t, 3)) as [TestNode, TestNode, TestNode]
  const liar = { ...c, nodeId: 'ee'.repeat(16) as NodeId }
  await ask(a, liar)
  const { stats } = a.service.running.mesh.shortcuts
  await until(
    async () => stats.wrongNode,
    (count) => count === 1,
  )
  await until(
    async () => stats.failed,
    (count) => count === 1,
  )
  assert.deepEqual(await ask(a, liar), { outcome: 'refused', reason: 'failedLately' })
  // The address of a peer that has a trunk: the connection is that trunk's and stays.
  await ask(a, { ...b, nodeId: 'dd'.repeat(16) as NodeId })
  await until(
    async () => stats.wrongNode,
    (count) => count === 2,
  )
  await trunks(a, 1)
})

test('what is not ours to dial is refused with its reason', async (t) => {
  const [a, , c] = (await startNodes(t, 3)) as [TestNode, TestNode, TestNode]
  const reason = async (fields: Partial<RequestOf<'trunk.shortcut'>>) => (await ask(a, c, fields)).reason
  assert.equal(await reason({ vlanId: 'cd'.repeat(16) }), 'notJoined')
  assert.equal(await reason({ nodeId: a.nodeId }), 'self')
  assert.equal(await reason({ addresses: ['/dns/localhost/tcp/4740', '/ip4/10.0.0.1/tcp/1'] }), 'noAddress')
  const { refusals } = a.service.running.mesh.shortcuts
  assert.deepEqual([refusals.notJoined, refusals.self, refusals.noAddress], [1, 1, 1])
})

test('dials are bounded at a time and in rate', async (t) => {
  const a = await startNode(t)
  await join(a, VLAN)
  const outcomes: (string | null)[] = []
  for (let i = 0; i < 40; i++) {
    const nodeId = i.toString(16).padStart(32, '0') as NodeId
    // Nobody listens there: refused at once, so that dials at a time do not bound it.
    const request = { vlanId: VLAN, nodeId, addresses: ['/ip4/127.0.0.1/tcp/1'] }
    outcomes.push((await a.switchBus.request('trunk.shortcut', request)).reason)
    if (i % 3 === 0)
      await until(
        async () => a.service.running.mesh.shortcuts.stats,
        ({ dialled, failed }) => dialled === failed,
      )
  }
  assert.ok(a.service.running.mesh.shortcuts.stats.dialled <= 10, 'a burst of 8, and what a second gives')
  assert.ok(outcomes.includes('rate'))
})

test('a full node closes its least useful trunk for a busy pair: not a configured one, not one of a tree, not a young one', async (t) => {
  const [a, b, c, d] = (await startNodes(t, 4, 2)) as [TestNode, TestNode, TestNode, TestNode]
  await ask(a, c)
  await trunks(a, 2)
  // A switch that says nothing may need every trunk to a member.
  assert.equal((await ask(a, d, { bytesPerSecond: 1e6 })).reason, 'full')
  await tellUse(a, [{ nodeId: b.nodeId, tree: true }])
  assert.equal((await ask(a, d, { bytesPerSecond: 1e6 })).reason, 'full', 'it is young')
  a.skip(31_000)
  await tellUse(a, [{ nodeId: c.nodeId, bytesPerSecond: 900_000 }])
  assert.equal((await ask(a, d, { bytesPerSecond: 1e6 })).reason, 'full', 'it carries as much')
  await tellUse(a, [{ nodeId: c.nodeId, tree: true }])
  assert.equal((await ask(a, d, { bytesPerSecond: 1e6 })).reason, 'full', 'it is part of a tree')
  await tellUse(a, [{ nodeId: c.nodeId, bytesPerSecond: 1_000 }])
  assert.equal((await ask(a, d, { bytesPerSecond: 1e6 })).outcome, 'dialling')
  await membersOf(a, VLAN, (members) => members.some(({ nodeId }) => nodeId === d.nodeId))
  await trunks(c, 0)
  await trunks(b, 1)
  assert.equal(a.service.running.mesh.shortcuts.stats.gaveWay, 1)
})

test('a member whose trunks are all in use refuses, and is not asked again soon', async (t) => {
  const a = await startNode(t)
  const full = await startNode(t, { connectionLimit: 1 })
  await startNode(t, { bootstrap: [full.address] })
  await join(a, VLAN)
  await trunks(full, 1)
  await ask(a, full)
  await until(
    async () => a.service.running.mesh.shortcuts.stats.failed,
    (count) => count === 1,
  )
  assert.deepEqual(await ask(a, full), { outcome: 'refused', reason: 'failedLately' })
})

test('a shortcut is closed when it has carried nothing for a minute, and nobody dials it again', async (t) => {
  const [a, b, c] = (await startNodes(t, 3)) as [TestNode, TestNode, TestNode]
  await ask(a, c)
  await trunks(a, 2)
  a.skip(61_000)
  const { shortcuts } = a.service.running.mesh
  shortcuts.tick()
  assert.equal(shortcuts.stats.closedIdle, 0, 'nobody has said that it is not used')
  await tellUse(a, [{ nodeId: b.nodeId, tree: true }])
  shortcuts.tick()
  await trunks(a, 1)
  await trunks(c, 0)
  assert.equal(shortcuts.stats.closedIdle, 1)
  const { peers } = await c.cliBus.request('trunk.peers', {})
  assert.match(peers[0]!.lastError!, /idle|no frames/)
  assert.equal(peers[0]!.retryInMs, null)
})

test('what a switch does not repeat is forgotten, and what peers without trunk had with it', () => {
  const usage = new TrunkUsage()
  const peer = 'aa'.repeat(16) as NodeId
  usage.set({ lane: 'one', trunks: [{ nodeId: peer, tree: true, bytesPerSecond: 5 }] }, 0)
  usage.set({ lane: 'two', trunks: [{ nodeId: peer, tree: false, bytesPerSecond: 7 }] }, 10_000)
  assert.deepEqual(usage.of(peer), { tree: true, bytesPerSecond: 12, usefulAtMs: 10_000 })
  usage.expire(31_000, () => true)
  assert.deepEqual(usage.of(peer), { tree: false, bytesPerSecond: 7, usefulAtMs: 31_000 })
  usage.expire(60_000, () => true)
  assert.equal(usage.tells('two', 60_000), false)
  assert.equal(usage.of(peer)?.bytesPerSecond, 0)
  usage.expire(60_000, () => false)
  assert.equal(usage.of(peer), undefined)
})
