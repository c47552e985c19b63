import assert from 'node:assert/strict'
import { it } from 'node:test'
import { OFFLOAD_FAULTS } from '@wakunet/ethernet'
import type { Capture } from '@wakunet/netlab'
import { testSeed } from '@wakunet/testing'
import {
  ContinuousPing,
  forEachShape,
  HostileProcess,
  type KnownStation,
  LYING_HINTS,
  MARK_ETHERTYPE,
  RECORD_ATTACKS,
  REPLAY_COUNTER,
  type Station,
  type TestNetwork,
  TRUNK_ATTACKS,
  TRUNK_PORT,
  useNetwork,
} from '../src/index.ts'

const TRUNKS_TO_BREAK = 10
const HONEST_RECORDS = 30
const REPLAYS = 1_000
/** Buffers grow to their limits and V8 collects late; records of this test come to more than 100 MB. */
const MAX_GROWTH_BYTES = 96 * 1024 * 1024

interface Fixture {
  readonly victim: Station
  readonly bystander: Station
  readonly attacker: HostileProcess
}

const known = ({ nodeId, mac, address4, address6 }: Station): KnownStation => ({
  nodeId,
  mac,
  address4,
  address6,
})

async function setUp(network: TestNetwork): Promise<Fixture> {
  const { vlan, stations } = await network.vlan('target')
  const other = await network.vlan('other', [network.host(1)])
  const [victim, bystander] = stations as [Station, Station]
  const attacker = await HostileProcess.start(network.lab.host(4), {
    address: `/ip4/${victim.host.lab.address4}/tcp/${TRUNK_PORT}`,
    victim: known(victim),
    bystander: known(bystander),
    vlanId: vlan.id,
    otherVlanId: other.vlan.id,
    mtu: vlan.mtu,
    seed: testSeed,
  })
  const capture = await captureHostile(network, victim, attacker)
  await network.until('a frame of the attacker: it is a member', async () => {
    await attacker.sendHonest(1)
    return capture.packets > 0
  })
  await capture.stop()
  return { victim, bystander, attacker }
}

/** Everything that comes from the attacker, and what it sends in the name of others. */
function captureHostile(network: TestNetwork, station: Station, attacker: HostileProcess): Promise<Capture> {
  return network.capture(station, `ether src ${attacker.mac} or ether proto ${MARK_ETHERTYPE}`)
}

/** Runs `act` and waits until `counter` of the victim has grown by `times`, neither more nor less. */
async function assertCounted(
  network: TestNetwork,
  victim: Station,
  counter: string,
  times: number,
  act: () => Promise<void>,
): Promise<void> {
  const before = await network.metrics(victim.host)
  await act()
  let now = before
  const grown = (series: string) => (now.get(series) ?? 0) - (before.get(series) ?? 0)
  try {
    await network.until(`${counter} to grow by ${times}`, async () => {
      now = await network.metrics(victim.host)
      return grown(counter) >= times
    })
  } catch (cause) {
    const others = [...now.keys()].filter((series) => /reason=|_relay_/.test(series) && grown(series) > 0)
    const told = others.map((series) => `${series}: ${grown(series)}`).join('\n')
    throw new Error(`${counter} did not grow by ${times}; what did:\n${told}`, { cause })
  }
  assert.equal(grown(counter), times, counter)
}

