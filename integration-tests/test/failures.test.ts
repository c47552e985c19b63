import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { VlanInfo } from '@wakunet/bus'
import {
  ContinuousPing,
  forEachShape,
  type Host,
  ping,
  SERVICES,
  type Station,
  TcpTicker,
  type TestNetwork,
  useNetwork,
} from '../src/index.ts'

/** 3.5 heartbeats of one second (docs/protocols/trunk.md). */
const HEARTBEAT_LIMIT_MS = 3_500
/** The clock of the trunk's own checks, and what looking takes on a busy machine. */
const LOOKING_MS = 1_500
const NATS_OUTAGE_MS = 30_000
const STATUS_AFTER_NATS_MS = 5_000

interface Fixture {
  readonly vlan: VlanInfo
  readonly stations: Station[]
}

const setUp = (network: TestNetwork): Promise<Fixture> => network.vlan('lan')

/** `host` has only `left` trunks soon enough after something happened to the others. */
async function assertNoticed(
  network: TestNetwork,
  host: Host,
  left: number,
  happenedMs: number,
): Promise<void> {
  await network.until(`${host.name} to have ${left} trunks`, async () => {
    return (await network.metrics(host)).get('wakunet_trunk_peer_up_trunks') === left
  })
  const noticedMs = Math.round(performance.now() - happenedMs)
  assert.ok(noticedMs < HEARTBEAT_LIMIT_MS + LOOKING_MS, `${host.name} noticed after ${noticedMs} ms`)
}

/** The others have taken `gone` out of their peers and members. */
async function assertGone(network: TestNetwork, { vlan, stations }: Fixture, gone: Station): Promise<void> {
  for (const { host } of stations.filter((station) => station !== gone)) {
    const peer = (await network.peers(host)).find(({ nodeId }) => nodeId === gone.nodeId)
    assert.notEqual(peer?.state, 'connected', `${host.name} lists ${gone.name} as connected`)
    await network.until(`${host.name} to show no member ${gone.name}`, async () => {
      const { joined } = await network.showVlan(host, vlan)
      return joined?.members.every(({ nodeId }) => nodeId !== gone.nodeId) ?? false
    })
  }
}

/** Everybody reaches everybody, by every family. */
async function assertAllReachable(stations: readonly Station[]): Promise<void> {
  const pings = stations.flatMap((from) =>
    stations
      .filter((to) => to !== from)
      .flatMap((to) => from.waysTo(to))
      .map(async ({ address }) => {
        const { received, output } = await ping(from, address, { count: 2 })
        assert.equal(received, 2, `${from.name}:\n${output}`)
      }),
  )
  await Promise.all(pings)
}

/** Process ids of everything that must not be restarted. */
function pids(hosts: readonly Host[]): number[] {
  return hosts.flatMap((host) => host.processes.map((process) => process.pid))
}

