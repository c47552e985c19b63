import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LeaseNames } from '../src/dns/lease-names.ts'
import type { Lease } from '../src/index.ts'

const leaseOf = (last: number, hostname: string): Lease => ({
  mac: Uint8Array.of(2, 0, 0, 0, 0, last),
  address: Uint8Array.of(10, 0, 0, last),
  kind: 'dhcp',
  sinceMs: last,
  hostname,
})

describe('LeaseNames', () => {
  it('looks at no lease before somebody asks, then knows them all, and what changes after that', () => {
    const leases = [leaseOf(1, 'one'), leaseOf(2, 'two')]
    let asked = 0
    const names = new LeaseNames(() => {
      asked++
      return leases
    })
    names.set(leases[0]!)
    names.delete(leases[0]!.address)
    assert.equal(asked, 0)
    assert.equal(names.nameOf(leases[1]!.address), 'two')
    assert.deepEqual(
      [...names.find('one')].map(({ address }) => address),
      [leases[0]!.address],
    )
    names.set(leaseOf(3, 'three'))
    names.delete(leases[0]!.address)
    assert.deepEqual([[...names.find('three')].length, [...names.find('one')].length, asked], [1, 0, 1])
  })
})
