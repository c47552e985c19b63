import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memberMac } from '@wakunet/addressing'
import type { VlanMember } from '@wakunet/bus'
import type { NodeId, VlanId } from '@wakunet/interface'
import { MANUAL_ATTEMPT, PortAddresses } from '../src/port-addresses.ts'
import { node, vlan } from './support.ts'

const LAN = vlan('lan', { subnet4: '10.20.0.0/24' })

function addresses(nodeId: NodeId, manual4: string | null = null, attempt = 0): PortAddresses {
  const vlanId = LAN.id as VlanId
  return new PortAddresses(
    {
      vlanId,
      nodeId,
      subnet4: LAN.subnet4,
      subnet6: LAN.subnet6,
      mac: memberMac(vlanId, nodeId),
      manual4,
      attempt,
    },
    0,
  )
}

function member(nodeId: NodeId, of: PortAddresses | string, addressAttempt = 0): VlanMember {
  return {
    nodeId,
    peerId: `peer-${nodeId}`,
    bootNonce: '00'.repeat(8),
    mac: memberMac(LAN.id as VlanId, nodeId),
    addresses: typeof of === 'string' ? [of] : [...of.all],
    addressAttempt: typeof of === 'string' ? addressAttempt : of.attempt,
    hostname: 'rival',
    rttMs: null,
  }
}

describe('PortAddresses', () => {
  it('are the same every time for one node, and those of the last attempt', () => {
    assert.deepEqual(addresses(node(1)).all, addresses(node(1)).all)
    assert.notDeepEqual(addresses(node(1)).all, addresses(node(2)).all)
    assert.notEqual(addresses(node(1), null, 3).all[0], addresses(node(1)).all[0])
    assert.equal(addresses(node(1), null, 3).attempt, 3)
  })

  it('stay where the other member has the higher id, and move where it has the lower', () => {
    const low = addresses(node(1))
    const high = addresses(node(2))
    const shared = high.all[0]!
    assert.equal(high.settle([member(node(3), shared)], 0), false)
    assert.equal(high.settle([member(node(1), shared)], 0), true)
    assert.notEqual(high.all[0], shared)
    assert.equal(high.attempt, 1)
    assert.equal(low.settle([member(node(2), low.all[0]!)], 0), false)
  })

  it('end in one address each on both sides of every conflict, whoever hears first', () => {
    for (let first = 1; first <= 8; first++)
      for (let second = 1; second <= 8; second++) {
        if (first === second) continue
        const a = addresses(node(first))
        const b = addresses(node(second), a.all[0]!)
        const c = addresses(node(second))
        for (const rival of [b, c])
          for (let round = 0; round < 3; round++) {
            const seenByA = [member(node(second), rival)]
            const seenByRival = [member(node(first), a)]
            a.settle(seenByA, 0)
            rival.settle(seenByRival, 0)
          }
        assert.notEqual(a.all[0], b.all[0])
        assert.notEqual(a.all[0], c.all[0])
      }
  })

  it('give way to an address that a person has chosen', () => {
    const mine = addresses(node(1))
    assert.equal(mine.settle([member(node(9), mine.all[0]!, MANUAL_ATTEMPT)], 0), true)
  })

  it('stay when chosen by a person, and tell of the conflict where another person chose the same', () => {
    const mine = addresses(node(2), '10.20.0.7/24')
    assert.equal(mine.attempt, MANUAL_ATTEMPT)
    assert.equal(mine.settle([member(node(1), '10.20.0.7/24', 0)], 0), false)
    assert.equal(mine.conflict, null)
    assert.equal(mine.settle([member(node(1), '10.20.0.7/24', MANUAL_ATTEMPT)], 0), false)
    assert.match(mine.conflict!, /rival \(01.*10\.20\.0\.7/)
    assert.equal(mine.settle([], 0), false)
    assert.equal(mine.conflict, null)
  })

  it('skip the addresses that others have', () => {
    const mine = addresses(node(2))
    const next = addresses(node(2), null, 1).all[0]!
    mine.settle([member(node(1), mine.all[0]!), member(node(3), next)], 0)
    assert.equal(mine.attempt, 2)
  })

  it('move no more often than allowed, however often a member claims the new address', () => {
    const mine = addresses(node(2))
    const chase = (nowMs: number) => mine.settle([member(node(1), mine.all[0]!)], nowMs)
    const moves = Array.from({ length: 50 }, () => chase(0)).filter(Boolean).length
    assert.equal(moves, 8)
    assert.match(mine.conflict!, /no other address was free/)
    assert.equal(chase(59_999), false)
    assert.equal(chase(60_000), true)
    assert.equal(chase(60_001), false)
    assert.deepEqual([mine.moves, mine.conflicts], [9, 53])
  })

  it('stay where every address is taken', () => {
    const mine = addresses(node(2))
    const everybody = Array.from({ length: 254 }, (_, i) => member(node(1), `10.20.0.${i + 1}/24`))
    assert.equal(mine.settle(everybody, 0), false)
    assert.match(mine.conflict!, /no other address/)
  })

  it('avoid what is taken before they are announced, whoever has it', () => {
    const mine = addresses(node(1))
    mine.avoid([member(node(9), mine.all[0]!)])
    assert.equal(mine.attempt, 1)
    assert.equal(mine.moves, 0)
  })
})