forEachShape('what goes away', (shape) => {
  const fixture = useNetwork({ name: 'failures', shape }, setUp)

  it('a host: kill -9 is noticed within the heartbeat limit, and it comes back as the one it was', async () => {
    const { network, stations } = fixture()
    const [a, b, c] = stations as [Station, Station, Station]
    const others = [a.host, b.host]
    const before = pids(others)
    const bystanders = new ContinuousPing(a, b)
    await bystanders.answered(3)

    const killedMs = performance.now()
    await c.host.kill('SIGKILL')
    for (const host of others) await assertNoticed(network, host, 1, killedMs)
    await assertGone(network, fixture(), c)

    await c.host.start()
    await network.allKnowEachOther(fixture().vlan, stations)
    const { node, vlans } = await network.status(c.host)
    assert.equal(node.nodeId, c.nodeId)
    assert.deepEqual(
      vlans.map((port) => [port.interface, port.mac]),
      [[c.interface, c.mac]],
    )
    await assertAllReachable(stations)
    assert.deepEqual(pids(others), before, 'nothing else was restarted')
    const { lost, duplicates } = await bystanders.stop()
    assert.deepEqual({ lost, duplicates }, { lost: [], duplicates: 0 }, 'the other two lost nothing')
  })

  it('a cable: its cut is noticed within the heartbeat limit, and a TCP connection outlives the cut', async (t) => {
    const { network, stations } = fixture()
    const [a, b, c] = stations as [Station, Station, Station]
    const before = pids(network.hosts)
    const bystanders = new ContinuousPing(a, b)
    const ticker = await TcpTicker.start(a, c)
    await bystanders.answered(3)

    await c.host.lab.setLink('down')
    const cutMs = performance.now()
    for (const [host, left] of [
      [a.host, 1],
      [b.host, 1],
      [c.host, 0],
    ] as const)
      await assertNoticed(network, host, left, cutMs)
    await assertGone(network, fixture(), c)

    await c.host.lab.setLink('up')
    const pluggedMs = performance.now()
    await network.allKnowEachOther(fixture().vlan, stations)
    t.diagnostic(
      `all know each other ${Math.round(performance.now() - pluggedMs)} ms after the cable was back`,
    )
    await assertAllReachable(stations)
    const { sent, received, inOrder } = await ticker.stop()
    assert.deepEqual({ received, inOrder }, { received: sent, inOrder: true })
    assert.deepEqual(pids(network.hosts), before, 'nothing was restarted')
    assert.deepEqual((await bystanders.stop()).lost, [], 'the other two lost nothing')
  })

  // In one process there is no service that could go away by itself.
  if (shape !== SERVICES) return

  for (const service of ['trunk-peer', 'vlan-switch']) {
    it(`a service: ${service} comes back after kill -9, and a TCP connection outlives it`, async () => {
      const { network, stations } = fixture()
      const [a, b, c] = stations as [Station, Station, Station]
      const bystanders = new ContinuousPing(a, b)
      const ticker = await TcpTicker.start(a, c)
      await bystanders.answered(3)
      const untouched = () =>
        network.hosts.flatMap((host) => host.processes).filter(({ name }) => name !== service)
      const before = untouched().map((process) => process.pid)

      await c.host.kill('SIGKILL', service)
      await c.host.start(service)
      await network.allKnowEachOther(fixture().vlan, stations)
      await assertAllReachable(stations)
      const { sent, received, inOrder } = await ticker.stop()
      assert.deepEqual({ received, inOrder }, { received: sent, inOrder: true })
      assert.deepEqual(
        untouched().map((process) => process.pid),
        before,
        'nothing else was restarted',
      )
      assert.deepEqual((await bystanders.stop()).lost, [], 'the other two lost nothing')
    })
  }

  it('NATS: 30 s without it on every host stop no established traffic', async (t) => {
    const { network, stations } = fixture()
    const [a, b, c] = stations as [Station, Station, Station]
    const pings = [new ContinuousPing(a, b), new ContinuousPing(b, c), new ContinuousPing(c, a)]
    const ticker = await TcpTicker.start(a, c)
    await Promise.all(pings.map((one) => one.answered(3)))

    await Promise.all(network.hosts.map((host) => host.kill('SIGTERM', 'nats-server')))
    await pause(NATS_OUTAGE_MS)
    await Promise.all(network.hosts.map((host) => host.start('nats-server')))
    const backMs = performance.now()
    await Promise.all(
      network.hosts.map((host) =>
        network.until(`wakunet status on ${host.name}`, async () => {
          const { node, vlans } = await network.status(host)
          return node.peersConnected === 2 && vlans.length === 1
        }),
      ),
    )
    const statusMs = performance.now() - backMs
    assert.ok(statusMs < STATUS_AFTER_NATS_MS, `wakunet status worked after ${statusMs} ms`)

    for (const one of pings) {
      const { what, sent, lost } = await one.stop()
      assert.ok(sent > (NATS_OUTAGE_MS / 1_000) * 4, `${what}: only ${sent} requests`)
      assert.deepEqual(lost, [], what)
    }
    const { sent, received, inOrder, longestGapMs } = await ticker.stop()
    assert.deepEqual({ received, inOrder }, { received: sent, inOrder: true })
    assert.ok(longestGapMs < 2_000, `the TCP connection stood still for ${longestGapMs} ms`)
    t.diagnostic(`status after ${Math.round(statusMs)} ms, longest gap of TCP ${longestGapMs} ms`)

    // Control works as before: a new VLAN can be made and joined.
    const second = await network.vlan('second', [a.host, b.host])
    await assertAllReachable(second.stations)
  })
})
