import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compareAddresses } from '../src/leases/address-order.ts'
import { AddressSpace } from '../src/leases/address-space.ts'
import { AddressWalk } from '../src/leases/address-walk.ts'
import { Affinity, KEEP_ADDRESS_MS, MAX_KEPT_ADDRESSES } from '../src/leases/affinity.ts'
import { type Claim, compareClaims } from '../src/leases/claim-order.ts'
import { ClaimTable } from '../src/leases/claim-table.ts'
import { LEASE_KINDS, type Lease } from '../src/leases/lease.ts'
import { TimedSet } from '../src/leases/timed-set.ts'

const VLAN = '42'.repeat(16)
const RESERVED = { mac: '02:00:00:00:00:03', address4: '10.20.0.5' }
const plan = { subnet4: '10.20.0.0/24', subnet6: 'fd00::/64', mtu: 1_400, reservations: [RESERVED] }
const space = new AddressSpace(plan, VLAN)
const idOf = (n: number) => new Uint8Array(16).fill(n + 1)
const macOf = (n: number) => Uint8Array.of(2, 0, 0, 0, 0, n)

const lease: fc.Arbitrary<Lease> = fc.record({
  mac: fc.integer({ min: 1, max: 4 }).map(macOf),
  address: fc.integer({ min: 3, max: 6 }).map((last) => Uint8Array.of(10, 20, 0, last)),
  kind: fc.constantFrom(...LEASE_KINDS),
  sinceMs: fc.integer({ min: 1, max: 4 }),
  hostname: fc.constant(''),
})
const leases = fc.uniqueArray(lease, { maxLength: 4, selector: ({ address }) => address[3] })
type Ranked = Claim & { readonly isReserved: boolean }
const claim: fc.Arbitrary<Ranked> = fc
  .tuple(lease, fc.integer({ min: 0, max: 3 }).map(idOf), fc.boolean())
  .map(([lease, owner, isReserved]) => ({ ...lease, owner, isReserved }))
const compare = (a: Ranked, b: Ranked) => compareClaims(a, b, (claim) => (claim === a ? a : b).isReserved)
const byAddress = (a: Lease, b: Lease) => compareAddresses(a.address, b.address)
const newTable = (maxClaims = 100) => {
  const winners = new Map<number, Claim>()
  const table = new ClaimTable({
    space,
    hashSeed: 7,
    maxClaims,
    onWinner: (address, before, after) => {
      assert.equal(winners.get(address[3]!) ?? null, before)
      if (after === null) winners.delete(address[3]!)
      else winners.set(address[3]!, after)
    },
  })
  const claimed = new Map<number, readonly Claim[]>()
  const replace = (owner: number, leases: readonly Lease[]) => {
    const claims = leases.map((lease) => ({ ...lease, owner: idOf(owner) })).sort(byAddress)
    table.replace(claimed.get(owner) ?? [], claims)
    claimed.set(owner, claims)
  }
  return { table, winners, replace }
}
const plain = (winners: Map<number, Claim>) =>
  [...winners].sort(([a], [b]) => a - b).map(([at, { owner, ...lease }]) => [at, owner[0], lease])

