import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { VlanInfo } from '@wakunet/bus'
import { tempDir } from '@wakunet/testing'
import { join, startNode, type TestNode, until } from './node.ts'

/** Resolves with the next `directory.changed` of a node. */
function nextChange(node: TestNode): Promise<VlanInfo> {
  return new Promise((resolve) => {
    const subscription = node.switchBus.subscribe('directory.changed', ({ vlan }) => {
      subscription.unsubscribe()
      resolve(vlan)
    })
  })
}

/** Three nodes in a line, the first of which made the VLAN; the ends have no trunk to each other. */
async function line(t: TestContext): Promise<{ nodes: [TestNode, TestNode, TestNode]; made: VlanInfo }> {
  const a = await startNode(t)
  const b = await startNode(t, { bootstrap: [a.address] })
  const c = await startNode(t, { bootstrap: [b.address] })
  await until(
    () => b.cliBus.request('trunk.status', {}),
    ({ peersConnected }) => peersConnected === 2,
  )
  const made = await a.cliBus.request('directory.create', { name: 'lab', subnet4: '10.9.0.0/24' })
  for (const node of [b, c])
    await node.cliBus.request('directory.resolve', { vlan: made.ref, timeoutMs: 5_000 })
  return { nodes: [a, b, c], made }
}

test("an edit of the owner's reaches members beyond the next one, and their switches", async (t) => {
  const { nodes, made } = await line(t)
  const [a, b, c] = nodes
  for (const node of nodes) await join(node, made.id)
  const changes = [a, b, c].map(nextChange)
  const edited = await a.cliBus.request('directory.edit', { vlan: 'lab', leaseSeconds: 600 })
  assert.equal(edited.sequence, 2)
  const [own, ...others] = await Promise.all(changes)
  assert.deepEqual(own, edited)
  for (const other of others) assert.deepEqual(other, { ...edited, owned: false })
  assert.deepEqual((await c.cliBus.request('directory.resolve', { vlan: 'lab' })).leaseSeconds, 600)
})

test('an owner that has not joined sends the newer record to members, who tell the rest', async (t) => {
  const { nodes, made } = await line(t)
  const [a, b, c] = nodes
  for (const node of [b, c]) await join(node, made.id)
  await until(
    () => a.cliBus.request('trunk.peers', {}),
    ({ peers }) => peers[0]?.vlans.length === 1,
  )
  const changes = [b, c].map(nextChange)
  await a.cliBus.request('directory.edit', { vlan: 'lab', dns: ['10.9.0.53'] })
  for (const { dns } of await Promise.all(changes)) assert.deepEqual(dns, ['10.9.0.53'])
})

test('a member that was away meets the newer record when it comes back', async (t) => {
  const a = await startNode(t)
  const made = await a.cliBus.request('directory.create', { name: 'lab' })
  await join(a, made.id)
  const directory = await tempDir(t)
  const before = await startNode(t, { bootstrap: [a.address] }, directory)
  await before.cliBus.request('directory.resolve', { vlan: made.ref, timeoutMs: 5_000 })
  await before.stop()
  await a.cliBus.request('directory.edit', { vlan: 'lab', leaseSeconds: 900 })
  const after = await startNode(t, { bootstrap: [a.address] }, directory)
  await join(after, made.id)
  await until(
    () => after.cliBus.request('directory.resolve', { vlan: 'lab' }),
    ({ leaseSeconds }) => leaseSeconds === 900,
  )
})
