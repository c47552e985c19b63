import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryDatastore } from 'datastore-core'
import fc from 'fast-check'
import { Key } from 'interface-datastore'
import { BoundedDatastore, type SpaceLimits } from '../src/discovery/bounded-datastore.ts'

const LIMITS: SpaceLimits = { prefix: '/peers/', entries: 100, bytes: 4_096, entryBytes: 64 }
const key = (name: string | number) => new Key(`/peers/${name}`)
const bytes = (length: number) => new Uint8Array(length)

test('what a peer makes libp2p remember stays within its limits, whatever comes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(300), fc.nat(90), fc.boolean()), { maxLength: 800 }),
      (operations) => {
        const store = new BoundedDatastore([LIMITS])
        for (const [name, size, remove] of operations) {
          if (remove) void store.delete(key(name))
          else if (size > 64) assert.throws(() => store.put(key(name), bytes(size)))
          else void store.put(key(name), bytes(size))
          const held = [...(store._all({}) as Generator<{ value: Uint8Array }>)]
          assert.ok(held.length <= 100)
          assert.equal(held.length, store.entries)
          assert.equal(
            held.reduce((sum, { value }) => sum + value.length, 0),
            store.bytes,
          )
          assert.ok(store.bytes <= 4_096)
        }
      },
    ),
    { numRuns: 30 },
  )
})

test('a flood of peers ends in a bounded store; without the bound it holds them all', async () => {
  const bounded = new BoundedDatastore([LIMITS], (name) => name === '/peers/self')
  const open = new MemoryDatastore()
  for (const store of [bounded, open]) {
    await store.put(key('self'), bytes(10))
    await store.put(key('used'), bytes(10))
    for (let i = 0; i < 10_000; i++) {
      await store.put(key(i), bytes(10))
      await store.get(key('used'))
    }
  }
  assert.equal(bounded.entries, 100)
  assert.ok(await bounded.has(key('self')), 'what the host knows of itself stays')
  assert.ok(await bounded.has(key('used')), 'what is used stays')
  assert.equal([...(open._all({}) as Generator<unknown>)].length, 10_002)
})

test('one provider, and one key, has its share and no more', async () => {
  const part = (at: number) => (name: string) => name.split('/')[at]!
  const store = new BoundedDatastore([
    {
      prefix: '/p/',
      entries: 1_000,
      bytes: 10_000,
      entryBytes: 8,
      groups: [
        { of: part(2), entries: 3 },
        { of: part(3), entries: 5 },
      ],
    },
  ])
  for (let i = 0; i < 9; i++) await store.put(new Key(`/p/key/${i}`), bytes(1))
  assert.equal(store.entries, 3)
  assert.ok(await store.has(new Key('/p/key/8')))
  for (let i = 0; i < 9; i++) await store.put(new Key(`/p/${i}/peer`), bytes(1))
  assert.equal(store.entries, 3 + 5)
})

test('what belongs to no space, or has an endless name, is refused and counted', () => {
  const store = new BoundedDatastore([LIMITS])
  assert.throws(() => store.put(new Key('/else/x'), bytes(1)))
  assert.throws(() => store.put(key('x'.repeat(300)), bytes(1)))
  assert.equal(store.refused, 2)
})