describe('which claim counts', () => {
  it('is a total order: antisymmetric, transitive, and no two members are equal', () => {
    fc.assert(
      fc.property(claim, claim, claim, (a, b, c) => {
        const [ab, ba] = [compare(a, b), compare(b, a)]
        assert.equal(Math.sign(ab) + Math.sign(ba), 0)
        if (a.owner[0] !== b.owner[0]) assert.notEqual(ab, 0)
        if (ab <= 0 && compare(b, c) <= 0) assert.ok(compare(a, c) <= 0)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is reservation before manual before the earlier before the lower node id', () => {
    const base: Ranked = {
      mac: macOf(1),
      address: new Uint8Array(4),
      kind: 'dhcp',
      sinceMs: 5,
      hostname: '',
      owner: idOf(2),
      isReserved: false,
    }
    const ranked: Ranked[] = [
      { ...base, isReserved: true, sinceMs: 9 },
      { ...base, kind: 'manual', sinceMs: 8 },
      { ...base, sinceMs: 4 },
      { ...base, owner: idOf(1) },
      base,
    ]
    for (let i = 1; i < ranked.length; i++) assert.ok(compare(ranked[i - 1]!, ranked[i]!) < 0, `${i}`)
  })

  it('does not depend on what came first, nor on what was there before', () => {
    const document = fc.record({ owner: fc.nat(3), leases })
    fc.assert(
      fc.property(
        fc.array(document, { maxLength: 12 }),
        fc.array(fc.nat(100), { maxLength: 4 }),
        (documents, keys) => {
          const first = newTable()
          for (const { owner, leases } of documents) first.replace(owner, leases)
          const last = new Map(documents.map(({ owner, leases }) => [owner, leases]))
          const order = [...last].sort(([a], [b]) => (keys[a] ?? a) - (keys[b] ?? b))
          const second = newTable()
          for (const [owner, leases] of order) second.replace(owner, leases)
          assert.deepEqual(plain(first.winners), plain(second.winners))
          for (const [owner] of last) first.replace(owner, [])
          assert.equal(first.winners.size, 0)
          assert.equal(first.table.size, 0)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('changes with the plan as if the plan had always been that', () => {
    const other = new AddressSpace({ ...plan, subnet4: '10.20.0.0/30', reservations: [] }, VLAN)
    fc.assert(
      fc.property(fc.array(leases, { maxLength: 3 }), (all) => {
        const { table, winners, replace } = newTable()
        for (const [i, leases] of all.entries()) replace(i, leases)
        const before = plain(winners)
        table.setSpace(other)
        assert.ok([...winners.keys()].every((at) => at === 2))
        table.setSpace(space)
        assert.deepEqual(plain(winners), before)
      }),
      { numRuns: 100 },
    )
  })

  it('is nobody for addresses that no host can have', () => {
    const { winners, replace } = newTable()
    const claimed = [
      [10, 20, 0, 0],
      [10, 20, 0, 1],
      [10, 20, 0, 255],
      [10, 21, 0, 5],
      [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53],
      [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      [0xfd, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
    ].map((address) => ({
      mac: macOf(1),
      address: Uint8Array.from(address),
      kind: 'dhcp' as const,
      sinceMs: 1,
      hostname: '',
    }))
    replace(1, claimed)
    assert.equal(winners.size, 0)
    replace(1, [{ ...claimed[0]!, address: Uint8Array.of(10, 20, 0, 2) }])
    assert.equal(winners.size, 1)
  })

  it('a full table leaves out and counts', () => {
    const { table, replace } = newTable(2)
    const many = [3, 4, 5].map((last) => ({
      mac: macOf(1),
      address: Uint8Array.of(10, 20, 0, last),
      kind: 'dhcp' as const,
      sinceMs: 1,
      hostname: '',
    }))
    replace(1, many)
    assert.equal(table.size, 2)
    assert.equal(table.refused, 1)
    replace(1, many.slice(0, 1))
    replace(2, many.slice(1, 2))
    assert.equal(table.size, 2)
  })
})

describe('the pool', () => {
  it('is walked once through before any address comes again', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        (size, random) => {
          const walk = new AddressWalk(1_000, size, random)
          const all = Array.from({ length: size }, (_, attempt) => walk.at(attempt))
          assert.deepEqual(
            all.sort((a, b) => a - b),
            Array.from({ length: size }, (_, i) => 1_000 + i),
          )
        },
      ),
      { numRuns: 100 },
    )
  })
})

describe('what is kept for somebody', () => {
  it('is one address for a station, for a day, and bounded', () => {
    const affinity = new Affinity()
    affinity.keep(5, 1, 0)
    affinity.keep(6, 1, 0)
    assert.equal(affinity.holderOf(5, 1), null)
    assert.equal(affinity.ofMac(1, KEEP_ADDRESS_MS - 1), 6)
    assert.equal(affinity.ofMac(1, KEEP_ADDRESS_MS), null)
    for (let i = 0; i < 2 * MAX_KEPT_ADDRESSES; i++) affinity.keep(1_000 + i, 1_000 + i, 0)
    assert.equal(affinity.size, MAX_KEPT_ADDRESSES)
    assert.equal(affinity.holderOf(1_000, 0), null)
    const set = new TimedSet(2, 10)
    for (const value of [1, 2, 3]) set.add(value, 0)
    assert.deepEqual([set.has(1, 5), set.has(3, 5), set.has(3, 10), set.size], [false, true, false, 1])
  })
})
