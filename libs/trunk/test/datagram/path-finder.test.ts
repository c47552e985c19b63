import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkProperty, testSeed } from '@wakunet/testing'
import fc from 'fast-check'
import { BASE_DATAGRAM_BYTES, encodePathMessage, MAX_ADDRESSES } from '../../src/index.ts'
import { FakeNetwork, packed, twoHosts } from './fake-paths.ts'

const A = '10.0.0.1:4740'
const B = '10.0.0.2:4740'

test('two hosts that can reach each other have a path of full size within a tick or two', () => {
  const network = new FakeNetwork()
  const { a, b } = twoHosts(network)
  network.clock.advance(250)
  assert.deepEqual([a.path, b.path], [B, A])
  assert.deepEqual([a.datagramBytes, b.datagramBytes], [1_472, 1_472])
  assert.deepEqual([[...a.observed], [...b.observed]], [[A], [B]], 'each knows how the other sees it')
})

test('no record goes to an address before a challenge to it was answered, and one of 1,200 bytes', () => {
  const network = new FakeNetwork()
  const { a } = twoHosts(network)
  network.mtu = () => 1_199
  network.clock.advance(60_000)
  assert.equal(a.path, null, 'small ones pass, which is not enough')
  network.mtu = () => 1_200
  network.clock.advance(60_000)
  assert.equal(a.path, B)
  assert.equal(a.datagramBytes, BASE_DATAGRAM_BYTES)
})

test('an address that never answers costs little, for ever less, and others of the peer are found beside it', () => {
  const network = new FakeNetwork()
  const { a } = twoHosts(network)
  a.knows(B, '203.0.113.9:4740')
  network.clock.advance(600_000)
  const toVictim = network.sent.filter(({ to }) => to.startsWith('203.')).length
  assert.equal(a.path, B)
  assert.ok(toVictim < 25, `${toVictim} in ten minutes`)
})

test('a peer that tells ever new addresses makes this node send 16 small datagrams a second at the most', () => {
  const network = new FakeNetwork()
  const a = network.host('a', [A])
  for (let second = 0; second < 60; second++) {
    a.knows(...Array.from({ length: 16 }, (_, i) => `203.0.113.${i}:${1_000 + second}`))
    network.clock.advance(1_000)
  }
  const { sent } = network
  assert.ok(sent.length <= 32 + 60 * 16, `${sent.length}`)
  assert.ok(sent.every(({ bytes }) => bytes <= 96))
  assert.ok(a.finder.addresses <= MAX_ADDRESSES)
})

test('two hosts behind NAT punch their holes', () => {
  const network = new FakeNetwork()
  // Each NAT lets in only what answers something that went out (address and port restricted).
  const open = new Set<string>()
  const outside = new Map([
    [A, '198.51.100.1:10001'],
    [B, '198.51.100.2:10002'],
  ])
  network.translated = ({ from }) => outside.get(from)!
  network.lost = ({ from, to }) => {
    open.add(`${outside.get(from)} ${to}`)
    return !open.has(`${to} ${outside.get(from)}`)
  }
  const { a, b } = twoHosts(network)
  a.knows(outside.get(B)!)
  b.knows(outside.get(A)!)
  // What arrives at the outside address is delivered inside.
  network.plug(a, [A, outside.get(A)!])
  network.plug(b, [B, outside.get(B)!])
  network.clock.advance(1_000)
  assert.deepEqual([a.path, b.path], [outside.get(B), outside.get(A)])
})

test('a path that carries records and dies is given up within 2 s, and found again when it works', () => {
  for (const way of ['both', 'there', 'back'] as const) {
    const network = new FakeNetwork()
    const { a, b } = twoHosts(network)
    a.recordBytes = b.recordBytes = 800
    network.clock.advance(3_000)
    network.lost = ({ from }) => way === 'both' || (from === A) === (way === 'there')
    network.clock.advance(1_200)
    assert.equal(way === 'back' ? b.path : a.path, null, way)
    network.clock.advance(10_000)
    network.lost = () => false
    network.clock.advance(31_000 * 1.25)
    assert.deepEqual([a.path, b.path], [B, A])
  }
})

test('an idle path is kept alive with four challenges a minute or five, and its death is noticed', () => {
  const network = new FakeNetwork()
  const { a } = twoHosts(network)
  network.clock.advance(5_000)
  network.sent.length = 0
  network.clock.advance(60_000)
  const challenges = network.sent.filter(({ from, bytes }) => from === A && bytes > 64).length
  assert.ok(challenges >= 3 && challenges <= 6, `${challenges}`)
  network.lost = () => true
  network.clock.advance(15_000 * 1.2 + 1_000)
  assert.equal(a.path, null)
})

