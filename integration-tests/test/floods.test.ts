import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { VlanInfo } from '@wakunet/bus'
import {
  ATTACK_PROGRAMS,
  ContinuousPing,
  DhcpClient,
  EMBEDDED,
  NO_GUARDS,
  runFor,
  type Station,
  sendFrames,
  spreadOf,
  startFrames,
  type TestNetwork,
  tellFigures,
  useNetwork,
} from '../src/index.ts'

/** ATTACKS.md names 10^6 and 10^7: set these for the whole of it. */
const FLOOD_FRAMES = Number(process.env.TEST_FLOOD_FRAMES ?? 150_000)
const MALFORMED_FRAMES = Number(process.env.TEST_MALFORMED_FRAMES ?? 150_000)
const PER_SECOND = 40_000
/** Leases of an honest client; ATTACKS.md names 100. */
const LEASES = Number(process.env.TEST_TRIALS ?? 5)
const LEASE_GOAL_MS = 2_000
/** Of dsniff macof, which sends them at once. */
const MACOF_FRAMES = 50_000
/** MAC addresses behind one member, by default. */
const MACS_PER_MEMBER = 1_024
/** Buffers and compiled code come and go; 10^6 addresses in a table would be more. */
const MEMORY_LIMIT_BYTES = 96 * 1024 * 1024

interface Fixture {
  readonly vlan: VlanInfo
  readonly victim: Station
  readonly attacker: Station
  readonly honest: Station
  /** Its table has no limit worth the name: the control. */
  readonly open: Station
}

async function setUp(network: TestNetwork): Promise<Fixture> {
  const { vlan, stations } = await network.vlan('lan')
  const [victim, attacker, honest, open] = stations as [Station, Station, Station, Station]
  return { vlan, victim, attacker, honest, open }
}

