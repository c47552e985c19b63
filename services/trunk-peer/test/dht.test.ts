import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createVlanKey, signVlanRecord, vlanIdFromPublicKey } from '@wakunet/identity'
import type { VlanId } from '@wakunet/interface'
import { vlanRecordKey } from '../src/discovery/vlan-keys.ts'
import { startNode, type TestNode, until } from './node.ts'

const VLAN = 'ab'.repeat(16) as VlanId

const dhtOf = (node: TestNode) => node.service.running.discovery.dht

/** Nodes that know the first alone, in one DHT. */
async function startNodes(t: TestContext, count: number): Promise<TestNode[]> {
  const first = await startNode(t)
  const others = await Promise.all(
    Array.from({ length: count - 1 }, () => startNode(t, { bootstrap: [first.address] })),
  )
  const nodes = [first, ...others]
  for (const node of nodes)
    await until(
      async () => dhtOf(node).size,
      (size) => size >= 1,
    )
  return nodes
}

/** A record that is signed and holds. */
function record(sequence: number, seed = 7): { id: VlanId; encoded: Uint8Array } {
  const { privateKey, publicKey } = createVlanKey(new Uint8Array(32).fill(seed))
  const encoded = signVlanRecord(
    {
      name: 'lan',
      description: '',
      policy: 'open',
      subnet4: '10.20.0.0/20',
      subnet6: 'fd12:3456:789a:1::/64',
      mtu: 1400,
      sequence,
      issuedAtMs: 1_000 * sequence,
    },
    privateKey,
  )
  return { id: vlanIdFromPublicKey(publicKey), encoded }
}

test('on a network without public addresses every node serves the table; by configuration none does, or only asks', async (t) => {
  const server = await startNode(t)
  const client = await startNode(t, { dht: 'client', bootstrap: [server.address] })
  const off = await startNode(t, { dht: 'off', bootstrap: [server.address] })
  await until(
    async () => [dhtOf(server).mode, dhtOf(client).mode, dhtOf(off).mode],
    (modes) => modes.join() === 'server,client,off',
  )
  await until(
    async () => dhtOf(client).size,
    (size) => size === 1,
  )
  assert.equal(dhtOf(server).size, 0, 'a client is in nobody its table')
  assert.deepEqual(await dhtOf(off).findProviders(VLAN), [])
})

test('a member finds a member that it never heard of; a blinded key is another one', async (t) => {
  const [, b, c] = (await startNodes(t, 4)) as [TestNode, TestNode, TestNode]
  assert.ok((await dhtOf(b).provide(VLAN)) > 0)
  const found = await dhtOf(c).findProviders(VLAN)
  assert.deepEqual(
    found.map(({ peerId }) => peerId),
    [b.peerId],
  )
  assert.ok(found[0]!.addresses.some((address) => b.address.startsWith(address)))
  assert.deepEqual(await dhtOf(b).findProviders(VLAN), [], 'itself it need not find')
  const blind = new Uint8Array(32).fill(3)
  assert.deepEqual(await dhtOf(c).findProviders(VLAN, { blind }), [])
  await dhtOf(b).provide(VLAN, { blind })
  assert.equal((await dhtOf(c).findProviders(VLAN, { blind })).length, 1)
})

test('the record with the highest sequence is found; one that does not hold is neither sent nor kept', async (t) => {
  const [a, b, c] = (await startNodes(t, 4)) as [TestNode, TestNode, TestNode]
  const [first, second] = [record(1), record(2)]
  const key = vlanRecordKey(first.id)
  assert.equal(await dhtOf(c).get(key, { timeoutMs: 2_000 }), null)
  assert.ok((await dhtOf(b).put(key, first.encoded)) > 0)
  assert.deepEqual(await dhtOf(c).get(key), first.encoded)
  assert.ok((await dhtOf(a).put(key, second.encoded)) > 0)
  assert.deepEqual(await dhtOf(c).get(key), second.encoded)

  const forged = Uint8Array.from(second.encoded)
  forged[forged.length - 1]! ^= 1
  await assert.rejects(dhtOf(b).put(key, forged))
  await assert.rejects(dhtOf(b).put(vlanRecordKey(VLAN), second.encoded), /another VLAN/)
  await assert.rejects(dhtOf(b).put('/pk/x', second.encoded))
})
