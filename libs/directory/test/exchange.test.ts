import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FakeNetwork, idOf, NOW, published, sourceOf, withdrawn } from './support.ts'

/** a - b - c: what a publishes c hears through b. */
function line(
  before: (a: ReturnType<FakeNetwork['add']>, b: ReturnType<FakeNetwork['add']>) => void = () => {},
) {
  const network = new FakeNetwork()
  const [a, b, c] = [network.add('a'), network.add('b'), network.add('c')]
  before(a, b)
  network.link('a', 'b')
  network.link('b', 'c')
  return { network, a, b, c }
}

describe('the exchange of listings', () => {
  test('takes a publication, an update and a withdrawal along a line at once', () => {
    const { network, a, b, c } = line()
    network.clock.advance(1_000)
    assert.equal(a.exchange.publish(published(1)), 'added')
    network.clock.advance(100)
    assert.equal(c.store.get(idOf(1))?.sequence, 1)
    assert.equal(c.store.sourceOf(idOf(1))?.peer, 'b')
    a.exchange.publish(published(1, { sequence: 2, name: 'newer' }))
    network.clock.advance(100)
    assert.equal(c.store.get(idOf(1))?.vlan?.name, 'newer')
    a.exchange.publish(withdrawn(1, 3))
    network.clock.advance(100)
    assert.equal(c.store.get(idOf(1))?.vlan, null)
    assert.equal(b.exchange.stats.newsForwarded, 3)
    assert.equal(a.exchange.stats.listingsReceived, 0, 'nothing is sent back where it came from')
  })

  test('1,000 VLANs reach a newcomer through one peer, are browsed and searched; figures', async (t) => {
    const startedMs = performance.now()
    const { network, b, c } = line(({ store }) => {
      for (let i = 0; i < 1_000; i++) store.offer(published(i, { description: `room ${i % 10}` }), null, NOW)
    })
    const signedMs = performance.now()
    let seconds = 0
    while (c.store.size < 1_000 && seconds < 120) {
      network.clock.advance(1_000)
      seconds++
    }
    const syncedMs = performance.now()
    assert.equal(b.store.size, 1_000)
    assert.equal(c.store.size, 1_000)
    const all = await c.exchange.search('', 64, 0)
    assert.equal(all.length, 64)
    const searchStartMs = performance.now()
    const found = await c.exchange.search('vlan 777', 64, 0)
    const searchMs = performance.now() - searchStartMs
    assert.equal(found[0]?.vlan?.name, 'vlan 777')
    assert.equal((await c.exchange.search('room 7', 64, 0)).length, 64)
    const quiet = { ...network.sent }
    network.clock.advance(300_000)
    assert.equal(network.sent.listings, quiet.listings, 'equal stores send each other no listings')
    assert.equal(network.sent.inventory, quiet.inventory)
    const verifyMs = (syncedMs - signedMs) / 2_000
    t.diagnostic(
      `1,000 VLANs over two hops: ${seconds} s of the protocol's time, ${Math.round(syncedMs - signedMs)} ms of CPU for both receivers ` +
        `(${verifyMs.toFixed(2)} ms a listing), ${Math.round(network.bytes / 1024)} KiB of listings, ${quiet.listings} messages with listings; ` +
        `a search of 1,000: ${searchMs.toFixed(2)} ms; store ${Math.round(c.store.bytes / 1024)} KiB; made in ${Math.round(signedMs - startedMs)} ms`,
    )
  })

  test('finds what news has missed: a listing that nobody told of comes with the digests', () => {
    const { network, a, c } = line()
    network.clock.advance(5_000)
    a.store.offer(published(1), null, NOW)
    network.clock.advance(1_000)
    assert.equal(c.store.size, 0, 'nobody was told')
    network.clock.advance(150_000)
    assert.equal(c.store.size, 1)
  })

  test('what one side refuses is not offered again and again', () => {
    const { network, a, b } = line((one, other) => {
      one.store.offer(published(1), null, NOW)
      one.store.offer(withdrawn(2, 5), null, NOW)
      other.store.offer(withdrawn(1, 9), null, NOW)
    })
    network.clock.advance(2_000)
    assert.equal(b.store.get(idOf(1))?.vlan, null)
    assert.equal(a.store.get(idOf(1))?.vlan, null, 'the newer one wins on both sides')
    const before = network.sent.listings
    network.clock.advance(300_000)
    assert.equal(network.sent.listings, before)
  })

  test('takes back what was saved, verified anew and without telling it as news', () => {
    const { network, b } = line()
    const forged = Uint8Array.from(published(2))
    forged[forged.length - 1]! ^= 1
    b.exchange.restore([
      { encoded: published(1), source: sourceOf('x') },
      { encoded: forged, source: sourceOf('x') },
    ])
    network.clock.advance(100)
    assert.deepEqual([b.store.size, b.store.outcomes.forged], [1, 1])
    assert.equal(b.exchange.stats.newsForwarded, 0)
    assert.deepEqual(network.cutOff, [])
  })
})

