import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VlanId } from '@wakunet/interface'
import { join, membersOf, nextRecord, recordFrom, sendRecord, startNode, until } from './node.ts'

const VLAN = 'cd'.repeat(16)

test('a trunk runs over WebSocket as over TCP: records both ways, round trips, an orderly end', async (t) => {
  const b = await startNode(t, { listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
  assert.match(b.address, /\/tcp\/\d+\/ws\/p2p\//)
  const a = await startNode(t, { bootstrap: [b.address], listen: [] })
  await Promise.all([join(a, VLAN), join(b, VLAN)])
  await Promise.all([a, b].map((node) => membersOf(node, VLAN, (members) => members.length === 1)))
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const arrived = nextRecord(to)
    sendRecord(from, [to.nodeId], recordFrom(from.nodeId, VLAN as VlanId))
    assert.equal((await arrived).from, from.nodeId)
  }
  const { peers } = await until(
    () => a.cliBus.request('trunk.peers', {}),
    (answer) => answer.peers[0]?.rttMs !== null,
  )
  assert.match(peers[0]!.address!, /\/ws\//)
  await b.stop()
  await membersOf(a, VLAN, (members) => members.length === 0)
})
