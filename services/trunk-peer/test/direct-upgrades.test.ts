import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Libp2p, PeerUpdate } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { FakeClock, recordingLogger } from '@wakunet/testing'
import { DirectUpgrades } from '../src/reach/direct-upgrades.ts'
import { trunksOf, trunkTo } from './trunk-ends.ts'

const PEER = '12D3KooWMDmsfL6VXq5gRkyvZ9edShtx2er2AmrVLdxPGEtzGGwL'
const RELAYED = '/ip4/92.1.1.1/tcp/4740/p2p/relay/p2p-circuit'
const settle = () => new Promise(setImmediate)

function start(address: string) {
  const clock = new FakeClock()
  const dialled: string[] = []
  const events = new EventTarget()
  const told = [`/ip4/93.1.1.1/tcp/4740/p2p/${PEER}`]
  let answer: Error | null = new Error('nobody there')
  const host = {
    addEventListener: events.addEventListener.bind(events),
    removeEventListener: events.removeEventListener.bind(events),
    peerStore: { get: async () => ({ addresses: told.map((text) => ({ multiaddr: multiaddr(text) })) }) },
    dial: async (targets: { toString(): string }[]) => {
      dialled.push(...targets.map(String))
      if (answer !== null) throw answer
      return {}
    },
  } as unknown as Libp2p
  const end = trunkTo(address, { peerId: PEER })
  const adopted: string[] = []
  const upgrades = new DirectUpgrades({
    host,
    trunks: trunksOf([end]),
    clock,
    logger: recordingLogger(),
    dialable: (claimed) => [...claimed],
    adopt: (_connection, nodeId) => void adopted.push(nodeId),
  })
  upgrades.start()
  const tick = async (ms: number) => {
    clock.advance(ms)
    upgrades.tick()
    for (let i = 0; i < 3; i++) await settle()
  }
  return { upgrades, tick, dialled, adopted, events, told, end, succeed: () => (answer = null) }
}

test('a relayed trunk is dialled directly soon, then less and less often, and says why it stays', async () => {
  const { upgrades, tick, dialled, end } = start(RELAYED)
  await tick(100)
  assert.deepEqual(dialled, [])
  await tick(400)
  assert.deepEqual(dialled, [`/ip4/93.1.1.1/tcp/4740/p2p/${PEER}`])
  assert.equal(upgrades.obstacle(end.trunk), 'nobody there')
  await tick(2_000)
  assert.equal(dialled.length, 1)
  await tick(1_000)
  assert.equal(dialled.length, 2)
  for (let i = 0; i < 600; i++) await tick(1_000)
  assert.ok(dialled.length <= 8, `${dialled.length}`)
})

test('a connection is handed on, another network and news of the peer lead to a dial at once', async () => {
  const { upgrades, tick, dialled, adopted, events, told, end, succeed } = start(RELAYED)
  await tick(500)
  upgrades.networkChanged()
  await tick(0)
  assert.equal(dialled.length, 2)
  told.push(`/ip4/94.1.1.1/tcp/4740/p2p/${PEER}`)
  const update = (addresses: string[]) => ({
    id: peerIdFromString(PEER),
    addresses: addresses.map((text) => ({ multiaddr: multiaddr(text) })),
  })
  const detail = { peer: update(told), previous: update(told.slice(0, 1)) } as unknown as PeerUpdate
  events.dispatchEvent(new CustomEvent('peer:update', { detail }))
  succeed()
  await tick(0)
  assert.equal(dialled.length, 4)
  assert.deepEqual(adopted, [end.trunk.nodeId])
  assert.equal(upgrades.obstacle(end.trunk), null)
  upgrades.stop()
})

test('a direct trunk is left alone', async () => {
  const { tick, dialled } = start('/ip4/93.1.1.1/tcp/4740')
  await tick(10_000)
  assert.deepEqual(dialled, [])
})
