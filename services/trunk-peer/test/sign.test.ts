import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { test } from 'node:test'
import { nodeIdFromPublicKey, vlanIdToBytes } from '@wakunet/identity'
import { type VlanId, WakunetError } from '@wakunet/interface'
import { announcedAddresses } from '../src/own-addresses.ts'
import { startNode, type TestNode, until } from './node.ts'

const VLAN = 'ab'.repeat(16)
const PAYLOAD = Buffer.from('a member announcement')

function holds(publicKey: string, message: Uint8Array, signature: string): boolean {
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey, 'base64').toString('base64url') },
    format: 'jwk',
  })
  return verify(null, message, key, Buffer.from(signature, 'base64'))
}

const sign = (node: TestNode, payload: Uint8Array) =>
  node.switchBus.request('trunk.sign', {
    purpose: 'vlan-member',
    vlanId: VLAN,
    payload: Buffer.from(payload).toString('base64'),
  })

test("a switch gets a signature of the node's key over domain, VLAN and payload, and over nothing else", async (t) => {
  const node = await startNode(t)
  const { publicKey, signature } = await sign(node, PAYLOAD)
  assert.equal(nodeIdFromPublicKey(Buffer.from(publicKey, 'base64')), node.nodeId)
  const domain = Buffer.from('wakunet vlan member v1\0')
  const vlan = vlanIdToBytes(VLAN as VlanId)
  assert.ok(holds(publicKey, Buffer.concat([domain, vlan, PAYLOAD]), signature))
  assert.ok(!holds(publicKey, PAYLOAD, signature))
  const otherVlan = vlanIdToBytes('cd'.repeat(16) as VlanId)
  assert.ok(!holds(publicKey, Buffer.concat([domain, otherVlan, PAYLOAD]), signature))
})

test('32 KiB are signed, more is refused, and so are another purpose and what is no base64', async (t) => {
  const node = await startNode(t)
  await sign(node, new Uint8Array(32_768))
  const invalid = (error: unknown) =>
    error instanceof WakunetError && error.code === 'ERR_BUS_INVALID_PAYLOAD'
  await assert.rejects(sign(node, new Uint8Array(32_770)), invalid)
  const request = { purpose: 'vlan-member', vlanId: VLAN, payload: '' } as const
  await assert.rejects(
    node.switchBus.request('trunk.sign', { ...request, purpose: 'vlan-record' as 'vlan-member' }),
    invalid,
  )
  await assert.rejects(node.switchBus.request('trunk.sign', { ...request, payload: '\0' }), invalid)
})

test('nobody but a switch may have anything signed', async (t) => {
  const node = await startNode(t)
  await assert.rejects(
    node.cliBus.request('trunk.sign', { purpose: 'vlan-member', vlanId: VLAN, payload: '' }),
    (error) => error instanceof WakunetError && error.code === 'ERR_BUS_NOT_PERMITTED',
  )
})

test('addresses of the node are told without its peer id when a switch announces itself', async (t) => {
  const node = await startNode(t)
  const told: string[][] = []
  node.switchBus.subscribe('trunk.addresses.changed', ({ addresses }) => told.push([...addresses]))
  await node.switchBus.request('trunk.membership.set', { lane: node.lane.name, memberships: [] })
  await until(
    async () => told,
    (all) => all.length > 0,
  )
  assert.deepEqual(told.at(-1), [node.address.replace(`/p2p/${node.peerId}`, '')])
})

test('at most eight addresses are told, none of them long or doubled, without the own peer id', () => {
  const many = Array.from({ length: 20 }, (_, i) => `/ip4/192.0.2.${i}/tcp/4740/p2p/me`)
  assert.deepEqual(
    announcedAddresses(
      [
        many[0]!,
        many[0]!,
        `/dns/${'x'.repeat(120)}/tcp/4740`,
        '/ip4/192.0.2.9/tcp/1/p2p/relay/p2p-circuit/p2p/me',
        ...many.slice(1),
      ],
      'me',
    ),
    [many[0]!, '/ip4/192.0.2.9/tcp/1/p2p/relay/p2p-circuit', ...many.slice(1, 7)].map((address) =>
      address.replace('/p2p/me', ''),
    ),
  )
})