forEachShape('a hostile member of a VLAN', (shape) => {
  const fixture = useNetwork({ name: 'hostile', shape, bareHosts: 1 }, setUp)

  it('can send what an honest member sends: the attacks below fail for their own reason', async () => {
    const { network, victim, bystander, attacker } = fixture()
    const capture = await captureHostile(network, victim, attacker)
    const elsewhere = await captureHostile(network, bystander, attacker)
    await attacker.sendHonest(HONEST_RECORDS)
    await network.until('all honest frames', async () => capture.packets >= HONEST_RECORDS)
    assert.equal((await capture.stop()).packets, HONEST_RECORDS)
    assert.equal((await elsewhere.stop()).packets, 0, 'the victim does not pass them on')
  })

  it('is heard once where it repeats itself', async () => {
    const { network, victim, attacker } = fixture()
    const capture = await captureHostile(network, victim, attacker)
    await assertCounted(network, victim, REPLAY_COUNTER, REPLAYS, () => attacker.replay(REPLAYS))
    assert.equal((await capture.stop()).packets, 1)
  })

  it('gets no bad record through, each is counted for its reason, and nobody else suffers', async (t) => {
    const { network, victim, bystander, attacker } = fixture()
    const capture = await captureHostile(network, victim, attacker)
    const honest = [new ContinuousPing(bystander, victim), new ContinuousPing(victim, bystander)]
    await Promise.all(honest.map((one) => one.answered(3)))
    const before = await residentBytes(victim)

    for (const attack of RECORD_ATTACKS) {
      await assertCounted(network, victim, attack.counter, attack.times, () => attacker.sendRecords(attack))
    }

    const growth = (await residentBytes(victim)) - before
    t.diagnostic(`memory of the victim grew by ${Math.round(growth / 1024 ** 2)} MiB`)
    assert.ok(growth < MAX_GROWTH_BYTES, `memory grew by ${growth} bytes`)
    for (const one of honest) assert.deepEqual((await one.stop()).lost, [])
    // What is sent now comes after all that was sent before.
    assert.equal(capture.packets, 0, capture.lines.join('\n'))
    await attacker.sendHonest(1)
    await network.until('an honest frame after all', async () => capture.packets === 1)
    await capture.stop()
  })

  it('cannot take the MAC of another member by announcing it: a MAC follows from a node id', async () => {
    const { network, victim, bystander, attacker } = fixture()
    const honest = new ContinuousPing(victim, bystander)
    await honest.answered(3)
    await attacker.claimMac(bystander.mac)
    const spoofing = RECORD_ATTACKS.find(({ name }) => name === 'from a MAC of another member')!
    await assertCounted(network, victim, spoofing.counter, spoofing.times, () =>
      attacker.sendRecords(spoofing),
    )
    await attacker.claimMac(attacker.mac)
    assert.deepEqual((await honest.stop()).lost, [])
  })

  it('loses its trunk when it breaks the protocol, is counted, and nobody else suffers', async (t) => {
    const { network, victim, bystander, attacker } = fixture()
    const honest = new ContinuousPing(bystander, victim)
    await honest.answered(3)
    const pids = victim.host.processes.map((process) => process.pid)
    const before = await residentBytes(victim)

    for (const attack of TRUNK_ATTACKS) {
      await assertCounted(network, victim, attack.counter, TRUNKS_TO_BREAK, () =>
        attacker.breakTrunks(attack, TRUNKS_TO_BREAK),
      )
    }

    const growth = (await residentBytes(victim)) - before
    t.diagnostic(`memory of the victim grew by ${Math.round(growth / 1024 ** 2)} MiB`)
    assert.ok(growth < MAX_GROWTH_BYTES, `memory grew by ${growth} bytes`)
    assert.deepEqual((await honest.stop()).lost, [])
    assert.deepEqual(
      victim.host.processes.map((process) => process.pid),
      pids,
    )
    assert.equal((await network.status(victim.host)).node.peersConnected, 2, 'its honest trunks stand')
  })
})

it('the lying offload headers cover every way in which one can lie over a trunk', () => {
  const refusedByTheRecord = ['flags', 'frame-length']
  const covered = new Set<string>([...LYING_HINTS.map(({ fault }) => fault), ...refusedByTheRecord])
  assert.deepEqual([...covered].sort(), [...OFFLOAD_FAULTS].sort())
})

async function residentBytes(station: Station): Promise<number> {
  const sizes = await Promise.all(station.host.processes.map((process) => process.residentBytes()))
  return sizes.reduce((sum, size) => sum + size, 0)
}
