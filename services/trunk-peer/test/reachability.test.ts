import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '@wakunet/testing'
import { Reachability, type ReachabilityInit } from '../src/reach/reachability.ts'
import { type TrunkEnd, trunksOf, trunkTo } from './trunk-ends.ts'

const PORT = 4740

function start(ends: readonly TrunkEnd[], init: Partial<ReachabilityInit> = {}) {
  const clock = new FakeClock()
  let changes = 0
  const reachability = new Reachability({
    trunks: trunksOf(ends),
    clock,
    candidates: () => [],
    listenPorts: () => [PORT],
    isTrusted: () => false,
    onChange: () => changes++,
    ...init,
  })
  return { clock, reachability, changes: () => changes }
}

/** Answers the last question over a trunk. */
function answer(reachability: Reachability, end: TrunkEnd, observed: string, isReached: boolean): void {
  const asked = end.sent.at(-1)
  assert.equal(asked?.type, 'reach-request')
  if (asked?.type !== 'reach-request') return
  const reached = asked.addresses.map(() => isReached)
  reachability.receiveAnswer(end.trunk, { type: 'reach-answer', sequence: asked.sequence, observed, reached })
}

const peer = (number: number) => trunkTo(`/ip4/9${number}.1.1.1/tcp/4740`)
const SEEN = '/ip4/8.8.8.8/tcp/50123'

test('a host learns as whom it is seen, and has its port tried there; two peers are believed', () => {
  const [one, two] = [peer(1), peer(2)]
  const { reachability, changes } = start([one, two])
  reachability.tick()
  assert.deepEqual(one.sent.at(-1), { type: 'reach-request', sequence: 1, addresses: [] })
  for (const end of [one, two]) answer(reachability, end, SEEN, false)
  assert.deepEqual(reachability.observedHosts, ['8.8.8.8'])
  const outside = '/ip4/8.8.8.8/tcp/4740'
  assert.deepEqual(one.sent.at(-1), { type: 'reach-request', sequence: 3, addresses: [outside] })
  assert.equal(reachability.verdict, 'unknown')
  answer(reachability, one, SEEN, true)
  assert.deepEqual(reachability.confirmed, [])
  answer(reachability, two, SEEN, true)
  assert.deepEqual(reachability.confirmed, [outside])
  assert.equal(reachability.verdict, 'public')
  assert.equal(changes(), 2)
})

test('in another network nothing of what was found out is true', () => {
  const end = peer(1)
  const { reachability } = start([end], { isTrusted: () => true })
  reachability.tick()
  answer(reachability, end, SEEN, false)
  answer(reachability, end, SEEN, true)
  reachability.networkChanged()
  assert.equal(reachability.verdict, 'unknown')
  assert.deepEqual([...reachability.confirmed, ...reachability.observedHosts], [])
  reachability.tick()
  assert.equal(end.sent.length, 3)
})

test('a peer that the configuration names is believed alone; a single stranger is not', () => {
  for (const [isTrusted, confirmed] of [
    [true, ['/ip4/8.8.8.8/tcp/4740']],
    [false, []],
  ] as const) {
    const end = peer(1)
    const { reachability } = start([end], { isTrusted: () => isTrusted })
    reachability.tick()
    answer(reachability, end, SEEN, false)
    answer(reachability, end, SEEN, true)
    assert.deepEqual(reachability.confirmed, confirmed)
    assert.equal(reachability.verdict, isTrusted ? 'public' : 'private')
  }
})

test('strangers at one address are one witness, however many they are', () => {
  const ends = [1, 2, 3].map((port) => trunkTo(`/ip4/91.1.1.1/tcp/${port}`, { peerId: `sybil-${port}` }))
  const { reachability } = start(ends, { candidates: () => ['/ip4/8.8.8.8/tcp/4740'] })
  reachability.tick()
  for (const end of ends) answer(reachability, end, '', true)
  assert.deepEqual(reachability.confirmed, [])
})

test('an address that can be reached no more is not announced any longer', () => {
  const end = peer(1)
  const { reachability, clock } = start([end], {
    candidates: () => ['/ip4/8.8.8.8/tcp/4740'],
    isTrusted: () => true,
  })
  reachability.tick()
  answer(reachability, end, SEEN, true)
  assert.equal(reachability.verdict, 'public')
  clock.advance(600_000)
  reachability.tick()
  answer(reachability, end, SEEN, false)
  assert.equal(reachability.verdict, 'private')
})

test('only public peers with the capability are asked, four at the most, and not again before its time', () => {
  const ends = [
    trunkTo('/ip4/192.168.1.9/tcp/4740'),
    trunkTo('/ip4/91.1.1.1/tcp/4740/p2p/relay/p2p-circuit'),
    trunkTo('/ip4/91.1.1.1/tcp/4740', { has: () => false }),
    ...[1, 2, 3, 4, 5, 6].map(peer),
  ]
  const { reachability, clock } = start(ends)
  for (let i = 0; i < 5; i++) reachability.tick()
  assert.deepEqual(
    ends.map(({ sent }) => sent.length),
    [0, 0, 0, 1, 1, 1, 1, 0, 0],
  )
  clock.advance(20_000)
  reachability.tick()
  assert.equal(ends[3]!.sent.length, 2)
})

test('what was not asked, an answer of another length, private and bent addresses change nothing', () => {
  const end = peer(1)
  const { reachability, changes } = start([end], {
    candidates: () => ['/ip4/8.8.8.8/tcp/4740'],
    isTrusted: () => true,
  })
  const send = (sequence: number, observed: string, reached: boolean[]) =>
    reachability.receiveAnswer(end.trunk, { type: 'reach-answer', sequence, observed, reached })
  send(1, SEEN, [true])
  reachability.tick()
  send(7, SEEN, [true])
  send(1, SEEN, [true, true])
  assert.equal(reachability.verdict, 'unknown')
  send(1, '/ip4/192.168.1.1/tcp/1', [false])
  assert.deepEqual(reachability.observedHosts, [])
  assert.equal(changes(), 1)
})