test('a trunk over which small records go now and then costs no more than heartbeats on its stream did', () => {
  const network = new FakeNetwork()
  const { a, b } = twoHosts(network)
  network.clock.advance(5_000)
  network.sent.length = 0
  for (let turn = 0; turn < 60; turn++) {
    a.sendRecord(100)
    b.sendRecord(100)
    network.clock.advance(1_000)
  }
  const overheadBytes = 52
  const bytes = network.sent
    .filter(({ from }) => from === A)
    .reduce((sum, datagram) => sum + datagram.bytes + overheadBytes, 0)
  const kbits = (bytes * 8) / 60 / 1_000
  assert.ok(kbits < 20, `${kbits} kbit/s`)
  assert.ok(network.sent.every(({ bytes }) => bytes < 1_000))
})

test('records in one direction are confirmed by what the peer says that it got', () => {
  const network = new FakeNetwork()
  const { a } = twoHosts(network)
  a.recordBytes = 800
  network.clock.advance(60_000)
  assert.equal(a.path, B)
  assert.equal(a.finder.stats.pathsLost, 0)
})

test('loss of a tenth on each way does not bring a path down in ten minutes', () => {
  const network = new FakeNetwork(testSeed)
  network.lost = () => network.random() < 0.05
  const { a, b } = twoHosts(network)
  a.recordBytes = b.recordBytes = 800
  network.clock.advance(600_000)
  const lost = a.finder.stats.pathsLost + b.finder.stats.pathsLost
  assert.ok(lost <= 1, `${lost} times; replay with TEST_SEED=${testSeed}`)
})

test('a stalled process does not take its own silence for the path’s', () => {
  const network = new FakeNetwork()
  const { a } = twoHosts(network)
  a.recordBytes = 800
  network.clock.advance(3_000)
  const { finder } = a
  const tick = finder.tick.bind(finder)
  // The process stands still: it neither ticks nor reads what has come.
  const receive = finder.receive.bind(finder)
  const late: (() => void)[] = []
  finder.tick = () => {}
  finder.receive = (bytes, from) => void late.push(() => receive(bytes.slice(), from))
  network.clock.advance(5_000)
  finder.tick = tick
  finder.receive = receive
  finder.tick()
  for (const run of late) run()
  network.clock.advance(1_000)
  assert.equal(a.path, B)
  assert.equal(finder.stats.pathsLost, 0)
})

test('IPv6 is preferred where it works, unless it is a detour', () => {
  const [a6, b6] = ['[2001:db8::1]:4740', '[2001:db8::2]:4740']
  for (const [detourMs, expected] of [
    [0, b6],
    [40, B],
  ] as const) {
    const network = new FakeNetwork()
    network.delayMs = ({ to }) => 5 + (to.startsWith('[') ? detourMs : 0)
    const { a } = twoHosts(network, [A, a6], [B, b6])
    network.clock.advance(5_000)
    assert.equal(a.path, expected)
  }
})

test('jitter between two equal paths moves nothing', () => {
  const other = '10.1.0.2:4740'
  const network = new FakeNetwork(testSeed)
  network.delayMs = () => 10 + 4 * network.random()
  const { a } = twoHosts(network, [A], [B, other])
  a.recordBytes = 800
  network.clock.advance(600_000)
  assert.equal(a.finder.stats.pathsMoved, 0, `replay with TEST_SEED=${testSeed}`)
})

test('a path that becomes a detour gives way to a better one', () => {
  const other = '10.1.0.2:4740'
  const network = new FakeNetwork()
  const { a } = twoHosts(network, [A], [B, other])
  a.recordBytes = 800
  network.clock.advance(1_000)
  const first = a.path!
  network.delayMs = ({ from, to }) => (from === first || to === first ? 60 : 5)
  network.clock.advance(60_000)
  assert.notEqual(a.path, first)
  assert.equal(a.finder.stats.pathsLost, 0)
})

test('a peer that moves is followed within half a second, both ways', () => {
  const network = new FakeNetwork()
  const { a, b } = twoHosts(network)
  a.recordBytes = b.recordBytes = 800
  network.clock.advance(3_000)
  network.plug(a, ['10.9.9.9:5555'])
  network.clock.advance(600)
  assert.equal(b.path, '10.9.9.9:5555')
  assert.equal(a.path, B)
  assert.equal(a.finder.stats.pathsLost + b.finder.stats.pathsLost, 0)
})

test('a NAT that changes its mapping is followed too', () => {
  const network = new FakeNetwork()
  let outside = '198.51.100.1:1111'
  network.translated = ({ from }) => (from === A ? outside : from)
  const { a, b } = twoHosts(network)
  network.plug(a, [A, outside])
  b.knows()
  a.recordBytes = b.recordBytes = 800
  network.clock.advance(3_000)
  assert.equal(b.path, outside)
  outside = '198.51.100.1:2222'
  network.plug(a, [A, outside])
  network.clock.advance(1_000)
  assert.equal(b.path, outside)
})

