import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkProperty, seededRandom } from '@wakunet/testing'
import fc from 'fast-check'
import { isFixed, type LimitedTrunk, leastUseful, networkGroup, toPrune, trunkShares } from '../src/index.ts'

const NOW = 1_000_000
const trunk = (fields: Partial<LimitedTrunk> = {}): LimitedTrunk => ({
  pinned: false,
  tree: false,
  mayMatter: false,
  member: true,
  ours: false,
  upAtMs: 0,
  usefulAtMs: 0,
  bytesPerSecond: 0,
  shortcut: false,
  network: 'local',
  ...fields,
})

const anyTrunk = fc.record({
  pinned: fc.boolean(),
  tree: fc.boolean(),
  mayMatter: fc.boolean(),
  member: fc.boolean(),
  ours: fc.boolean(),
  upAtMs: fc.nat(NOW),
  usefulAtMs: fc.nat(NOW),
  bytesPerSecond: fc.nat(1_000),
  shortcut: fc.boolean(),
  network: fc.constantFrom('local', '9.9.9.0/24', '8.8.8.0/24'),
})

test('no trunk of a tree, none to a configured peer, none that may matter is ever ended by choice', async () => {
  await checkProperty(
    fc.property(
      fc.array(anyTrunk, { maxLength: 40 }),
      fc.nat(40),
      fc.boolean(),
      (trunks, kept, forMember) => {
        for (const victim of [toPrune(trunks, NOW, { kept }, forMember), leastUseful(trunks, NOW, 1_000)])
          assert.ok(victim === null || (trunks.includes(victim) && !isFixed(victim)))
        // The same trunks in another order: the same choice, so that nothing is ended and opened in turn.
        const again = toPrune([...trunks].reverse(), NOW, { kept }, forMember)
        const first = toPrune(trunks, NOW, { kept }, forMember)
        assert.deepEqual(again === null, first === null)
      },
    ),
  )
})

test('pruning ends: as long as it is done there are fewer, and the kept ones stay', async () => {
  await checkProperty(
    fc.property(fc.array(anyTrunk, { minLength: 1, maxLength: 30 }), fc.nat(15), (all, kept) => {
      const members = all.filter(({ member }) => member).length
      let trunks = all
      for (;;) {
        const victim = toPrune(trunks, NOW + 60_000, { kept })
        if (victim === null) break
        trunks = trunks.filter((other) => other !== victim)
      }
      assert.ok(trunks.filter(({ member }) => member).length >= Math.min(members, kept))
    }),
  )
})

test('strangers go before members, then whoever is one of many of its network, then the least used, then the youngest', () => {
  const pick = (...trunks: LimitedTrunk[]) => trunks.indexOf(toPrune(trunks, NOW, { kept: 0 })!)
  assert.equal(pick(trunk(), trunk({ member: false, bytesPerSecond: 9 })), 1)
  const crowd = { network: '9.9.9.0/24', bytesPerSecond: 500 }
  assert.equal(pick(trunk({ network: '8.8.8.0/24' }), trunk(crowd), trunk(crowd)), 1)
  assert.equal(pick(trunk({ usefulAtMs: NOW }), trunk({ usefulAtMs: NOW - 60_000 })), 1)
  assert.equal(pick(trunk({ bytesPerSecond: 7 }), trunk({ bytesPerSecond: 3 })), 1)
  assert.equal(pick(trunk({ upAtMs: 5 }), trunk({ upAtMs: 9_000 })), 1)
})

test('a trunk has time to become part of a tree, and a stranger time to say what it is in', () => {
  const prune = (fields: Partial<LimitedTrunk>, forMember = false) =>
    toPrune([trunk(fields)], NOW, { kept: 0 }, forMember) !== null
  assert.deepEqual([prune({ upAtMs: NOW - 29_999 }), prune({ upAtMs: NOW - 30_000 })], [false, true])
  const stranger = { member: false, upAtMs: NOW - 1_000 }
  assert.deepEqual([prune(stranger), prune(stranger, true)], [false, true])
})

test('an eclipse: two hundred strangers that say they are members displace no trunk of long standing', () => {
  const { limit, reserved, kept } = trunkShares(8)
  /** Every attacker gets the free place, is up for a minute, and the next comes. */
  const attack = (protectedTrunks: number) => {
    const random = seededRandom(1)
    let trunks = Array.from({ length: limit - reserved }, (_, i) => ({
      ...trunk({ upAtMs: i * 1_000, ours: i < 2 }),
      honest: true,
    }))
    for (let i = 0; i < 200; i++) {
      const now = NOW + i * 60_000
      // They send a lot, so that they seem to be of use.
      const bytesPerSecond = Math.floor(random() * 1e6)
      trunks.push({ ...trunk({ upAtMs: now, usefulAtMs: now, bytesPerSecond }), honest: false })
      const victim = toPrune(trunks, now + 31_000, { kept: protectedTrunks })
      if (victim !== null) trunks = trunks.filter((other) => other !== victim)
    }
    return trunks.filter(({ honest }) => honest).length
  }
  assert.ok(attack(kept) >= kept)
  assert.equal(attack(0), 0, 'the control: without the share all honest trunks are gone')
})

test('places are shared out whatever the limit is', () => {
  for (let limit = 1; limit <= 4_096; limit++) {
    const shares = trunkShares(limit)
    assert.ok(shares.reserved < limit && shares.kept < limit && shares.members >= 1 && shares.contacts >= 1)
    assert.ok(shares.members <= Math.max(1, limit - shares.reserved), `${limit}`)
  }
  assert.deepEqual(trunkShares(6), { limit: 6, reserved: 1, kept: 3, members: 3, contacts: 1 })
})

test('the network of an address is its /24 or /48; private addresses, names and rubbish have none', () => {
  assert.equal(networkGroup('/ip4/9.8.7.6/tcp/1/p2p/x'), '9.8.7.0/24')
  assert.equal(networkGroup('/ip6/2001:db8:1:2::3/tcp/1'), '2001:db8:1::/48')
  for (const local of [
    '/ip4/10.1.2.3/tcp/1',
    '/ip6/fd00::1/tcp/1',
    '/dns/a/tcp/1',
    '',
    '/ip4/x',
    '/ip4/9.9.9.9/8',
  ])
    assert.ok(['local', '9.9.9.0/24'].includes(networkGroup(local)), local)
})
