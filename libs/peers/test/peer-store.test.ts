import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VlanId } from '@wakunet/interface'
import { checkProperty, seededRandom } from '@wakunet/testing'
import fc from 'fast-check'
import { type HeardPeer, PEER_SOURCES, PEER_STORE_LIMITS, PeerStore, peerScore } from '../src/index.ts'

const DAY_MS = 86_400_000
const NOW = 100 * DAY_MS
const OURS = 'ab'.repeat(16) as VlanId
const at = (host: string, port = 4740) => `/ip4/${host}/tcp/${port}`
const publicHost = (i: number) => `${11 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.7`
const heard = (peerId: string, address: string, fields: Partial<HeardPeer> = {}): HeardPeer => ({
  peerId,
  source: 'dht',
  addresses: [address],
  ...fields,
})

/** Peers of different networks that have answered. */
function withHonest(store: PeerStore, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const peerId = `honest-${i}`
    store.learn(heard(peerId, at(publicHost(i))), NOW)
    store.answered(peerId, NOW)
    return peerId
  })
}

test('whatever is told, the store stays within its limits, and configured peers stay', async () => {
  const limits = { peers: 40, perNetwork: 5, perEndpoint: 2, unproven: 20 }
  const told = fc.record({
    peerId: fc.nat(200).map(String),
    source: fc.constantFrom(...PEER_SOURCES),
    addresses: fc.array(
      fc.tuple(fc.nat(30), fc.nat(3)).map(([host, port]) => at(publicHost(host), port + 1)),
      {
        maxLength: 12,
      },
    ),
    vlans: fc.constant([OURS]),
  })
  const step = fc.record({ told, event: fc.constantFrom('told', 'answered', 'failed'), signed: fc.boolean() })
  await checkProperty(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const store = new PeerStore(limits)
      for (let i = 0; i < 3; i++)
        store.learn(heard(`pinned-${i}`, at(`9.9.${i}.1`), { source: 'bootstrap', pinned: true }), NOW)
      for (const [now, { told, event, signed }] of steps.entries()) {
        const proof = signed ? { signed: { bytes: new Uint8Array(8), sequence: now } } : {}
        if (event === 'told') store.learn({ ...told, ...proof }, NOW + now)
        else if (event === 'answered') store.answered(told.peerId, NOW + now)
        else store.failed(told.peerId, NOW + now)
      }
      const all = [...store.all()]
      assert.equal(all.length, store.size)
      assert.ok(store.size <= 40)
      assert.equal(all.filter(({ answeredMs }) => answeredMs === null).length, store.unproven)
      assert.ok(store.unproven <= 20 + 3)
      assert.ok(all.every(({ addresses }) => addresses.length <= 8))
      for (let i = 0; i < 3; i++) assert.ok(store.get(`pinned-${i}`))
      for (let host = 0; host <= 30; host++)
        for (let port = 1; port <= 4; port++)
          assert.ok(all.filter(({ addresses }) => addresses.includes(at(publicHost(host), port))).length <= 2)
    }),
    { runs: 200 },
  )
})

test('thirty thousand peers that nobody has seen push out none of those that answered', () => {
  const store = new PeerStore()
  const honest = withHonest(store, 1_500)
  for (let i = 0; i < 30_000; i++) store.learn(heard(`hostile-${i}`, at(publicHost(200_000 + i))), NOW + i)
  assert.ok(store.size <= PEER_STORE_LIMITS.peers)
  assert.ok(store.unproven <= PEER_STORE_LIMITS.unproven)
  assert.deepEqual(
    honest.filter((peerId) => store.get(peerId) === undefined),
    [],
  )
})

test('without the limits the same flood fills the memory: the control', () => {
  const none = Number.POSITIVE_INFINITY
  const store = new PeerStore({ peers: none, perNetwork: none, perEndpoint: none, unproven: none })
  withHonest(store, 10)
  for (let i = 0; i < 20_000; i++) store.learn(heard(`hostile-${i}`, at(publicHost(200_000 + i))), NOW)
  assert.equal(store.size, 20_010)
})

test('identities without addresses of their own get the share of one network, though they answer', () => {
  const store = new PeerStore()
  const honest = withHonest(store, 100)
  for (let i = 0; i < 5_000; i++) {
    store.learn(heard(`hostile-${i}`, at(`203.0.113.${i % 250}`, 1_000 + i)), NOW)
    store.answered(`hostile-${i}`, NOW)
  }
  assert.equal(store.size, honest.length + PEER_STORE_LIMITS.perNetwork)
  const first = store.candidates(NOW, () => true, 20)
  assert.ok(first.filter(({ peerId }) => peerId.startsWith('hostile')).length <= 1, 'one network, one turn')
})

test('at one host and port there are few: nobody can make all of us knock at a third party', () => {
  const store = new PeerStore()
  for (let i = 0; i < 500; i++) {
    store.learn(heard(`liar-${i}`, at(publicHost(i))), NOW)
    store.learn(heard(`liar-${i}`, at('198.51.100.9', 443)), NOW)
  }
  const aimed = [...store.all()].filter(({ addresses }) => addresses.includes(at('198.51.100.9', 443)))
  assert.equal(aimed.length, PEER_STORE_LIMITS.perEndpoint)
})

