import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MacTable } from '../src/mac-table.ts'
import { allocatedBytes } from './allocation.ts'
import { macBytes } from './frames.ts'

const seed = fc.integer({ min: 0, max: 0xffff_ffff })
const mac = fc.oneof(
  fc.integer({ min: 0, max: 0xffff_ffff_ffff }),
  fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, 0xffff_ffff_ffff),
)
const entryOf = (address: number) => ({ mac: address })

describe('MacTable', () => {
  it('is a map from addresses to entries, whatever the seed', () => {
    const command = fc.tuple(fc.constantFrom('add', 'delete', 'find'), mac)
    fc.assert(
      fc.property(seed, fc.array(command, { maxLength: 60 }), (hashSeed, commands) => {
        const table = new MacTable<{ mac: number }>(hashSeed)
        const model = new Map<number, { mac: number }>()
        for (const [what, address] of commands) {
          const known = model.get(address)
          if (what === 'add' && known === undefined) {
            const entry = entryOf(address)
            table.add(entry)
            model.set(address, entry)
          } else if (what === 'delete') {
            table.delete(known ?? entryOf(address))
            model.delete(address)
          }
          assert.equal(table.get(address), model.get(address) ?? null)
          assert.equal(table.find(Uint8Array.of(0xff, ...macBytes(address)), 1), model.get(address) ?? null)
          assert.equal(table.size, model.size)
        }
        assert.deepEqual(new Set(table), new Set(model.values()))
      }),
    )
  })

  it('keeps addresses apart that share a hash, and lets go of each', () => {
    const table = new MacTable<{ mac: number }>(7)
    // More than there are pairs of 32 bits without a collision: some share a chain.
    const entries = Array.from({ length: 150_000 }, (_, i) => entryOf(0x0200_0000_0000 + i * 65_537))
    for (const entry of entries) table.add(entry)
    for (const entry of entries) assert.equal(table.get(entry.mac), entry)
    for (const [i, entry] of entries.entries()) if (i % 2 === 0) table.delete(entry)
    for (const [i, entry] of entries.entries()) assert.equal(table.get(entry.mac), i % 2 === 0 ? null : entry)
    assert.equal(table.size, entries.length / 2)
  })

  it('gives every entry once while those at hand are deleted', () => {
    const table = new MacTable<{ mac: number }>(1)
    for (let i = 0; i < 1_000; i++) table.add(entryOf(i * 0x1_0001))
    let seen = 0
    for (const entry of table) {
      seen++
      if (entry.mac % 2 === 0) table.delete(entry)
    }
    assert.equal(seen, 1_000)
    assert.equal(table.size, 500)
  })

  it('finds addresses in frames without allocating', () => {
    const table = new MacTable<{ mac: number }>(1)
    const frames = Array.from({ length: 64 }, (_, i) => macBytes(0x0200_8000_0000 + i))
    for (const [i] of frames.entries()) table.add(entryOf(0x0200_8000_0000 + 2 * i))
    let i = 0
    let found = 0
    const bytes = allocatedBytes(() => {
      if (table.find(frames[i++ & 63]!, 0) !== null) found++
    })
    assert.ok(bytes < 1, `${bytes} bytes a lookup`)
    assert.ok(found > 0)
  })
})