test('datagrams that somebody carries over another address move nothing while the true one answers', () => {
  const network = new FakeNetwork()
  const { a, b } = twoHosts(network)
  a.recordBytes = b.recordBytes = 800
  network.clock.advance(3_000)
  const attacker = '192.0.2.66:6666'
  // It overtakes every second datagram of A, and carries answers back and forth.
  let turn = 0
  network.translated = ({ from }) => (from === A && turn++ % 2 === 0 ? attacker : from)
  network.plug(a, [A, attacker])
  network.clock.advance(30_000)
  assert.equal(b.path, A)
  assert.equal(b.finder.stats.pathsMoved, 0)
  // The control: where the true address is silent, the way over the attacker is the only one, and taken.
  network.translated = ({ from }) => (from === A ? attacker : from)
  network.lost = ({ to }) => to === A
  network.clock.advance(5_000)
  assert.equal(b.path, attacker)
})

test('an MTU that shrinks on the way is no black hole for longer than a second or so', () => {
  const network = new FakeNetwork()
  const { a } = twoHosts(network)
  a.recordBytes = 9_000
  network.clock.advance(3_000)
  assert.equal(a.datagramBytes, 1_472)
  network.mtu = () => 1_350
  network.clock.advance(1_500)
  assert.equal(a.finder.stats.blackHoles, 1)
  assert.ok(a.datagramBytes <= 1_350, `${a.datagramBytes}`)
  network.clock.advance(20_000)
  assert.ok(a.datagramBytes > 1_334 && a.datagramBytes <= 1_350, `${a.datagramBytes}`)
  assert.equal(a.finder.stats.pathsLost, 0)
  network.mtu = () => 1_472
  network.clock.advance(700_000)
  assert.equal(a.datagramBytes, 1_472, 'and larger ones are tried again')
})

test('answers to nothing, garbage and floods of challenges are counted and change nothing', () => {
  const network = new FakeNetwork()
  const { a } = twoHosts(network)
  const from = packed(B)
  const token = new Uint8Array(8)
  a.finder.receive(encodePathMessage({ type: 'response', token, received: 0, observed: from }), from)
  a.finder.receive(Uint8Array.of(9, 9), from)
  const challenge = encodePathMessage({ type: 'challenge', token, received: 0 })
  for (let i = 0; i < 1_000; i++) a.finder.receive(challenge, from)
  const { responsesUnknown, messagesMalformed, challengesAnswered, challengesIgnored } = a.finder.stats
  assert.deepEqual(
    [responsesUnknown, messagesMalformed, challengesAnswered, challengesIgnored],
    [1, 1, 64, 936],
  )
  assert.equal(a.path, null)
})

test('addresses from which datagrams come are bounded', () => {
  const network = new FakeNetwork()
  const { a } = twoHosts(network)
  network.clock.advance(1_000)
  for (let port = 1; port < 500; port++) a.finder.seen(packed(`192.0.2.1:${port}`))
  assert.ok(a.finder.addresses <= MAX_ADDRESSES)
  network.clock.advance(1_000)
  assert.equal(a.path, B)
})

test('whatever is lost, reordered and changed, a path is there again soon after the network is whole', () =>
  checkProperty(
    fc.property(
      fc.integer(),
      fc.array(
        fc.record({
          forMs: fc.integer({ min: 50, max: 20_000 }),
          loss: fc.double({ min: 0, max: 1, noNaN: true }),
          delayMs: fc.integer({ min: 0, max: 400 }),
          mtu: fc.integer({ min: 100, max: 1_472 }),
          moves: fc.boolean(),
        }),
        { maxLength: 8 },
      ),
      (seed, phases) => {
        const network = new FakeNetwork(seed)
        const { a, b } = twoHosts(network)
        a.recordBytes = 1_400
        let address = 1
        for (const { forMs, loss, delayMs, mtu, moves } of phases) {
          network.lost = () => network.random() < loss
          network.delayMs = () => delayMs * network.random()
          network.mtu = () => mtu
          if (moves) {
            address++
            network.plug(a, [`10.0.0.1:${4_740 + address}`])
          }
          network.clock.advance(forMs)
        }
        network.lost = () => false
        network.delayMs = () => 1
        network.mtu = () => 1_472
        // As the owner does when an address has changed.
        b.knows(...a.addresses)
        a.finder.retry()
        b.finder.retry()
        network.clock.advance(5_000)
        assert.equal(a.path, B)
        assert.equal(b.path, a.addresses[0])
        assert.ok(a.finder.addresses <= MAX_ADDRESSES && b.finder.addresses <= MAX_ADDRESSES)
      },
    ),
    { runs: 100 },
  ))
