import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { vlanIdToBytes } from '@wakunet/identity'
import type { NodeId, VlanId } from '@wakunet/interface'
import { FakeClock } from '@wakunet/testing'
import type { WireMembership } from '@wakunet/trunk'
import { RecordNews } from '../src/record-news.ts'

const PEER = '11'.repeat(16) as NodeId
const OTHER = '22'.repeat(16) as NodeId
const vlanOf = (n: number): VlanId => n.toString(16).padStart(32, '0') as VlanId
const VLAN = vlanOf(1)

const announced = (...sequences: readonly (readonly [VlanId, number])[]): WireMembership[] =>
  sequences.map(([vlan, recordSequence]) => ({
    vlan: vlanIdToBytes(vlan),
    bootNonce: new Uint8Array(8),
    mac: new Uint8Array(6),
    addresses: [],
    addressAttempt: 0,
    hostname: '',
    recordSequence,
  }))

function newsWith(stored: Map<VlanId, number>, mustPush = false) {
  const clock = new FakeClock()
  const done: string[] = []
  const trunk = { isUp: true }
  const sent = (what: string, peer: NodeId, vlan: VlanId): boolean => {
    if (trunk.isUp) done.push(`${what} ${peer.slice(0, 2)} ${Number.parseInt(vlan, 16)}`)
    return trunk.isUp
  }
  const news = new RecordNews({
    clock,
    sequenceOf: (vlan) => stored.get(vlan) ?? 0,
    mustPush: () => mustPush,
    ask: (peer, vlan) => sent('ask', peer, vlan),
    push: (peer, vlan) => sent('push', peer, vlan),
  })
  return { clock, news, trunk, take: () => done.splice(0) }
}

describe('news of records', () => {
  test('asks who announces a higher sequence, once, and again for a higher one still', () => {
    const { news, take } = newsWith(new Map([[VLAN, 3]]))
    news.heard(PEER, announced([VLAN, 3]))
    news.heard(PEER, announced([VLAN, 2]))
    assert.deepEqual(take(), [])
    news.heard(PEER, announced([VLAN, 4]))
    news.heard(PEER, announced([VLAN, 4]))
    news.tick()
    assert.deepEqual(take(), ['ask 11 1'])
    news.heard(OTHER, announced([VLAN, 4]))
    news.heard(PEER, announced([VLAN, 5]))
    assert.deepEqual(take(), ['ask 22 1', 'ask 11 1'])
  })

  test('asks nothing about VLANs that are not stored, until one is', () => {
    const stored = new Map<VlanId, number>()
    const { news, take } = newsWith(stored)
    news.heard(PEER, announced([VLAN, 4]))
    assert.deepEqual(take(), [])
    stored.set(VLAN, 1)
    news.changed(VLAN)
    assert.deepEqual(take(), ['ask 11 1'])
  })

  test('sends a record that nobody else would tell of, once, and a newer one again', () => {
    const stored = new Map([[VLAN, 3]])
    const { news, take } = newsWith(stored, true)
    news.heard(PEER, announced([VLAN, 2]))
    news.heard(PEER, announced([VLAN, 2]))
    assert.deepEqual(take(), ['push 11 1'])
    stored.set(VLAN, 4)
    news.changed(VLAN)
    assert.deepEqual(take(), ['push 11 1'])
    const silent = newsWith(stored)
    silent.news.heard(PEER, announced([VLAN, 2]))
    assert.deepEqual(silent.take(), [], 'a member announces it, and is asked')
  })

  test('asks as soon as the trunk takes the question', () => {
    const { news, trunk, take } = newsWith(new Map([[VLAN, 3]]))
    trunk.isUp = false
    news.heard(PEER, announced([VLAN, 4]))
    trunk.isUp = true
    assert.deepEqual(take(), [])
    news.up(PEER)
    news.up(OTHER)
    assert.deepEqual(take(), ['ask 11 1'])
  })

  test('asks again what it refused when it has joined or left', () => {
    const { news, take } = newsWith(new Map([[VLAN, 3]]))
    news.heard(PEER, announced([VLAN, 4]))
    news.reconsider()
    assert.deepEqual(take(), ['ask 11 1', 'ask 11 1'])
  })

  test('keeps a peer that claims new records all the time within its budget, and makes up for the rest', () => {
    const { clock, news, take } = newsWith(new Map([[VLAN, 3]]))
    for (let sequence = 4; sequence < 1_000; sequence++) news.heard(PEER, announced([VLAN, sequence]))
    assert.equal(take().length, 32)
    clock.advance(1_000)
    news.tick()
    news.tick()
    assert.equal(take().length, 1)
    news.heard(OTHER, announced([VLAN, 4]))
    assert.deepEqual(take(), ['ask 22 1'], 'another peer has a budget of its own')
  })

  test('lets answers in, and unasked records within the budget where the VLAN is stored', () => {
    const { news } = newsWith(new Map([[VLAN, 3]]))
    news.heard(PEER, announced([VLAN, 4]))
    for (let i = 0; i < 32; i++) assert.equal(news.accepts(PEER, VLAN), true)
    assert.equal(news.accepts(PEER, VLAN), false)
    assert.equal(news.accepts(OTHER, vlanOf(2)), false)
    assert.equal(news.unaskedDropped, 2)
  })

  test('answers a peer that asks all the time at a rate, and others as before', () => {
    const { clock, news } = newsWith(new Map([[VLAN, 3]]))
    const answered = (peer: NodeId, times: number): number =>
      Array.from({ length: times }, () => news.mayAnswer(peer)).filter(Boolean).length
    assert.equal(answered(PEER, 1_000), 64)
    assert.equal(news.requestsDropped, 936)
    clock.advance(1_000)
    assert.equal(answered(PEER, 100), 8)
    assert.equal(answered(OTHER, 10), 10)
  })

  test('forgets a peer, and what a peer announces no more', () => {
    const stored = new Map([[VLAN, 3]])
    const { news, take } = newsWith(stored)
    news.heard(PEER, announced([VLAN, 4]))
    news.heard(PEER, [])
    news.tick()
    news.forget(PEER)
    take()
    news.tick()
    assert.deepEqual(take(), [])
    news.heard(PEER, announced([VLAN, 4]))
    assert.deepEqual(take(), ['ask 11 1'])
  })
})
