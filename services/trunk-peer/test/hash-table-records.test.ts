import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VlanId } from '@wakunet/interface'
import { FakeClock, recordingLogger } from '@wakunet/testing'
import { type Dht, NO_DHT } from '../src/discovery/dht.ts'
import { HashTableRecords } from '../src/vlan-directory/hash-table-records.ts'

const HOUR_MS = 3_600_000
const [ONE, TWO] = ['11'.repeat(16) as VlanId, '22'.repeat(16) as VlanId]

function tableWith(records: Map<VlanId, Uint8Array>, newest = new Map<VlanId, Uint8Array>()) {
  const clock = new FakeClock()
  const puts: string[] = []
  const state = { holders: 3, fails: false }
  const dht: Dht = {
    ...NO_DHT,
    mode: 'client',
    size: 5,
    put: async (key, value) => {
      puts.push(`${key} ${value[0]}`)
      if (state.fails) throw new Error('not the key of its VLAN')
      return state.holders
    },
  }
  const table = new HashTableRecords({
    clock,
    logger: recordingLogger(),
    dht: () => dht,
    random: () => 0.5,
    records: () => [...records].map(([id, encoded]) => ({ id, encoded })),
    newest: (id) => newest.get(id) ?? null,
  })
  /** Lets time pass, a look at the table each ten minutes. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left >= 0; left -= 600_000) {
      table.tick()
      await clock.advanceAsync(Math.min(left, 600_000))
    }
  }
  return { table, puts, pass, state }
}

test('records are put one after the other, again before the table forgets them, and at once when they change', async () => {
  const records = new Map([
    [ONE, Uint8Array.of(1)],
    [TWO, Uint8Array.of(2)],
  ])
  const { table, puts, pass } = tableWith(records)
  await pass(HOUR_MS)
  assert.deepEqual(puts, [`/wakunet-vlan/${ONE} 1`, `/wakunet-vlan/${TWO} 2`])
  await pass(4 * HOUR_MS)
  assert.equal(puts.length, 2, 'not before its time')
  await pass(HOUR_MS)
  assert.equal(puts.length, 4)
  records.set(ONE, Uint8Array.of(9))
  await pass(0)
  assert.deepEqual(puts.slice(4), [`/wakunet-vlan/${ONE} 9`])
  assert.equal(table.stored, 5)
})

test('what nobody took is tried again soon, and an error is counted', async () => {
  const { table, puts, pass, state } = tableWith(new Map([[ONE, Uint8Array.of(1)]]))
  state.holders = 0
  await pass(600_000)
  state.fails = true
  await pass(600_000)
  assert.ok(puts.length >= 3)
  assert.equal(table.failed, puts.length)
})

test('a VLAN that is published no longer is put a last time with the record that says so', async () => {
  const records = new Map([[ONE, Uint8Array.of(1)]])
  const newest = new Map([[ONE, Uint8Array.of(1)]])
  const { puts, pass } = tableWith(records, newest)
  await pass(0)
  records.delete(ONE)
  newest.set(ONE, Uint8Array.of(2))
  await pass(24 * HOUR_MS)
  assert.deepEqual(puts, [`/wakunet-vlan/${ONE} 1`, `/wakunet-vlan/${ONE} 2`])
})

test('without a hash table nothing is put', async () => {
  const clock = new FakeClock()
  const table = new HashTableRecords({
    clock,
    logger: recordingLogger(),
    dht: () => NO_DHT,
    random: () => 0,
    records: () => [{ id: ONE, encoded: Uint8Array.of(1) }],
    newest: () => null,
  })
  table.tick()
  await clock.advanceAsync(1)
  assert.deepEqual([table.stored, table.failed], [0, 0])
})
