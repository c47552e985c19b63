import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { writeMac } from '@wakunet/ethernet'
import fc from 'fast-check'
import {
  type Binding,
  type BindingOwner,
  BindingTable,
  type BindingTableInit,
  MAX_CHALLENGES_PER_OWNER,
} from '../src/guards/bindings.ts'

const owner = (): BindingOwner => ({ learnedBindings: 0 })
const address = (n: number) => Uint8Array.of(10, 0, n >>> 8, n)
const MAC = 0x0200_0000_0001
const OTHER_MAC = 0x0200_0000_0002

function table(init: Partial<BindingTableInit<BindingOwner>> = {}): BindingTable<BindingOwner> {
  return new BindingTable<BindingOwner>({ hashSeed: 5, ...init })
}

function claim(of: BindingTable<BindingOwner>, n: number, mac: number, by: BindingOwner, nowMs = 0) {
  const bytes = new Uint8Array(10)
  bytes.set(address(n))
  writeMac(bytes, 4, mac)
  return of.claim(bytes, 0, 4, 4, by, nowMs)
}

describe('BindingTable', () => {
  it('tells of addresses that nobody was known to have, once', () => {
    const learned: number[] = []
    const bindings = table({ onLearned: ({ address }) => learned.push(address[3]!) })
    const [alice, mallory] = [owner(), owner()]
    claim(bindings, 1, MAC, alice)
    claim(bindings, 1, MAC, alice, 1)
    claim(bindings, 1, OTHER_MAC, mallory, 2)
    assert.deepEqual(learned, [1])
    claim(bindings, 1, MAC, alice, 1e6)
    assert.deepEqual(learned, [1, 1])
  })

  it('tells of the station of a static binding that is heard elsewhere, and of no other', () => {
    const heard: BindingOwner[] = []
    const bindings = table({ onElsewhere: (_, by) => heard.push(by) })
    const [alice, mallory] = [owner(), owner()]
    bindings.setStatic(address(1), MAC, alice, 0)
    assert.equal(claim(bindings, 1, OTHER_MAC, mallory), 'spoofed')
    assert.deepEqual(heard, [])
    // Where that station is, the forwarding database has decided.
    assert.equal(claim(bindings, 1, MAC, mallory), 'bound')
    assert.deepEqual(heard, [mallory])
    assert.equal(bindings.find(address(1), 0, 4, 0)?.owner, alice)
  })

  it('static bindings stand, whoever claims them and however often', () => {
    const bindings = table()
    const [alice, mallory] = [owner(), owner()]
    assert.equal(bindings.setStatic(address(1), MAC, alice, 0), true)
    assert.equal(claim(bindings, 1, MAC, alice), 'bound')
    for (let i = 0; i < 10_000; i++) assert.equal(claim(bindings, 1, OTHER_MAC, mallory, i), 'spoofed')
    assert.equal(claim(bindings, 1, OTHER_MAC, alice), 'spoofed')
    assert.equal(bindings.stats.conflicts, 10_001)
    bindings.tick(1e6)
    bindings.sweep(1e9)
    assert.equal(bindings.find(address(1), 0, 4, 1e9)?.owner, alice)
    bindings.setStatic(address(1), null, alice, 0)
    assert.equal(claim(bindings, 1, OTHER_MAC, alice), 'bound')
    bindings.removeStatic(address(1))
    assert.equal(claim(bindings, 1, MAC, mallory), 'bound')
  })

  it('who is there and answers keeps its address', () => {
    const probes: Binding<BindingOwner>[] = []
    const bindings = table({ onProbe: (binding) => probes.push(binding) })
    const [alice, mallory] = [owner(), owner()]
    claim(bindings, 1, MAC, alice)
    let now = 0
    for (let i = 0; i < 100; i++) {
      now += 100
      assert.equal(claim(bindings, 1, OTHER_MAC, mallory, now), 'challenged')
      if (bindings.dueMs !== Number.POSITIVE_INFINITY) claim(bindings, 1, MAC, alice, now + 50)
      bindings.tick(now + 99)
    }
    assert.equal(probes.length, 100)
    assert.equal(bindings.find(address(1), 0, 4, now)?.owner, alice)
    assert.equal(bindings.stats.moved, 0)
  })

  it('a station that is heard elsewhere takes its addresses along at once', () => {
    const moved: Binding<BindingOwner>[] = []
    const bindings = table({ onMoved: (binding) => moved.push(binding) })
    const [there, here] = [owner(), owner()]
    claim(bindings, 1, MAC, there)
    assert.equal(claim(bindings, 1, MAC, here, 1), 'bound')
    assert.deepEqual([moved.length, there.learnedBindings, here.learnedBindings], [1, 0, 1])
  })

  it('another station has the address half a second after it says so, and no sooner', () => {
    const moved: Binding<BindingOwner>[] = []
    const bindings = table({ onMoved: (binding) => moved.push(binding) })
    const [there, here] = [owner(), owner()]
    claim(bindings, 1, MAC, there)
    assert.equal(claim(bindings, 1, OTHER_MAC, here, 1_000), 'challenged')
    assert.equal(bindings.dueMs, 1_500)
    bindings.tick(1_499)
    assert.equal(bindings.find(address(1), 0, 4, 1_499)?.owner, there)
    bindings.tick(1_500)
    assert.deepEqual([moved.length, moved[0]?.owner === here, moved[0]?.mac], [1, true, OTHER_MAC])
    assert.deepEqual([there.learnedBindings, here.learnedBindings], [0, 1])
    assert.equal(claim(bindings, 1, OTHER_MAC, here, 1_501), 'bound')
    assert.equal(bindings.dueMs, Number.POSITIVE_INFINITY)
  })

  it('which station of a side has an address is that side’s own affair', () => {
    const bindings = table()
    const alice = owner()
    claim(bindings, 1, MAC, alice)
    assert.equal(claim(bindings, 1, OTHER_MAC, alice), 'bound')
    assert.equal(bindings.find(address(1), 0, 4, 0)?.mac, OTHER_MAC)
  })

  it('forgets what was not heard of, and what a port had that is gone', () => {
    const bindings = table({ lifetimeMs: 1_000 })
    const [alice, bob] = [owner(), owner()]
    claim(bindings, 1, MAC, alice)
    claim(bindings, 2, MAC, alice)
    claim(bindings, 2, MAC, alice, 900)
    assert.equal(bindings.find(address(1), 0, 4, 1_001), null)
    assert.equal(claim(bindings, 1, OTHER_MAC, bob, 1_001), 'bound')
    bindings.setStatic(address(3), MAC, alice, 0)
    claim(bindings, 2, OTHER_MAC, bob, 1_100)
    bindings.removeOwner(bob)
    assert.equal(bindings.dueMs, Number.POSITIVE_INFINITY)
    bindings.removeOwner(alice)
    assert.equal(bindings.size, 0)
    assert.deepEqual([alice.learnedBindings, bob.learnedBindings], [0, 0])
    claim(bindings, 4, MAC, alice)
    bindings.sweep(1_001)
    assert.equal(bindings.size, 0)
  })

  it('is bounded, for each port and as a whole, and what was there stays', () => {
    const bindings = table({ maxLearned: 12, maxLearnedPerOwner: 10, maxStatic: 3 })
    const [alice, mallory] = [owner(), owner()]
    for (let i = 0; i < 100; i++) claim(bindings, i, MAC, mallory)
    assert.equal(mallory.learnedBindings, 10)
    assert.equal(claim(bindings, 200, MAC, alice), 'bound')
    assert.equal(claim(bindings, 201, MAC, alice), 'bound')
    assert.equal(claim(bindings, 202, MAC, alice), 'refused')
    assert.equal(bindings.stats.refused, 91)
    assert.equal(bindings.find(address(0), 0, 4, 0)?.owner, mallory)
    assert.deepEqual(
      [1, 2, 3, 4].map((n) => bindings.setStatic(address(300 + n), MAC, alice, 0)),
      [true, true, true, false],
    )
    // A static binding takes the place of a learned one.
    bindings.removeStatic(address(301))
    assert.equal(bindings.setStatic(address(0), MAC, alice, 0), true)
    assert.equal(mallory.learnedBindings, 9)
  })

  it('one port cannot keep challenges so busy that others do not move', () => {
    const bindings = table()
    const [alice, bob, mallory] = [owner(), owner(), owner()]
    for (let i = 0; i < 100; i++) claim(bindings, i, MAC, alice)
    for (let i = 0; i < 100; i++) claim(bindings, i, OTHER_MAC, mallory, 10)
    claim(bindings, 99, OTHER_MAC, bob, 10)
    bindings.tick(510)
    assert.equal(bindings.find(address(99), 0, 4, 510)?.owner, bob)
    assert.equal(bindings.stats.moved, MAX_CHALLENGES_PER_OWNER + 1)
  })

  it('counts right whatever happens', () => {
    const step = fc.record({
      what: fc.constantFrom('claim', 'static', 'unstatic', 'leave', 'tick', 'sweep'),
      n: fc.nat(6),
      by: fc.nat(2),
      afterMs: fc.nat(700),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const bindings = table({ maxLearned: 5, maxLearnedPerOwner: 3, maxStatic: 2, lifetimeMs: 2_000 })
        const owners = [owner(), owner(), owner()]
        let now = 0
        for (const { what, n, by, afterMs } of steps) {
          now += afterMs
          if (what === 'claim') claim(bindings, n, MAC + by, owners[by]!, now)
          else if (what === 'static') bindings.setStatic(address(n), MAC + by, owners[by]!, now)
          else if (what === 'unstatic') bindings.removeStatic(address(n))
          else if (what === 'leave') bindings.removeOwner(owners[by]!)
          else if (what === 'tick') bindings.tick(now)
          else bindings.sweep(now)
          const learned = owners.map(() => 0)
          let statics = 0
          for (let i = 0; i <= 6; i++) {
            const binding = bindings.find(address(i), 0, 4, 0)
            if (binding === null) continue
            if (binding.isStatic) statics++
            else learned[owners.indexOf(binding.owner)]!++
          }
          assert.deepEqual(
            owners.map(({ learnedBindings }) => learnedBindings),
            learned,
          )
          assert.equal(bindings.size, statics + learned.reduce((sum, count) => sum + count, 0))
          assert.ok(statics <= 2 && learned.every((count) => count <= 3))
        }
      }),
      { numRuns: 200 },
    )
  })
})
