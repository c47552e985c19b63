import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import type { TrunkPathInfo } from '@wakunet/bus'
import { WakunetError } from '@wakunet/interface'
import type { TrunkPeerConfig } from '../src/index.ts'
import { join, nextRecord, recordFrom, sendRecord, startNode, type TestNode, until } from './node.ts'

const VLAN = 'a1'.repeat(16)

/** Two members of one VLAN, with a trunk between them. */
async function pair(
  t: TestContext,
  ours: Partial<TrunkPeerConfig> = {},
  theirs: Partial<TrunkPeerConfig> = {},
): Promise<{ a: TestNode; b: TestNode }> {
  const b = await startNode(t, theirs)
  const a = await startNode(t, { ...ours, bootstrap: [b.address] })
  await join(a, VLAN)
  await join(b, VLAN)
  await until(
    () => a.switchBus.request('trunk.members.get', { vlanId: VLAN }),
    ({ members }) => members.length === 1,
  )
  await until(
    () => b.switchBus.request('trunk.members.get', { vlanId: VLAN }),
    ({ members }) => members.length === 1,
  )
  return { a, b }
}

/** The path of the one trunk of a node, as soon as it is as wanted. */
function path(node: TestNode, wanted: (path: TrunkPathInfo) => boolean): Promise<TrunkPathInfo> {
  const look = async () => (await node.cliBus.request('trunk.peers', {})).peers[0]?.path ?? null
  return until(look, (found) => found !== null && wanted(found)) as Promise<TrunkPathInfo>
}

async function exchange(from: TestNode, to: TestNode, sequence: number): Promise<void> {
  const arrived = nextRecord(to)
  const record = recordFrom(from.nodeId, VLAN, sequence)
  sendRecord(from, [to.nodeId], record)
  assert.deepEqual(Buffer.from((await arrived).record), Buffer.from(record))
}

const datagrams = (fields: Partial<TrunkPeerConfig['datagram']>) => ({
  datagram: { enabled: true, listen: [], cipher: 'auto' as const, ...fields },
})

test('records of a trunk go by datagram soon, both ways, and both sides say so', async (t) => {
  const { a, b } = await pair(t)
  await path(a, ({ carrier, trouble }) => carrier === 'stream' && trouble === null)
  await path(b, ({ trouble }) => trouble === null)
  for (let sequence = 1; sequence <= 5; sequence++) {
    await exchange(a, b, sequence)
    await exchange(b, a, sequence)
  }
  const found = await path(a, ({ carrier }) => carrier === 'datagram')
  assert.match(found.address ?? '', /^127\.0\.0\.1:\d+$/)
  assert.equal(found.recordsSent, 5)
  assert.equal(found.recordsReceived, 5)
  assert.match(found.cipher ?? '', /gcm|poly/)
  assert.ok(found.datagramBytes >= 1_200)
})

for (const [why, ours, theirs, expected] of [
  ['it is off here', { enabled: false }, {}, ['off', 'peer-off']],
  ['it is off there', {}, { enabled: false }, ['peer-off', 'off']],
  ['no cipher is in common', { cipher: 'aes-128-gcm' }, { cipher: 'aes-256-gcm' }, ['cipher', 'cipher']],
] as const)
  test(`where ${why}, records go by stream and the reason is told on both sides`, async (t) => {
    const { a, b } = await pair(t, datagrams(ours), datagrams(theirs))
    await exchange(a, b, 1)
    await exchange(b, a, 1)
    await path(a, ({ trouble, carrier }) => trouble === expected[0] && carrier === 'stream')
    await path(b, ({ trouble, carrier }) => trouble === expected[1] && carrier === 'stream')
  })

for (const cipher of ['aes-128-gcm', 'aes-256-gcm', 'chacha20-poly1305'] as const)
  test(`${cipher} is used where it is asked for`, async (t) => {
    const { a, b } = await pair(t, datagrams({ cipher }))
    await path(a, ({ address }) => address !== null)
    await exchange(a, b, 1)
    assert.equal((await path(b, (found) => found.cipher !== null)).cipher, cipher)
  })

/** A UDP port that somebody else has. */
async function takenPort(t: TestContext): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  t.after(() => socket.close())
  await once(socket, 'listening')
  return socket.address().port
}

test('a configured UDP port that is taken is an error that says what to do', async (t) => {
  const port = await takenPort(t)
  await assert.rejects(
    startNode(t, datagrams({ listen: [`/ip4/127.0.0.1/udp/${port}`] })),
    (error) =>
      error instanceof WakunetError &&
      error.code === 'ERR_PORT_TAKEN' &&
      /trunk\.datagram\.listen/.test(error.message),
  )
})

test('where nobody has asked for the port another one is taken, and peers learn of it', async (t) => {
  const port = await takenPort(t)
  const b = await startNode(t, { listen: [`/ip4/127.0.0.1/tcp/${port}`] })
  assert.notEqual(b.service.running.datagrams.port, port)
  const a = await startNode(t, { bootstrap: [b.address] })
  await path(a, ({ address }) => address === `127.0.0.1:${b.service.running.datagrams.port}`)
})

test('keys are renewed while records go on', async (t) => {
  const { a, b } = await pair(t)
  await path(a, ({ address }) => address !== null)
  await path(b, ({ address }) => address !== null)
  const [trunk] = [...a.service.running.trunks.up()]
  const before = trunk!.path.datagram!.stats.sendCounter
  await exchange(a, b, 1)
  a.skip(150_000)
  await until(
    async () => trunk!.path.datagram!.stats.sendCounter,
    (counter) => counter < before + 1,
  )
  await exchange(a, b, 2)
  await exchange(b, a, 2)
  const { notAuthentic, pathsLost } = b.service.running.datagrams.totals
  assert.deepEqual([notAuthentic, pathsLost], [0, 0])
})
