import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { PortInfo, VlanInfo } from '@wakunet/bus'
import { type Capture, Lab, type LabHost } from '@wakunet/netlab'
import { requireRoot } from '@wakunet/testing'
import {
  BridgedLan,
  DhcpClient,
  EMBEDDED,
  type Host,
  monotonicMs,
  SERVICES,
  type Shape,
  type Station,
  type TestNetwork,
  tellFigures,
  useNetwork,
} from '../src/index.ts'

/** Cables that are plugged in between two members that both forward (ATTACKS.md, L9). */
const LOOP_TRIALS = Number(process.env.TEST_TRIALS ?? 5)
const PORT = 5_101
/** When a frame that loops must be gone, and for how long its copies are looked for then. */
const COPIES_AFTER_MS = 1_000
const COPIES_FOR_MS = 250
/** A forwarder that dies is missed after a second; the rest is that of one trunk. */
const FAILOVER_LIMIT_MS = 10_000

interface Scene {
  readonly vlan: VlanInfo
  readonly lan: BridgedLan
  /** Hosts whose `br0` joined the VLAN, and who both have the LAN behind it. */
  readonly bridging: readonly [Host, Host]
  /** A member far away. */
  readonly remote: Station
  /** A plain host on the LAN. */
  readonly pc: LabHost
  readonly pcAddress: string
}

