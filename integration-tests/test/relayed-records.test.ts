import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { VlanInfo } from '@wakunet/bus'
import { macFromString } from '@wakunet/ethernet'
import { lineGraph } from '@wakunet/netlab'
import {
  ContinuousPing,
  INJECTIONS,
  type Injection,
  MARK_ETHERTYPE,
  ping,
  type Station,
  TappedHost,
  type TestNetwork,
  tappedOn,
  tellFigures,
  useNetwork,
} from '../src/index.ts'

/**
 * A line of three: everything between h1 and h3 crosses h2, which is hostile.
 *
 * ```text
 *   h1 ─── h2 (LaneTap) ─── h3
 * ```
 */
const MIDDLE = 2
/** 16 bytes that `ping` repeats through its payload. */
const SECRET = Buffer.from('nobody reads me!')
const INJECTED = 200
const TRANSFER_SECONDS = 3

interface Fixture {
  readonly vlan: VlanInfo
  readonly left: Station
  readonly right: Station
  readonly middle: TappedHost
}

async function setUp(network: TestNetwork): Promise<Fixture> {
  const { vlan, stations } = await network.vlan('line')
  const [left, , right] = stations as [Station, Station, Station]
  const middle = network.host(MIDDLE)
  assert.ok(middle instanceof TappedHost)
  await network.until('an answer over the host in the middle', async () => {
    return (await ping(left, right.address4, { count: 1 })).received === 1
  })
  return { vlan, left, right, middle }
}

const secretPing = (from: Station, to: Station, count = 20) =>
  from.host.lab.exec('ping', [
    ...['-n', '-c', String(count), '-i', '0.1', '-W', '3', '-s', '1000', '-p', SECRET.toString('hex')],
    to.address4,
  ])

/** Seconds of iperf3; answers megabits a second. */
async function transfer(from: Station, to: Station, options: readonly string[] = []): Promise<number> {
  const server = to.host.lab.spawn('iperf3', ['-s', '-1', '--forceflush', '-B', to.address4])
  await server.waitForOutput(/listening/i)
  const args = ['-c', to.address4, '-t', String(TRANSFER_SECONDS), '--json', ...options]
  const { stdout } = await from.host.lab.exec('iperf3', args, { timeoutMs: 60_000 })
  const { end } = JSON.parse(stdout) as {
    end: Record<'sum_received' | 'sum', { bits_per_second: number } | undefined>
  }
  return Math.round((end.sum_received ?? end.sum)!.bits_per_second / 1e6)
}

async function assertHidden({ left, right, middle }: Fixture): Promise<void> {
  for (const bytes of [SECRET, macBytes(left), macBytes(right)])
    assert.equal(await middle.tap.find(bytes), 0, Buffer.from(bytes).toString('hex'))
}

const macBytes = (station: Station) => macFromString(station.mac)

/** How a reason has grown at a host while something was done. */
async function grown(
  network: TestNetwork,
  station: Station,
  reasons: readonly string[],
  act: () => Promise<unknown>,
): Promise<number[]> {
  const series = reasons.map((reason) => `wakunet_vlan_switch_dropped_total{reason="${reason}"}`)
  const before = await network.metrics(station.host)
  await act()
  const after = await network.metrics(station.host)
  return series.map((name) => (after.get(name) ?? 0) - (before.get(name) ?? 0))
}

/** Marked frames that come out of a station's TAP after so many were injected. */
async function marked(
  { network, left, right, middle }: Fixture & { network: TestNetwork },
  kind: Injection,
): Promise<number> {
  await middle.tap.mode('record')
  await ping(left, right.address4, { count: 2 })
  const capture = await network.capture(right, `ether proto ${MARK_ETHERTYPE}`)
  await middle.tap.inject(kind, left, right, INJECTED)
  // What is sent now comes after all that was injected.
  await ping(left, right.address4, { count: 2 })
  return (await capture.stop()).packets
}

