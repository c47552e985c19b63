import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PeerBook } from '../src/peer-book.ts'

const HALF = (): number => 0.5

test('a peer heard of is due at once, and not again while it is being dialled', () => {
  const book = new PeerBook(HALF)
  const peer = book.learn('peer-a', '/ip4/192.0.2.1/tcp/1', 'mdns', 100)!
  assert.deepEqual(book.due(100), [peer])
  book.connecting(peer)
  assert.deepEqual(book.due(10_000), [])
})

test('failures lengthen the wait from 0.2 s to half a minute, with jitter of half of it', () => {
  for (const [chance, first, last] of [
    [0, 100, 15_000],
    [0.999_999, 200, 30_000],
  ] as const) {
    const book = new PeerBook(() => chance)
    const peer = book.learn('peer-a', '/ip4/192.0.2.1/tcp/1', 'bootstrap', 0)!
    book.failed(peer, 'refused', 0)
    assert.equal(Math.round(peer.retryAtMs!), first)
    for (let i = 0; i < 20; i++) book.failed(peer, 'refused', 0)
    assert.equal(Math.round(peer.retryAtMs!), last)
  }
})

test('success forgets the failures', () => {
  const book = new PeerBook(() => 0)
  const peer = book.learn('peer-a', '/ip4/192.0.2.1/tcp/1', 'bootstrap', 0)!
  for (let i = 0; i < 9; i++) book.failed(peer, 'x', 0)
  book.connected(peer, 0)
  book.failed(peer, 'x', 0)
  assert.equal(peer.retryAtMs, 100)
})

test('a peer that was up is tried every few seconds for ten minutes, then as rarely as others', () => {
  const book = new PeerBook(() => 0.999_999)
  const peer = book.learn('peer-a', '/ip4/192.0.2.1/tcp/1', 'mdns', 0)!
  book.connected(peer, 0)
  const waits: number[] = []
  for (let now = 3_600_000; now < 4_400_000; now = peer.retryAtMs!) {
    book.failed(peer, 'cut', now)
    waits.push(Math.round(peer.retryAtMs! - now))
  }
  assert.deepEqual(waits.slice(0, 7), [200, 500, 1_000, 2_000, 4_000, 4_000, 4_000])
  assert.ok(waits.filter((wait) => wait === 4_000).length > 140)
  assert.equal(waits.at(-1), 30_000)
})

test('a peer that dials us, and a network that changes, begin the short waits anew', () => {
  const book = new PeerBook(() => 0.999_999)
  const peer = book.learn('peer-a', '/ip4/192.0.2.1/tcp/1', 'bootstrap', 0)!
  for (let i = 0; i < 9; i++) book.failed(peer, 'x', 0)
  book.learn('peer-a', null, 'inbound', 0)
  book.failed(peer, 'x', 0)
  assert.equal(Math.round(peer.retryAtMs!), 200)
  for (let i = 0; i < 9; i++) book.failed(peer, 'x', 0)
  book.retryAll(7)
  assert.deepEqual(book.due(7), [peer])
})

test('a peer without an address to dial waits to be called', () => {
  const book = new PeerBook(HALF)
  const peer = book.learn('peer-a', null, 'inbound', 0)!
  book.failed(peer, 'gone', 0)
  assert.equal(peer.retryAtMs, null)
  book.learn('peer-a', '/ip4/192.0.2.1/tcp/1', 'mdns', 700)
  assert.deepEqual(book.due(700), [peer])
})

test('a peer that refused is left alone for its time, then tried again', () => {
  const book = new PeerBook(() => 0)
  const peer = book.learn('peer-a', '/ip4/192.0.2.1/tcp/1', 'bootstrap', 0)!
  book.failed(peer, 'version', 0, true)
  assert.equal(peer.state, 'refused')
  book.reviveRefused(14_999)
  assert.deepEqual(book.due(14_999), [])
  book.reviveRefused(15_000)
  assert.deepEqual(book.due(15_000), [peer])
})

test('hearing of a connected peer again does not dial it', () => {
  const book = new PeerBook(HALF)
  const peer = book.learn('peer-a', '/ip4/192.0.2.1/tcp/1', 'mdns', 0)!
  book.connected(peer, 0)
  book.learn('peer-a', '/ip4/192.0.2.1/tcp/2', 'mdns', 5)
  assert.deepEqual(book.due(5), [])
  assert.deepEqual(peer.addresses, ['/ip4/192.0.2.1/tcp/2', '/ip4/192.0.2.1/tcp/1'])
})

test('a configured address becomes the peer that answers there', () => {
  const book = new PeerBook(HALF)
  book.learnAnonymous('/ip4/192.0.2.1/tcp/1', 0)
  const [anonymous] = book.due(0)
  const peer = book.identify(anonymous!, 'peer-a', 1)!
  assert.equal(book.size, 1)
  assert.deepEqual([...peer.sources], ['bootstrap'])
})

test('the book and the addresses of a peer are bounded; configured and connected peers stay', () => {
  const book = new PeerBook(HALF)
  const configured = book.learn('configured', '/ip4/192.0.2.1/tcp/1', 'bootstrap', 0)!
  const connected = book.learn('connected', null, 'inbound', 0)!
  book.connected(connected, 0)
  for (let i = 0; i < 6_000; i++) book.learn(`hostile-${i}`, '/ip4/192.0.2.66/tcp/1', 'mdns', 0)
  assert.equal(book.size, 4_096)
  assert.equal(book.get('configured'), configured)
  assert.equal(book.get('connected'), connected)
  for (let i = 0; i < 100; i++) book.learn('configured', `/ip4/192.0.2.1/tcp/${i + 1}`, 'mdns', 0)
  assert.equal(configured.addresses.length, 16)
})

test('when nothing can make room newcomers are turned away and counted', () => {
  const book = new PeerBook(HALF)
  for (let i = 0; i < 4_096; i++) book.learn(`configured-${i}`, '/ip4/192.0.2.1/tcp/1', 'bootstrap', 0)
  assert.equal(book.learn('late', '/ip4/192.0.2.2/tcp/1', 'mdns', 0), null)
  assert.equal(book.turnedAway, 1)
})

test('a peer that is given up and back at once, again and again, is given more time, and less after five good minutes', () => {
  const book = new PeerBook(HALF)
  const peer = book.learn('peer-a', '/ip4/192.0.2.1/tcp/1', 'bootstrap', 0)!
  const extra: number[] = []
  let now = 0
  for (let i = 0; i < 6; i++) {
    now += 10_000
    book.fellSilent(peer, now)
    book.connected(peer, now + 400)
    extra.push(book.extraIntervals(peer, now + 400))
  }
  assert.deepEqual(extra, [0, 2, 4, 6, 6, 6])
  assert.equal(book.extraIntervals(peer, now + 301_000), 0)
})

test('a peer that was away for longer than a moment gets no more time', () => {
  const book = new PeerBook(HALF)
  const peer = book.learn('peer-a', '/ip4/192.0.2.1/tcp/1', 'bootstrap', 0)!
  for (let now = 10_000; now < 100_000; now += 10_000) {
    book.fellSilent(peer, now)
    book.connected(peer, now + 1_500)
  }
  assert.equal(book.extraIntervals(peer, 100_000), 0)
})