/** An address of the VLAN's subnet that no member takes by itself: near its end. */
function highAddress(
  { subnet4 }: VlanInfo,
  fromEnd: number,
): { address: string; cidr: string; broadcast: string } {
  const [network = '', length = ''] = subnet4.split('/')
  const start = network.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
  const end = start + 2 ** (32 - Number(length)) - 1
  const text = (value: number) =>
    [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
  const address = text(end - fromEnd)
  return { address, cidr: `${address}/${length}`, broadcast: text(end) }
}

/** Two members bridge the LAN of host 5, a PC on host 6 is on it; host 3 and 4 are members as all others. */
async function setUp(network: TestNetwork, stp: boolean): Promise<Scene> {
  const [one, two, three] = [network.host(1), network.host(2), network.host(3)]
  const [center, pc] = network.lab.hosts.slice(3) as [LabHost, LabHost]
  const lan = await BridgedLan.create(center, { stp })
  await lan.plug(one.lab, { bridge: true })
  await lan.plug(two.lab, { bridge: true })
  await lan.plug(pc, { bridge: false })
  const vlan = await network.createVlan('office')
  for (const host of [one, two]) await network.joinPort(host, vlan, ['--bridge', 'br0'])
  const remote = await network.join(three, vlan)
  const { cidr, address } = highAddress(vlan, 6)
  await pc.ip([`addr add ${cidr} dev lan0`])
  const scene: Scene = { vlan, lan, bridging: [one, two], remote, pc, pcAddress: address }
  await converged(network, scene)
  return scene
}

async function lanOf(
  network: TestNetwork,
  host: Host,
  vlan: VlanInfo,
): Promise<NonNullable<PortInfo['lan']>> {
  const { joined } = await network.showVlan(host, vlan)
  assert.ok(joined?.port.lan !== undefined, 'the port is no port of a bridge')
  return joined.port.lan
}

/** Waits until exactly one of the two forwards and the other knows of it. @returns forwarder first */
async function converged(network: TestNetwork, { bridging, vlan }: Scene): Promise<[Host, Host]> {
  return network.until('one designated forwarder', async () => {
    const [one, two] = await Promise.all(bridging.map((host) => lanOf(network, host, vlan)))
    if (one!.forwarding === two!.forwarding || one!.neighbours.length !== 1 || two!.neighbours.length !== 1)
      return false
    return one!.forwarding ? [bridging[0], bridging[1]] : [bridging[1], bridging[0]]
  })
}

async function pings(from: LabHost, address: string, count = 5): Promise<string> {
  const args = ['-n', '-c', String(count), '-i', '0.2', '-W', '2', address]
  const { stdout } = await from.exec('ping', args, { allowFailure: true })
  return /(\d+ received.*)% packet loss/.exec(stdout)?.[1] ?? stdout
}

async function broadcast(from: LabHost, to: string, text: string): Promise<void> {
  await from.exec('socat', ['-u', 'STDIN', `UDP4-DATAGRAM:${to}:${PORT},broadcast`], { input: text })
}

async function countAfter(captures: readonly Capture[], action: () => Promise<void>): Promise<number[]> {
  await action()
  await pause(1_000)
  return Promise.all(captures.map(async (capture) => (await capture.stop()).packets))
}

/** Tells how long a host did not hear another one while something happened. */
async function outageDuring(
  from: LabHost,
  address: string,
  action: () => Promise<void>,
): Promise<{ outageMs: number; duplicates: number }> {
  const ping = from.spawn('ping', ['-n', '-D', '-O', '-i', '0.05', address])
  await pause(1_000)
  const startMs = monotonicMs()
  await action()
  const answers = () => [...ping.output().stdout.matchAll(/^\[([\d.]+)\] \d+ bytes from.*$/gm)]
  const before = answers().length
  while (monotonicMs() - startMs < FAILOVER_LIMIT_MS && answers().length < before + 40) await pause(100)
  await pause(1_000)
  await ping.stop({ signal: 'SIGINT' })
  const times = answers().map(([, seconds]) => Number(seconds) * 1_000)
  let outageMs = 0
  for (const [i, time] of times.entries()) if (i > 0) outageMs = Math.max(outageMs, time - times[i - 1]!)
  assert.ok(times.length > before + 20, 'nothing came back')
  return { outageMs: Math.round(outageMs), duplicates: ping.output().stdout.split('DUP!').length - 1 }
}

function suite(shape: Shape, stp: boolean): void {
  describe(`two members that bridge one LAN, its spanning tree ${stp ? 'on' : 'off'} (${shape.name})`, () => {
    const fixture = useNetwork(
      { name: stp ? 'bridgestp' : 'bridge', shape, nodes: 3, bareHosts: 2, programs: ['udhcpc', 'dnsmasq'] },
      (network) => setUp(network, stp),
    )

    it('carry ping between the LAN and a member far away, without loss or duplicates', async () => {
      const { remote, pc, pcAddress } = fixture()
      await pings(pc, remote.address4, 2)
      assert.equal(await pings(pc, remote.address4), '5 received, 0')
      assert.equal(await pings(remote.host.lab, pcAddress), '5 received, 0')
    })

    it('show who forwards, in JSON and for people', async () => {
      const { network, ...scene } = fixture()
      const [forwarder, other] = await converged(network, scene)
      const { node } = await network.status(forwarder)
      const lan = await lanOf(network, other, scene.vlan)
      assert.deepEqual(lan, {
        bridge: 'br0',
        forwarding: false,
        forwarder: node.nodeId,
        neighbours: [node.nodeId],
      })
      const { stdout } = await network.cliResult(other, ['vlan', 'show', scene.vlan.ref])
      assert.match(stdout, /LAN +blocked: .* is the designated forwarder/)
      const { joined } = await network.showVlan(other, scene.vlan)
      assert.deepEqual([joined?.port.addresses, joined?.port.addressMode], [[], 'none'])
    })

    it('tell hosts of the LAN what is too large for the VLAN', async () => {
      const { vlan, remote, pc } = fixture()
      const ask = (packetBytes: number) =>
        pc.exec(
          'ping',
          ['-n', '-c', '1', '-W', '2', '-M', 'do', '-s', String(packetBytes - 28), remote.address4],
          {
            allowFailure: true,
          },
        )
      assert.ok(vlan.mtu < 1_500, 'a LAN has 1,500')
      assert.match((await ask(1_500)).stdout, new RegExp(`From ${remote.address4} .*mtu = ${vlan.mtu}`))
      assert.match((await ask(vlan.mtu)).stdout, /1 received/)
      await pc.exec('ip', ['route', 'flush', 'cache'])
    })

    it('bring a broadcast of the LAN to every member once, and none back; and one of a member to the LAN once', async () => {
      const { network, vlan, remote, pc } = fixture()
      const { broadcast: everybody } = highAddress(vlan, 0)
      const filter = `udp dst port ${PORT}`
      const captures = [
        await network.lab.capture(remote.host.lab, remote.interface, filter),
        await network.lab.capture(pc, 'lan0', filter),
      ]
      // The PC hears itself once, when it sends.
      assert.deepEqual(await countAfter(captures, () => broadcast(pc, everybody, 'from the LAN')), [1, 1])
      const more = [
        await network.lab.capture(remote.host.lab, remote.interface, filter),
        await network.lab.capture(pc, 'lan0', filter),
      ]
      assert.deepEqual(
        await countAfter(more, () => broadcast(remote.host.lab, everybody, 'to the LAN')),
        [1, 1],
      )
    })

    it(`never loop for long when their LANs are joined, ${LOOP_TRIALS} times`, async (t: TestContext) => {
      const { network, vlan, lan, bridging, remote, pc, pcAddress } = fixture()
      const { broadcast: everybody } = highAddress(vlan, 0)
      const copies: number[] = []
      const filter = `udp dst port ${PORT}`
      const captures = await Promise.all([
        network.lab.capture(remote.host.lab, remote.interface, filter),
        network.lab.capture(pc, 'lan0', filter),
      ])
      for (let trial = 0; trial < LOOP_TRIALS; trial++) {
        await lan.cut(bridging[1].lab)
        await network.until('a forwarder in each part', async () => {
          const both = await Promise.all(bridging.map((host) => lanOf(network, host, vlan)))
          return both.every(({ forwarding }) => forwarding)
        })
        await lan.heal(bridging[1].lab)
        // While both may still forward.
        await broadcast(pc, everybody, `trial ${trial}`)
        await pause(COPIES_AFTER_MS)
        const before = captures.map(({ packets }) => packets)
        await pause(COPIES_FOR_MS)
        copies.push(...captures.map(({ packets }, i) => packets - before[i]!))
        await converged(network, fixture())
      }
      await Promise.all(captures.map((capture) => capture.stop()))
      tellFigures(t, `bridge-loop, spanning tree ${stp ? 'on' : 'off'}, ${shape.name}`, {
        trials: LOOP_TRIALS,
        copiesAfter1s: Math.max(...copies),
      })
      assert.ok(Math.max(...copies) <= 2, `copies after a second: ${copies.join(' ')}`)
      // The LAN's own spanning tree takes its time.
      await network.until('the LAN to be reached', async () =>
        /^3 received/.test(await pings(remote.host.lab, pcAddress, 3)),
      )
    })

    it('serve the bridge of their own host and the LAN behind it by DHCP', async () => {
      const { network, bridging, remote } = fixture()
      for (const { lab } of bridging) {
        const client = DhcpClient.start({
          kind: 'udhcpc',
          host: lab,
          interface: 'br0',
          hostname: `br-${lab.name}`,
        })
        const address = await client.address()
        assert.equal(await pings(lab, remote.address4), '5 received, 0')
        assert.equal(await pings(remote.host.lab, address), '5 received, 0')
        await client.kill()
      }
      assert.equal(network.lab.hosts.length, 5)
    })

    it('heal when the forwarder is killed', async (t: TestContext) => {
      const { network, remote, pc, ...scene } = fixture()
      const [forwarder, other] = await converged(network, { ...scene, remote, pc })
      await pc.ip([`addr flush dev lan0`])
      const client = DhcpClient.start({ kind: 'udhcpc', host: pc, interface: 'lan0', hostname: 'pc' })
      const leased = await client.address()
      assert.equal(await pings(remote.host.lab, leased), '5 received, 0')
      await pings(pc, remote.address4, 2)
      const { outageMs, duplicates } = await outageDuring(pc, remote.address4, () =>
        forwarder.kill('SIGKILL'),
      )
      tellFigures(t, 'bridge-failover', { stp, outageMs, duplicates })
      assert.ok(outageMs < FAILOVER_LIMIT_MS)
      assert.equal(duplicates, 0)
      assert.equal(await pings(remote.host.lab, leased), '5 received, 0')
      assert.ok((await lanOf(network, other, scene.vlan)).forwarding)
      await forwarder.start()
      await network.ready(forwarder)
      await converged(network, { ...scene, remote, pc })
      assert.ok((await lanOf(network, other, scene.vlan)).forwarding, 'who forwards goes on')
      assert.equal(await pings(pc, remote.address4), '5 received, 0')
    })

    // The last one: the switches leave DHCP alone for a long time after it.
    it('leave DHCP to a server that the LAN has', async () => {
      const { network, pc, bridging, vlan, ...scene } = fixture()
      await pc.ip(['addr add 192.168.77.1/24 dev lan0'])
      const server = pc.spawn('dnsmasq', [
        '--no-daemon',
        '--conf-file=/dev/null',
        '--port=0',
        '--interface=lan0',
        '--bind-interfaces',
        '--dhcp-authoritative',
        '--no-ping',
        `--dhcp-leasefile=${pc.directory}/leases`,
        '--dhcp-range=192.168.77.10,192.168.77.99,1h',
      ])
      // Whoever begins to serve the LAN asks who else gives out addresses there.
      const [forwarder] = await converged(network, { vlan, pc, bridging, ...scene })
      await forwarder.stop()
      await forwarder.start()
      await network.ready(forwarder)
      await converged(network, { vlan, pc, bridging, ...scene })
      await pause(3_000)
      for (let i = 0; i < 3; i++) {
        const client = DhcpClient.start({
          kind: 'udhcpc',
          host: bridging[0].lab,
          interface: 'br0',
          hostname: 'br',
        })
        assert.match(await client.address(), /^192\.168\.77\./)
        await client.kill()
      }
      await server.stop({ signal: 'SIGTERM' })
      await pc.ip(['addr del 192.168.77.1/24 dev lan0'])
    })
  })
}

it('the control: an ordinary tunnel that joins two bridges of one LAN loops', async (t) => {
  requireRoot()
  const lab = await Lab.create({ name: 'plainloop', hosts: 4 })
  try {
    const [one, two, center, pc] = lab.hosts as [LabHost, LabHost, LabHost, LabHost]
    const lan = await BridgedLan.create(center, { stp: false })
    await lan.plug(one, { bridge: true })
    await lan.plug(two, { bridge: true })
    await lan.plug(pc, { bridge: false })
    await pc.ip(['addr add 198.51.100.9/24 dev lan0'])
    // In the place of the VLAN.
    await lab.connect({ host: one, interface: 'tunnel' }, { host: two, interface: 'tunnel' })
    for (const host of [one, two]) await host.ip(['link set tunnel master br0', 'link set tunnel up'])
    await broadcast(pc, '198.51.100.255', 'round and round')
    await pause(COPIES_AFTER_MS)
    const before = await received(pc)
    await pause(COPIES_FOR_MS)
    const copies = (await received(pc)) - before
    await lan.cut(one)
    tellFigures(t, 'bridge-loop, an ordinary tunnel', { copiesAfter1s: copies })
    assert.ok(copies > 100, `${copies} copies`)
  } finally {
    await lab.stop()
  }
})

/** Frames that have come to a host from the LAN. */
async function received(host: LabHost): Promise<number> {
  const { stdout } = await host.exec('ip', ['-j', '-s', 'link', 'show', 'dev', 'lan0'])
  return (JSON.parse(stdout) as [{ stats64: { rx: { packets: number } } }])[0].stats64.rx.packets
}

suite(EMBEDDED, false)
suite(SERVICES, false)
suite(EMBEDDED, true)