describe('a search among peers', () => {
  test('finds what this node has no room for', async () => {
    const network = new FakeNetwork()
    const limits = { entries: 8, bytes: 1_000_000, peerShare: 0.25, networkShare: 0.5 }
    const [a, b] = [network.add('a', { limits }), network.add('b')]
    for (let i = 0; i < 40; i++) b.store.offer(published(i), null, NOW)
    network.link('a', 'b')
    network.clock.advance(10_000)
    assert.equal(a.store.size, 2)
    assert.deepEqual(await a.exchange.search('vlan 33', 9, 0), [], 'the control: peers are not asked')
    const found = a.exchange.search('vlan 33', 9, 3_000)
    network.clock.advance(1_000)
    assert.deepEqual(
      (await found).map(({ vlan }) => vlan?.name),
      ['vlan 33'],
    )
    assert.equal(b.exchange.stats.searchesAnswered, 1)
  })

  test('ends in time where a peer is silent, and shows no forgeries', async () => {
    const network = new FakeNetwork()
    const a = network.add('a')
    network.add('b')
    a.exchange.up(sourceOf('silent'))
    network.nodes.set('silent', { store: a.store, exchange: { receive: () => {} } as never })
    network.link('a', 'b')
    const forged = Uint8Array.from(published(1))
    forged[forged.length - 1]! ^= 1
    const found = a.exchange.search('vlan', 9, 2_000)
    network.inject('b', 'a', { type: 'results', id: 0, items: [forged, published(2)], done: false })
    network.clock.advance(2_000)
    assert.deepEqual(
      (await found).map(({ vlan }) => vlan?.name),
      ['vlan 2'],
    )
    network.inject('b', 'a', { type: 'results', id: 0, items: [published(3)], done: true })
    assert.equal(a.exchange.stats.strayAnswers, 1, 'too late')
  })
})

describe('a hostile peer', () => {
  test('that floods is cut off, and the rest goes on', () => {
    const { network, b, c } = line()
    for (let i = 0; i < 600; i++)
      network.inject('a', 'b', { type: 'listing-request', ids: new Uint8Array(16) })
    assert.deepEqual(network.cutOff, ['b a: it sends more messages than allowed'])
    assert.equal(b.exchange.peers, 1)
    c.exchange.publish(published(1))
    network.clock.advance(1_000)
    assert.equal(b.store.size, 1)
  })

  test('that passes forgeries on is cut off; what is old or ended may come from honest ones', () => {
    const { network, b } = line()
    const forged = Uint8Array.from(published(1))
    forged[forged.length - 1]! ^= 1
    const ended = published(2, { publishedUntilMs: NOW + 1 })
    network.clock.advance(1_000)
    for (let i = 0; i < 20; i++) network.inject('c', 'b', { type: 'listings', items: [ended] })
    for (let i = 0; i < 20; i++) network.inject('a', 'b', { type: 'listings', items: [forged] })
    network.clock.advance(1_000)
    assert.deepEqual(network.cutOff, ['b a: it passes on what nobody has signed'])
    assert.equal(b.store.size, 0)
    assert.ok(b.store.outcomes.forged <= 20 && b.store.outcomes.expired === 20)
  })

  test('that tells more news than allowed is heard no further; at its rate all of it is', () => {
    const { network, b } = line()
    network.clock.advance(1_000)
    const items = Array.from({ length: 200 }, (_, i) => published(i))
    for (const item of items) network.inject('a', 'b', { type: 'listings', items: [item] })
    network.clock.advance(5_000)
    assert.equal(b.store.size, 64)
    assert.equal(b.exchange.stats.unaskedDropped, 136)
    const slow = line()
    for (const item of items.slice(0, 100)) {
      slow.network.inject('a', 'b', { type: 'listings', items: [item] })
      slow.network.clock.advance(250)
    }
    assert.equal(slow.b.store.size, 100, 'the control')
  })

  test('draws no more than its share of answers', () => {
    const network = new FakeNetwork()
    const b = network.add('b')
    const icon = Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="${'M0 0'.repeat(4_000)}"/></svg>`,
    )
    for (let i = 0; i < 64; i++) b.store.offer(published(i, { icon: Uint8Array.from(icon) }), null, NOW)
    let drawn = 0
    network.nodes.set('thief', {
      store: b.store,
      exchange: {
        receive: (_: string, message: { items?: Uint8Array[] }) => {
          for (const { length } of message.items ?? []) drawn += length
        },
      } as never,
    })
    b.exchange.up(sourceOf('thief'))
    const ids = Buffer.concat(Array.from({ length: 64 }, (_, i) => Buffer.from(idOf(i), 'hex')))
    for (let i = 0; i < 100; i++) network.inject('thief', 'b', { type: 'listing-request', ids })
    network.clock.advance(10)
    assert.ok(drawn > 3 * 1_048_576 && drawn <= 4 * 1_048_576 + 16_384, `${drawn} of 100 MiB asked for`)
    assert.ok(b.exchange.stats.questionsDropped > 0)
  })

  test('with inventories nobody asked for, or of impossible claims, has no effect', () => {
    const { network, b } = line()
    const entries = new Uint8Array(24 * 10).fill(0xff)
    network.inject('a', 'b', { type: 'inventory', bucket: 63, entries })
    assert.equal(b.exchange.stats.strayAnswers, 1)
    network.inject('a', 'b', { type: 'summary', digests: new Uint8Array(512).fill(1) })
    network.inject('a', 'b', { type: 'inventory', bucket: 63, entries })
    network.clock.advance(60_000)
    assert.equal(network.sent['listing-request'], undefined)
  })
})
