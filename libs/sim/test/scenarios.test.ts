import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testSeed } from '@wakunet/testing'
import { SCENARIOS, TOPOLOGIES } from '../src/index.ts'
import { runSmall } from './support.ts'

const seed = testSeed >>> 0
/** Those that take minutes of simulated time. */
const FEW: readonly string[] = ['partition', 'leases']

describe('a simulated VLAN', () => {
  for (const topology of TOPOLOGIES)
    for (const scenario of SCENARIOS)
      it(`keeps every invariant: ${topology}, ${scenario}`, () => {
        const report = runSmall({ topology, scenario, seed, events: FEW.includes(scenario) ? 1 : 6 })
        assert.deepEqual(report.violations, [], `replay with TEST_SEED=${seed}`)
        assert.equal(report.invariantViolations + report.duplicateDeliveries + report.unreached, 0)
        assert.ok(report.moveMaxMs < 1_000, `${report.moveMaxMs} ms, seed ${seed}`)
        assert.ok(report.convergenceMaxMs < 1_500, `${report.convergenceMaxMs} ms, seed ${seed}`)
      })
})
