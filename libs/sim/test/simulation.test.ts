import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testSeed } from '@wakunet/testing'
import { Simulation, simulate, simulateVlans } from '../src/index.ts'
import { runSmall } from './support.ts'

const seed = testSeed >>> 0
const PLAN = { subnet4: '10.64.0.0/12', subnet6: 'fd00:57:4b::/64', mtu: 1_400 }

describe('a simulated VLAN', () => {
  it('keeps them while a twentieth of the control records is lost', () => {
    const report = runSmall({ seed, nodes: 16, loss: 0.05, events: 12 })
    assert.equal(report.duplicateDeliveries, 0)
    assert.deepEqual(
      report.violations.filter((what) => !what.includes('did not arrive')),
      [],
      `replay with TEST_SEED=${seed}`,
    )
  })

  it('sends less than 1 kbit/s of control while idle, with 32 trunks each, and no more with more members', () => {
    const [few, many] = [60, 120].map((nodes) => simulate({ nodes, seed, scenario: 'idle', events: 0 }))
    assert.ok(many!.controlBitsPerSecondPerIdleNode < 1_000, `${many!.controlBitsPerSecondPerIdleNode}`)
    assert.ok(many!.controlBitsPerSecondPerIdleNode < 1.1 * few!.controlBitsPerSecondPerIdleNode)
  })

  it('does the same again from the same seed, and something else from another', () => {
    assert.deepEqual(runSmall({ seed: 7 }), runSmall({ seed: 7 }))
    assert.notDeepEqual(runSmall({ seed: 7 }), runSmall({ seed: 8 }))
  })

  it('divides more nodes than a VLAN has members among several VLANs', () => {
    assert.throws(() => simulate({ nodes: 4_097, seed, scenario: 'idle', events: 0 }), RangeError)
    assert.equal(simulateVlans({ nodes: 6, seed: 5, scenario: 'idle', events: 0 }).vlans, 1)
    const { vlans, nodes } = simulateVlans({ nodes: 7, seed: 5, scenario: 'idle', events: 0, vlanMembers: 3 })
    assert.deepEqual([vlans, nodes], [3, 7])
  })
})

describe('the checks of a simulation', () => {
  const started = () => {
    const simulation = new Simulation({ nodes: 8, seed: 3 })
    simulation.start()
    return simulation
  }

  it('notice a switch that drops everything: broadcasts do not reach everybody', () => {
    const simulation = started()
    simulation.network.nodes[0]!.receive = () => {}
    simulation.checkDelivery()
    assert.ok(simulation.probes.unreached > 0)
    assert.equal(simulation.violations, simulation.probes.unreached)
  })

  it('notice a frame that comes twice', () => {
    const simulation = started()
    const node = simulation.network.nodes[0]!
    const probe = simulation.probes.expect(new Set([0]), true)
    simulation.probes.deliver(node, probe)
    simulation.probes.deliver(node, probe)
    assert.equal(simulation.probes.duplicates, 1)
  })

  it('notice trunks that forward in a circle', () => {
    const { watch } = new Simulation({ nodes: 4, seed: 1 }).network
    assert.ok(watch.add(0, 1))
    assert.ok(watch.add(1, 2))
    assert.ok(watch.add(2, 3))
    watch.remove(1, 2)
    assert.ok(watch.add(3, 0))
    assert.equal(watch.add(2, 1), false)
    assert.equal(watch.loops, 1)
    assert.equal(watch.links, 4)
  })

  it('notice an address at two hosts, one without any, and members that do not agree', () => {
    const simulation = started()
    simulation.checkAddresses()
    assert.equal(simulation.violations, 0)
    const [first, second, third, fourth] = simulation.network.nodes
    first!.host.address = second!.host.address
    third!.host.address = new Uint8Array(4)
    simulation.checkAddresses()
    assert.equal(simulation.addressConflicts, 2)
    fourth!.addressing!.setPlan({ ...PLAN, pool4: { first: '10.64.0.2', last: '10.64.0.3' } }, 5_000)
    simulation.checkAddresses()
    assert.ok(simulation.described.some((what) => what.includes('do not know the same leases')))
  })

  it('notice that hosts of two halves keep one address: with nobody to tell, healing does not help', () => {
    const options = { nodes: 8, seed: 3, scenario: 'leases', events: 1 } as const
    assert.equal(simulate(options).addressConflicts, 0)
    const deaf = simulate({
      ...options,
      onStarted: ({ network }) => {
        for (const { addressing } of network.nodes) addressing!.receiveControl = () => {}
      },
    })
    assert.ok(deaf.addressConflicts > 0)
    assert.equal(deaf.invariantViolations, deaf.addressConflicts)
  })
})