describe('floods of a hostile member', () => {
  const fixture = useNetwork(
    {
      name: 'floods',
      shape: EMBEDDED,
      nodes: 4,
      settings: (number) => {
        if (number === 2) return { switch: NO_GUARDS }
        return number === 4
          ? { switch: { fdb: { maxEntries: 1_048_576, maxEntriesPerMember: 1_048_576 } } }
          : {}
      },
      programs: [...ATTACK_PROGRAMS, 'udhcpc', 'dmesg'],
    },
    setUp,
  )

  const fdbEntries = async (station: Station) =>
    (await fixture().network.showVlan(station.host, fixture().vlan)).joined?.port.fdbEntries ?? 0
  const memory = (station: Station) => station.host.processes[0]!.residentBytes()
  const mebibytes = (bytes: number) => Math.round(bytes / 1024 / 1024)

  it('L1: tables stay within their bounds, memory is flat, and known unicast is not flooded', async (t) => {
    const { network, victim, attacker, honest, open } = fixture()
    const pings = new ContinuousPing(victim, honest)
    await pings.answered(2)
    const [before, memoryBefore] = [await fdbEntries(victim), await memory(victim)]
    const strays = await network.capture(
      attacker,
      `icmp and host ${victim.address4} and host ${honest.address4}`,
    )
    const startMs = performance.now()
    const options = { count: FLOOD_FRAMES, rate: PER_SECOND }
    await sendFrames(attacker, 'macs', { ...options, dst: victim.mac })
    const seconds = (performance.now() - startMs) / 1_000
    const [after, memoryAfter] = [await fdbEntries(victim), await memory(victim)]
    await sendFrames(attacker, 'macs', { ...options, count: 20_000, dst: open.mac })
    const control = await fdbEntries(open)
    const { lost } = await pings.stop()
    const strayed = (await strays.stop()).packets
    tellFigures(t, 'MAC flood', {
      addresses: FLOOD_FRAMES,
      seconds: Math.round(seconds),
      entriesBefore: before,
      entriesAfter: after,
      entriesWithoutLimit: control,
      memoryMiB: [mebibytes(memoryBefore), mebibytes(memoryAfter)],
      pingsLost: lost.length,
      strayed,
    })
    assert.ok(after - before <= MACS_PER_MEMBER, `${after} entries`)
    assert.ok(control > MACS_PER_MEMBER, `the control: ${control} entries where there is no limit`)
    assert.ok(memoryAfter - memoryBefore < MEMORY_LIMIT_BYTES)
    assert.equal(strayed, 0)
    assert.deepEqual(lost, [], 'honest pings were lost')
  })

  it('L1: dsniff macof does not fill the tables of others; it does where there is no limit', async (t) => {
    const { attacker, honest, open } = fixture()
    const grownBy = async (target: Station) => {
      const before = await fdbEntries(target)
      const args = ['-i', attacker.interface, '-e', target.mac, '-n', String(MACOF_FRAMES)]
      await runFor(attacker, 15_000, 'macof', args)
      return (await fdbEntries(target)) - before
    }
    const [guarded, control] = [await grownBy(honest), await grownBy(open)]
    tellFigures(t, 'macof', { frames: MACOF_FRAMES, entries: guarded, entriesWithoutLimit: control })
    assert.ok(guarded <= MACS_PER_MEMBER, `${guarded} entries`)
    assert.ok(control > MACS_PER_MEMBER, `the control: ${control} entries where there is no limit`)
  })

  it('L5: an honest client gets its lease soon while others ask in the name of everybody', async (t) => {
    const { network, attacker, honest } = fixture()
    const vlan = await network.createVlan('leases', ['--lease', '2m'])
    const attackPort = await network.joinPort(attacker.host, vlan, ['--address', 'dhcp'])
    const port = await network.joinPort(honest.host, vlan, ['--address', 'dhcp'])
    const from = { ...attacker, host: attacker.host, interface: attackPort.interface } as unknown as Station
    const attacks = [
      from.host.lab.spawn('yersinia', ['dhcp', '-attack', '1', '-interface', attackPort.interface]),
      from.host.lab.spawn('dhcpig', ['-c', '-o', attackPort.interface]),
      startFrames(from, 'dhcp-client', { rate: 2_000 }),
      startFrames(from, 'dhcp-client', { rate: 2_000, own: 1 }),
    ]
    const tookMs: number[] = []
    for (let number = 0; number < LEASES; number++) {
      const hostname = `honest-${number}`
      const startMs = performance.now()
      const client = DhcpClient.start({
        kind: 'udhcpc',
        host: honest.host.lab,
        interface: port.interface,
        hostname,
      })
      await client.address()
      tookMs.push(Math.round(performance.now() - startMs))
      await client.kill()
    }
    await Promise.all(attacks.map((attack) => attack.stop({ signal: 'SIGKILL' })))
    const inTime = tookMs.filter((ms) => ms <= LEASE_GOAL_MS).length
    tellFigures(t, 'DHCP starvation', { leases: LEASES, inTime, tookMs: spreadOf(tookMs) })
    assert.equal(tookMs.length, LEASES)
    assert.ok(spreadOf(tookMs).p50 < LEASE_GOAL_MS, tookMs.join(' '))
    for (const host of [attacker.host, honest.host]) await network.cli(host, ['vlan', 'leave', vlan.ref])
  })

  it('L12: malformed frames crash nobody and trouble no kernel', async (t) => {
    const { network, attacker, victim, honest, open } = fixture()
    const kernelSays = async () =>
      (await victim.host.lab.exec('dmesg', [])).stdout
        .split('\n')
        .filter((line) => /wk-|warn|bug|oops|trace/i.test(line))
    const spoken = (await kernelSays()).length
    const pids = [victim, attacker, honest, open].map(({ host }) => host.processes[0]!.pid)
    const memoryBefore = await memory(victim)
    const dst = [victim, honest, open].map(({ mac }) => mac).join(',')
    const sent = await sendFrames(attacker, 'malformed', { dst, count: MALFORMED_FRAMES })
    const pings = new ContinuousPing(victim, honest)
    await pings.answered(3)
    const { lost } = await pings.stop()
    const { joined } = await network.showVlan(victim.host, fixture().vlan)
    const drops = Object.entries(joined?.drops ?? {}).filter(([, count]) => count > 0)
    tellFigures(t, 'malformed frames', {
      sent,
      memoryMiB: [mebibytes(memoryBefore), mebibytes(await memory(victim))],
      drops: Object.fromEntries(drops),
    })
    assert.deepEqual(
      [victim, attacker, honest, open].map(({ host }) =>
        host.processes.every((process) => process.isRunning),
      ),
      [true, true, true, true],
    )
    assert.deepEqual(
      [victim, attacker, honest, open].map(({ host }) => host.processes[0]!.pid),
      pids,
    )
    assert.deepEqual((await kernelSays()).slice(spoken), [])
    assert.deepEqual(lost, [])
  })
})
