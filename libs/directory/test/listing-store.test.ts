import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeVlanRecord, isVlanWithdrawal, signVlanRecord } from '@wakunet/identity'
import type { Listing } from '../src/index.ts'
import { peekListing, readListing } from '../src/listing.ts'
import { idOf, keyOf, NOW, published, sourceOf, storeWith, withdrawn } from './support.ts'

const A = sourceOf('a')

/** Reads what it gets without a look at the signature: for the control alone. */
function readUnsigned(encoded: Uint8Array): Listing {
  const { id, sequence } = peekListing(encoded)!
  const good = readListing(published(1), NOW) as Listing
  return { ...good, id, sequence, encoded }
}

describe('a store of listings', () => {
  test('keeps the newest of each VLAN, and counts what it does', () => {
    const store = storeWith()
    assert.equal(store.offer(published(1), A, NOW), 'added')
    assert.equal(store.offer(published(1), sourceOf('b'), NOW), 'known')
    assert.equal(store.offer(published(1, { sequence: 3, name: 'newer' }), A, NOW), 'renewed')
    assert.equal(store.get(idOf(1))?.vlan?.name, 'newer')
    assert.deepEqual([store.size, store.outcomes.added, store.outcomes.renewed], [1, 1, 1])
  })

  test('refuses a replay: an older sequence never comes back; a fresh store shows that nothing else is wrong with it', () => {
    const store = storeWith()
    store.offer(published(1, { sequence: 5 }), A, NOW)
    const old = published(1, { sequence: 4 })
    assert.equal(store.offer(old, A, NOW), 'replayed')
    assert.equal(store.outcomes.replayed, 1)
    assert.equal(storeWith().offer(old, A, NOW), 'added', 'the control')
  })

  test('refuses a forgery; without the check of signatures it would take the place of the right one', () => {
    const forged = Uint8Array.from(published(1, { sequence: 9 }))
    forged[forged.length - 1]! ^= 1
    const store = storeWith()
    store.offer(published(1), A, NOW)
    assert.equal(store.offer(forged, A, NOW), 'forged')
    assert.equal(store.get(idOf(1))?.sequence, 1)
    const careless = storeWith({ read: readUnsigned })
    careless.offer(published(1), A, NOW)
    assert.equal(careless.offer(forged, A, NOW), 'renewed', 'the control')
    assert.equal(store.offer(new Uint8Array(100), A, NOW), 'malformed')
    assert.equal(store.offer(new Uint8Array(0), A, NOW), 'malformed')
  })

  test('refuses what is too large before it looks into it', () => {
    const store = storeWith()
    assert.equal(store.offer(new Uint8Array(32_769), A, NOW), 'oversized')
    assert.equal(store.offer(new Uint8Array(32_768), A, NOW), 'malformed', 'the control')
  })

  test('refuses what has ended, is not published, or would never end', () => {
    const store = storeWith()
    const until = NOW + 3 * 86_400_000
    assert.equal(store.offer(published(1), A, until), 'expired')
    assert.equal(store.offer(published(1), A, until - 1), 'added', 'the control')
    assert.equal(store.offer(published(2, { expiresAtMs: until }), A, until), 'expired')
    const { publishedUntilMs: _, id: __, publicKey: ___, ...fields } = decodeVlanRecord(published(3), NOW)
    assert.equal(store.offer(signVlanRecord(fields, keyOf(3)), A, NOW), 'unpublished')
    assert.equal(store.offer(published(4), A, NOW - 30 * 86_400_000), 'unpublished')
  })

  test('takes a withdrawal, which outlasts every older publication and gives way to a newer one', () => {
    const store = storeWith()
    store.offer(published(1, { sequence: 2 }), A, NOW)
    assert.equal(store.offer(withdrawn(1, 3), A, NOW), 'withdrawn')
    assert.equal(store.get(idOf(1))?.vlan, null)
    assert.ok(isVlanWithdrawal(store.get(idOf(1))!.encoded))
    for (const sequence of [1, 2, 3])
      assert.equal(store.offer(published(1, { sequence }), A, NOW), 'replayed')
    assert.equal(store.offer(published(1, { sequence: 4 }), A, NOW), 'renewed')
    assert.equal(
      store.offer(withdrawn(1, 4), A, NOW),
      'withdrawn',
      'it wins over a record of the same sequence',
    )
  })

  test('forgets what has ended', () => {
    const store = storeWith()
    store.offer(published(1, { publishedUntilMs: NOW + 10 }), A, NOW)
    store.offer(published(2), A, NOW)
    assert.equal(store.prune(NOW + 9), 0)
    assert.equal(store.prune(NOW + 10), 1)
    assert.deepEqual([store.size, store.ended, store.get(idOf(1))], [1, 1, undefined])
  })
})

describe('a store that is full', () => {
  const limits = { entries: 16, bytes: 1_000_000, peerShare: 0.25, networkShare: 0.5 }

  test('one peer fills its share and no more; without shares it fills all', () => {
    const fill = (peerShare: number, networkShare: number): number => {
      const store = storeWith({ limits: { ...limits, peerShare, networkShare } })
      for (let i = 0; i < 20; i++) store.offer(published(i), A, NOW)
      store.offer(published(99), sourceOf('b'), NOW)
      return store.size
    }
    assert.equal(fill(0.25, 0.5), 4 + 1)
    assert.equal(fill(1, 1), 16, 'the control: the honest peer finds no room, or pushes one out')
  })

  test('many peers of one network fill the share of the network', () => {
    const store = storeWith({ limits })
    for (let i = 0; i < 20; i++) store.offer(published(i), sourceOf(`sybil ${i}`, '192.0.2.0/24'), NOW)
    assert.equal(store.size, 8)
    assert.equal(store.outcomes.networkQuota, 12)
  })

  test('by bytes as well as by number', () => {
    const bytes = published(1).length
    const store = storeWith({ limits: { ...limits, bytes: bytes * 8 + 400 } })
    for (let i = 0; i < 6; i++) store.offer(published(i), A, NOW)
    assert.equal(store.size, 2)
    assert.equal(store.outcomes.peerQuota, 4)
  })

  test('the largest network gives way to a smaller one, what ends first before the rest; own and joined VLANs stay', () => {
    const pinned = idOf(0)
    const store = storeWith({
      limits: { ...limits, entries: 4, peerShare: 1, networkShare: 1 },
      isPinned: (id) => id === pinned,
    })
    for (let i = 0; i < 4; i++)
      store.offer(published(i, { publishedUntilMs: NOW + 1_000 * (i + 1) }), sourceOf(`p${i}`, 'big'), NOW)
    assert.equal(store.offer(published(10), sourceOf('q', 'small'), NOW), 'added')
    assert.equal(store.get(idOf(1)), undefined)
    assert.notEqual(store.get(pinned), undefined, 'it would have ended before')
    assert.equal(store.evicted, 1)
    assert.equal(
      store.offer(published(11), sourceOf('p9', 'big'), NOW),
      'full',
      'the largest pushes nobody out',
    )
    assert.equal(store.offer(published(12), null, NOW), 'added', 'its own always finds room')
  })

  test('an update of what is there needs no room', () => {
    const store = storeWith({ limits: { ...limits, entries: 4, peerShare: 1, networkShare: 1 } })
    for (let i = 0; i < 4; i++) store.offer(published(i), A, NOW)
    assert.equal(store.offer(published(2, { sequence: 2 }), A, NOW), 'renewed')
  })
})
