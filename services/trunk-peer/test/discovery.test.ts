import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as pathJoin } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { VlanId } from '@wakunet/interface'
import type { TrunkPeerConfig } from '../src/index.ts'
import { join, startNode, type TestNode, until } from './node.ts'

const VLAN = 'ab'.repeat(16) as VlanId
/** What is shown here is shown without the table. */
const NO_TABLE = { dht: 'off' } as const

const storeOf = (node: TestNode) => node.service.running.discovery.peers.store
const running = (node: TestNode) => node.service.running.discovery.running
const trunksOf = (node: TestNode) => [...node.service.running.trunks.up()].map(({ peerId }) => peerId)
const hasTrunk = (node: TestNode, to: TestNode) =>
  until(
    async () => trunksOf(node),
    (peerIds) => peerIds.includes(to.peerId),
  )

async function stateDir(t: TestContext): Promise<string> {
  const directory = await mkdtemp(pathJoin(tmpdir(), 'wk-disc-'))
  t.after(() => rm(directory, { recursive: true }))
  return directory
}

/** A node with others that know it alone. */
async function star(t: TestContext, leaves: number, config: Partial<TrunkPeerConfig> = {}) {
  const centre = await startNode(t, { ...NO_TABLE, ...config })
  const others: TestNode[] = []
  for (let i = 0; i < leaves; i++) {
    const leaf = await startNode(t, { ...NO_TABLE, bootstrap: [centre.address] })
    await hasTrunk(leaf, centre)
    others.push(leaf)
  }
  return { centre, others }
}

test('members that know one common peer hear of each other and have a trunk, when they have signed their addresses', async (t) => {
  const { centre, others } = await star(t, 3)
  const [a, b, c] = others as [TestNode, TestNode, TestNode]
  for (const node of [centre, a, b, c]) await join(node, VLAN)
  await Promise.all([hasTrunk(a, b), hasTrunk(b, c), hasTrunk(c, a)])
  await until(
    async () => storeOf(a).get(c.peerId),
    (known) => known?.signed != null && known.sequence > 0 && known.vlans.includes(VLAN),
  )
  assert.ok([a, b, c].some((node) => running(node).exchange.stats.learned > 0))
})

test('a node that comes back finds its peers though the one it was told of is gone', async (t) => {
  const directory = await stateDir(t)
  const { centre, others } = await star(t, 1)
  const b = others[0]!
  const a = await startNode(t, { ...NO_TABLE, bootstrap: [centre.address] }, directory)
  for (const node of [centre, a, b]) await join(node, VLAN)
  await hasTrunk(a, b)
  await until(
    async () => storeOf(a).get(b.peerId)?.signed,
    (signed) => signed != null,
  )
  await a.stop()
  await centre.stop()
  const again = await startNode(t, NO_TABLE, directory)
  assert.ok(storeOf(again).get(b.peerId)!.answeredMs !== null)
  await hasTrunk(again, b)
})

test('a damaged file of known peers is set aside, and the node starts without', async (t) => {
  const directory = await stateDir(t)
  const { centre } = await star(t, 0)
  const a = await startNode(t, { ...NO_TABLE, bootstrap: [centre.address] }, directory)
  await hasTrunk(a, centre)
  running(a)
  storeOf(a).learn({ peerId: 'somebody', source: 'dht', addresses: ['/ip4/127.0.0.1/tcp/9'] }, Date.now())
  await a.stop()
  const path = pathJoin(directory, 'peers.json')
  await writeFile(path, (await readFile(path, 'utf8')).replace('somebody', 'somebodx'))
  const again = await startNode(t, NO_TABLE, directory)
  assert.equal(storeOf(again).get('somebody'), undefined)
  assert.equal(storeOf(again).size, 0)
})

test('a peer that has no place left tells of others before it refuses', async (t) => {
  const full = await startNode(t, { ...NO_TABLE, connectionLimit: 1 })
  const other = await startNode(t, { ...NO_TABLE, bootstrap: [full.address] })
  await hasTrunk(full, other)
  await until(
    async () => storeOf(full).get(other.peerId)?.signed,
    (signed) => signed != null,
  )
  const late = await startNode(t, { ...NO_TABLE, bootstrap: [full.address] })
  await hasTrunk(late, other)
  assert.equal(running(late).exchange.stats.forged, 0)
})

test('what nobody has signed is not believed, and answers to nothing are ignored', async (t) => {
  const { centre, others } = await star(t, 1)
  const [trunk] = others[0]!.service.running.trunks.up()
  const { exchange } = running(centre)
  await until(
    async () => exchange.stats.asked,
    (asked) => asked > 0,
  )
  await until(
    async () => running(others[0]!).exchange.stats.answered,
    (answered) => answered > 0,
  )
  const before = storeOf(centre).size
  for (let i = 0; i < 3; i++)
    trunk!.sendControl({ type: 'peers', peers: [{ record: new Uint8Array(100).fill(i), vlans: [] }] })
  await until(
    async () => exchange.stats.ignored,
    (ignored) => ignored >= 3,
  )
  for (let i = 0; i < 9; i++) trunk!.sendControl({ type: 'peers-request' })
  await until(
    async () => exchange.stats.ignored,
    (ignored) => ignored >= 3 + 5,
  )
  assert.equal(storeOf(centre).size, before)
})

test('a full node keeps a place for newcomers, and what it ends for them is not what its trees need', async (t) => {
  const { centre, others } = await star(t, 3, { connectionLimit: 4 })
  for (const node of [centre, ...others]) await join(node, VLAN)
  const ids = others.map(({ nodeId }) => nodeId)
  await until(
    async () => ids,
    (nodes) => nodes.every((nodeId) => centre.service.memberships.isMember(nodeId, VLAN)),
  )
  centre.switchBus.publish('switch.trunks.used', {
    lane: centre.lane.name,
    trunks: ids.slice(0, 2).map((nodeId) => ({ nodeId, tree: true, bytesPerSecond: 0 })),
  })
  await until(
    async () => centre.service.usage.of(ids[1]!)?.tree,
    (tree) => tree === true,
  )
  centre.skip(31_000)
  const strangers = await Promise.all(
    Array.from({ length: 6 }, () => startNode(t, { ...NO_TABLE, bootstrap: [centre.address] })),
  )
  await until(
    async () => strangers.filter((node) => node.service.book.get(centre.peerId)?.lastUpAtMs != null).length,
    (count) => count >= 1,
  )
  for (const node of others.slice(0, 2)) assert.ok(trunksOf(centre).includes(node.peerId))
  assert.ok(trunksOf(centre).length <= 4)
})