test('what a peer has signed replaces what others say of it, and is replaced by what is newer alone', () => {
  const store = new PeerStore()
  const signed = (sequence: number) => ({ signed: { bytes: Uint8Array.of(sequence), sequence } })
  store.learn(heard('p', at('9.9.9.1')), NOW)
  store.learn(heard('p', at('9.9.9.2'), signed(5)), NOW)
  assert.deepEqual(store.get('p')!.addresses, [at('9.9.9.2')])
  store.learn(heard('p', at('9.9.9.3'), signed(4)), NOW)
  store.learn(heard('p', at('9.9.9.4')), NOW)
  assert.deepEqual(store.get('p')!.addresses, [at('9.9.9.2')])
  store.learn(heard('p', at('9.9.9.5'), { source: 'mdns' }), NOW)
  assert.deepEqual(store.get('p')!.addresses, [at('9.9.9.5'), at('9.9.9.2')])
  store.learn(heard('p', at('9.9.9.6'), { signed: { bytes: new Uint8Array(3_000), sequence: 9 } }), NOW)
  assert.equal(store.get('p')!.sequence, 5)
})

test('who answered lately, for long and shares a VLAN is dialled first; who fails waits longer each time', () => {
  const store = new PeerStore()
  store.learn(heard('never', at('9.9.1.1'), { vlans: [OURS] }), NOW)
  store.learn(heard('old', at('9.9.2.1')), NOW)
  store.answered('old', NOW - 30 * DAY_MS)
  store.learn(heard('member', at('9.9.3.1'), { vlans: [OURS] }), NOW)
  store.answered('member', NOW)
  store.learn(heard('lasting', at('9.9.4.1')), NOW)
  store.answered('lasting', NOW)
  store.wasUp('lasting', 20 * DAY_MS)
  const order = () => store.candidates(NOW + 1, () => true, 9).map(({ peerId }) => peerId)
  assert.deepEqual(order(), ['member', 'lasting', 'old', 'never'])
  assert.ok(
    peerScore(store.get('never')!, NOW) < peerScore(store.get('old')!, NOW),
    'a claim is worth little',
  )
  store.failed('member', NOW)
  assert.deepEqual(order(), ['lasting', 'old', 'never'])
  const dueAfter = (ms: number) => store.candidates(NOW + ms, ({ peerId }) => peerId === 'member', 1).length
  assert.deepEqual([dueAfter(29_999), dueAfter(30_000)], [0, 1])
  for (let i = 0; i < 20; i++) store.failed('member', NOW)
  assert.deepEqual([dueAfter(3_599_999), dueAfter(3_600_000)], [0, 1])
})

test('others are told of members of their VLANs first, of different networks, never of who did not sign or answer', () => {
  const store = new PeerStore()
  const signed = { signed: { bytes: Uint8Array.of(1), sequence: 1 } }
  for (let i = 0; i < 30; i++) {
    const vlans = i < 20 ? { vlans: [OURS] } : {}
    store.learn(heard(`crowd-${i}`, at(`9.9.9.${i + 1}`), { ...signed, ...vlans }), NOW)
    store.learn(heard(`spread-${i}`, at(publicHost(i)), { ...signed, ...vlans }), NOW)
    for (const peerId of [`crowd-${i}`, `spread-${i}`]) store.answered(peerId, NOW)
  }
  store.learn(heard('unsigned', at('8.8.8.8'), { vlans: [OURS] }), NOW)
  store.answered('unsigned', NOW)
  store.learn(heard('silent', at('8.8.4.4'), { ...signed, vlans: [OURS] }), NOW)
  const ask = { except: 'spread-0', count: 16, freshMs: DAY_MS, random: seededRandom() }
  const told = store.sample(NOW, { ...ask, vlans: new Set([OURS]) })
  assert.equal(told.length, 16)
  assert.equal(told.filter(({ shared }) => shared.length > 0).length, 12)
  assert.ok(told.filter(({ peer }) => peer.peerId.startsWith('crowd')).length <= 2)
  const names = told.map(({ peer }) => peer.peerId)
  for (const never of ['unsigned', 'silent', 'spread-0']) assert.ok(!names.includes(never), never)
  const stranger = store.sample(NOW, { ...ask, vlans: new Set() })
  assert.ok(
    stranger.every(({ shared }) => shared.length === 0),
    'nobody is told of VLANs that are not its own',
  )
  assert.deepEqual(store.sample(NOW + 2 * DAY_MS, { ...ask, vlans: new Set([OURS]) }), [])
})

test('what was known is known after a restart; a clock that went back makes no peer of tomorrow', () => {
  const store = new PeerStore()
  withHonest(store, 20)
  const again = new PeerStore()
  again.restore(structuredClone([...store.all()]), NOW - DAY_MS)
  assert.equal(again.size, 20)
  assert.ok([...again.all()].every(({ answeredMs }) => answeredMs === NOW - DAY_MS))
})

test('all are asked in turn whether they are there still', () => {
  const store = new PeerStore()
  const honest = withHonest(store, 10)
  const asked = new Set<string>()
  for (let turn = 1; turn <= 5; turn++)
    for (const { peerId } of store.stalest(NOW + turn * 1_000, NOW + turn * 1_000 - 500, 2)) {
      asked.add(peerId)
      store.answered(peerId, NOW + turn * 1_000)
    }
  assert.deepEqual([...asked].sort(), honest.sort())
})