describe('a hostile member that passes records on', () => {
  const fixture = useNetwork(
    {
      name: 'relay',
      shape: tappedOn(`h${MIDDLE}`),
      edges: lineGraph(3),
      programs: ['iperf3'],
      settings: () => ({ trunk: { relay: 'off' } }),
    },
    setUp,
  )

  it('carries ping, TCP and UDP between the two others, and finds neither addresses nor payload in it', async (t) => {
    const { left, right, middle } = fixture()
    await middle.tap.mode('record')
    await secretPing(left, right)
    await assertHidden(fixture())
    const tcp = await transfer(left, right)
    const udp = await transfer(right, left, ['-u', '-b', '20M', '-l', '1200'])
    const { relayed } = await middle.tap.counts()
    tellFigures(t, 'relayed', { records: relayed, tcpMbit: tcp, udpMbit: udp })
    assert.ok(relayed > 100, `${relayed} records went by`)
    await assertHidden(fixture())
  })

  it('changes nothing that is believed, and what it passes on unchanged still counts', async (t) => {
    const { network, left, right, middle } = fixture()
    const [forged, noKey] = await grown(network, right, ['seal-forged', 'seal-no-key'], async () => {
      await middle.tap.mode('modify')
      const { received } = await ping(left, right.address4, { count: 20 })
      assert.equal(received, 20)
      await transfer(left, right)
    })
    const { sent } = await middle.tap.counts()
    tellFigures(t, 'modified', { sent, forged: forged!, otherStart: noKey! })
    assert.ok(sent > 100 && forged! > sent / 4, `${forged} of ${sent} found out by their seal`)
    await middle.tap.mode('honest')
  })

  it('repeats records in vain, at once and later: no frame comes twice', async (t) => {
    const { network, left, right, middle } = fixture()
    const [seen] = await grown(network, right, ['sequence-seen'], async () => {
      await middle.tap.mode('replay')
      const { received, duplicates } = await ping(left, right.address4, { count: 30, intervalSeconds: 0.1 })
      assert.deepEqual([received, duplicates], [30, 0])
    })
    const { sent } = await middle.tap.counts()
    tellFigures(t, 'repeated', { sent, seen: seen! })
    assert.ok(seen! >= 30 * 3, `${seen} of ${sent} repeated records were known`)
    await middle.tap.mode('honest')
  })

  for (const kind of INJECTIONS)
    it(`delivers no frame of its own in the name of another: ${kind}`, async () => {
      const { network } = fixture()
      const reason = { clear: 'unsealed', sealed: 'seal-forged', tree: 'tree-unicast' }[kind]
      const [count] = await grown(network, fixture().right, [reason], async () => {
        assert.equal(await marked(fixture(), kind), 0)
      })
      assert.equal(count, INJECTED, reason)
    })

  it('can drop some, which TCP survives, and after that nothing is left of it', async (t) => {
    const { left, right, middle } = fixture()
    await middle.tap.mode('drop')
    const { received } = await ping(left, right.address4, { count: 20, intervalSeconds: 0.1 })
    assert.ok(received < 20, `${received} of 20 answers although some were dropped`)
    const tcp = await transfer(left, right)
    await middle.tap.mode('honest')
    const after = await ping(left, right.address4, { count: 20, intervalSeconds: 0.1 })
    tellFigures(t, 'dropped', { answered: received, of: 20, tcpMbit: tcp, after: after.received })
    assert.equal(after.received, 20)
  })

  it('does no harm to what goes over its direct trunks meanwhile', async () => {
    const { network, vlan, left, right, middle } = fixture()
    const { joined } = await network.showVlan(left.host, vlan)
    const between = joined!.members.find(({ nodeId }) => nodeId !== right.nodeId)!
    const own = { name: 'middle', nodeId: between.nodeId, address4: between.addresses[0]! } as Station
    const direct = new ContinuousPing(left, own)
    for (const mode of ['modify', 'replay', 'drop'] as const) {
      await middle.tap.mode(mode)
      await ping(left, right.address4, { count: 10, intervalSeconds: 0.1 })
    }
    await middle.tap.mode('honest')
    assert.deepEqual((await direct.stop()).lost, [])
  })

  it('passes on the first packets of a VLAN too: keys come no later than addresses', async (t) => {
    const { network } = fixture()
    const { stations } = await network.vlan('young')
    const [left, , right] = stations as [Station, Station, Station]
    const [unsealed] = await grown(network, left, ['seal-no-key'], async () => {
      const { received, output } = await ping(left, right.address4, { count: 5 })
      assert.equal(received, 5, output)
      tellFigures(t, 'first packets', { answered: received, times: output.match(/time=\S+/g)?.join(' ') })
    })
    assert.equal(unsealed, 0)
  })

  it('tells how much it has passed on, for whom and with which cipher the others seal', async () => {
    const { network, vlan, left, right, middle } = fixture()
    const vlans = (await network.status(middle)).vlans.filter(({ name }) => name === 'line')
    const shown = await network.showVlan(middle, vlan)
    assert.ok(vlans[0]!.relay.records > 100, JSON.stringify(vlans[0]!.relay))
    for (const { nodeId } of [left, right]) {
      const member = shown.joined!.members.find((one) => one.nodeId === nodeId)!
      assert.ok(member.relayed.records > 20, JSON.stringify(member))
    }
    const { joined } = await network.showVlan(left.host, vlan)
    const cipher = joined!.members.find((one) => one.nodeId === right.nodeId)!.cipher
    assert.match(cipher ?? 'none', /gcm|poly1305/)
  })
})

describe('a hostile member that passes records on where nothing is sealed: the negative control', () => {
  const fixture = useNetwork(
    {
      name: 'relayclear',
      shape: tappedOn(`h${MIDDLE}`),
      edges: lineGraph(3),
      programs: ['iperf3'],
      settings: () => ({
        switch: { sealing: { enabled: false } },
        trunk: { relay: 'off' },
      }),
    },
    setUp,
  )

  it('reads addresses and payload', async (t: TestContext) => {
    const { left, right, middle } = fixture()
    await middle.tap.mode('record')
    await secretPing(left, right)
    for (const bytes of [SECRET, macBytes(left), macBytes(right)])
      assert.ok((await middle.tap.find(bytes)) >= 20, Buffer.from(bytes).toString('hex'))
    tellFigures(t, 'relayed in clear', { tcpMbit: await transfer(left, right) })
  })

  for (const kind of ['clear', 'tree'] as const)
    it(`delivers frames in the name of another: ${kind}`, async () => {
      assert.ok((await marked(fixture(), kind)) > 0)
    })
})
