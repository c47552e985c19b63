import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, recordingLogger } from '@wakunet/testing'
import { RelayKeeper, type RelayKeeperInit } from '../src/reach/relay-keeper.ts'
import { type TrunkEnd, trunksOf, trunkTo } from './trunk-ends.ts'

const PEER = '12D3KooWMDmsfL6VXq5gRkyvZ9edShtx2er2AmrVLdxPGEtzGGwL'
const OTHER = '12D3KooWRDhMrzQoEMrPSL5Fw3xzz3qPGnAyyd95WAU7HQ7pMUK6'
const THIRD = '12D3KooWCE8xXzcTEUYeH6iHtV7XvpuwnVAcKbV4gm3hK9YYszWT'
const settle = () => new Promise(setImmediate)

function start(ends: readonly TrunkEnd[], init: Partial<RelayKeeperInit> = {}) {
  const clock = new FakeClock()
  const asked: string[] = []
  let changes = 0
  const keeper = new RelayKeeper({
    trunks: trunksOf(ends),
    clock,
    logger: recordingLogger(),
    isNeeded: () => true,
    isConfigured: () => false,
    reserve: async (relay) => void asked.push(relay.toString()),
    onChange: () => changes++,
    ...init,
  })
  return { keeper, clock, asked, changes: () => changes }
}

test('a node that nobody can dial reserves at two public peers, configured and near ones first, and tells where', async () => {
  const ends = [
    trunkTo('/ip4/192.168.1.9/tcp/4740', { peerId: THIRD }),
    trunkTo('/ip4/92.1.1.1/tcp/4740', { peerId: THIRD, rttMs: 50 }),
    trunkTo('/ip4/93.1.1.1/tcp/4740', { peerId: OTHER, rttMs: 200 }),
    trunkTo('/ip4/94.1.1.1/tcp/4740', { peerId: PEER, rttMs: 20 }),
  ]
  const { keeper, asked, changes } = start(ends, { isConfigured: (peerId) => peerId === OTHER })
  for (let i = 0; i < 4; i++) {
    keeper.tick()
    await settle()
  }
  assert.deepEqual(asked, [OTHER, PEER])
  assert.deepEqual(keeper.addresses, [
    `/ip4/93.1.1.1/tcp/4740/p2p/${OTHER}/p2p-circuit`,
    `/ip4/94.1.1.1/tcp/4740/p2p/${PEER}/p2p-circuit`,
  ])
  assert.equal(changes(), 2)
  keeper.ended(ends[2]!.trunk)
  assert.equal(keeper.addresses.length, 1)
})

test('a peer that refuses is left alone for five minutes', async () => {
  const refuse = async () => {
    throw new Error('PERMISSION_DENIED')
  }
  const { keeper, clock } = start([trunkTo('/ip4/92.1.1.1/tcp/4740', { peerId: PEER })], { reserve: refuse })
  for (let i = 0; i < 3; i++) {
    keeper.tick()
    await settle()
  }
  assert.deepEqual({ ...keeper.stats }, { reserved: 0, refused: 1 })
  clock.advance(300_000)
  keeper.tick()
  await settle()
  assert.equal(keeper.stats.refused, 2)
})

test('who can be dialled needs no relay, nor do peers that dialled us serve as one', async () => {
  const end = trunkTo('/ip4/92.1.1.1/tcp/4740', { peerId: PEER })
  const reachable = start([end], { isNeeded: () => false })
  const inbound = start([trunkTo('/ip4/92.1.1.1/tcp/50000', { peerId: PEER, initiator: false })])
  for (const { keeper, asked } of [reachable, inbound]) {
    keeper.tick()
    await settle()
    assert.deepEqual(asked, [])
  }
})
