import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import {
  EMBEDDED,
  IPERF,
  SOCAT,
  STREAM_PORT,
  type Station,
  type Subscriber,
  sendFrames,
  sendStream,
  smcroute,
  type TestNetwork,
  tellFigures,
  useNetwork,
} from '../src/index.ts'

const COUNT = 200
const INTERVAL_MS = 5
/** Until every switch knows who has asked: reports go over several trunks. */
const REPORT_MS = 1_500

/**
 * ```text
 *   h1 ─ h2 ─ h4 ─ h5       h1 sends; h2 and h4 only pass on what goes to h3 and h5
 *         │
 *        h3
 * ```
 */
async function setUp(network: TestNetwork): Promise<{ stations: Station[] }> {
  const vlan = await network.createVlan('lan')
  return { stations: await network.joinAll(vlan) }
}

describe('multicast over a tree of trunks', () => {
  const fixture = useNetwork(
    {
      name: 'multicast',
      shape: EMBEDDED,
      nodes: 5,
      edges: [
        [1, 2],
        [2, 3],
        [2, 4],
        [4, 5],
      ],
      programs: ['python3', 'scapy3', 'iperf', 'smcrouted', 'socat'],
    },
    setUp,
  )

  /** Datagrams of a stream on each station's TAP, the sender's own left out. */
  async function packetsOf(group: string, sender = 1): Promise<number[]> {
    const { network, stations } = fixture()
    const from = stations[sender - 1]!
    const captures = await Promise.all(
      stations.map((station) =>
        network.capture(station, `dst host ${group} and udp dst port ${STREAM_PORT}`),
      ),
    )
    await sendStream(from, { group, count: COUNT, intervalMs: INTERVAL_MS })
    await pause(500)
    const results = await Promise.all(captures.map((capture) => capture.stop()))
    return results.map(({ packets }, index) => (stations[index] === from ? 0 : packets))
  }

  async function force(kind: 'igmp' | 'mld', version: number): Promise<void> {
    for (const { host, interface: name } of fixture().stations) {
      const family = kind === 'igmp' ? 'ipv4' : 'ipv6'
      await host.lab.exec('sysctl', [
        '-q',
        '-w',
        `net.${family}.conf.${name}.force_${kind}_version=${version}`,
      ])
    }
  }

  /** Stations 3 and 5 ask for the group: they get all of it, the others nothing. */
  async function assertSubscribersOnly(subscribe: Subscriber, group: string): Promise<void> {
    const { stations } = fixture()
    const subscribers = await Promise.all([subscribe(stations[2]!, group), subscribe(stations[4]!, group)])
    await pause(REPORT_MS)
    assert.deepEqual(await packetsOf(group), [0, 0, COUNT, 0, COUNT])
    await Promise.all(
      subscribers.map((subscriber) => subscriber.stop({ signal: 'SIGTERM', timeoutMs: 1_000 })),
    )
  }

  for (const [title, subscribe, group] of [
    ['IGMPv3, socat', SOCAT, '239.10.0.1'],
    ['IGMPv3, iperf', IPERF, '239.10.0.2'],
    ['IGMPv3, smcroute', smcroute(null), '239.10.0.3'],
    ['MLDv2, socat', SOCAT, 'ff1e::10:4'],
  ] as const) {
    it(`brings a stream to its subscribers and nobody else: ${title}`, () =>
      assertSubscribersOnly(subscribe, group))
  }

  for (const [kind, version, group] of [
    ['igmp', 2, '239.10.0.5'],
    ['igmp', 1, '239.10.0.7'],
    ['mld', 1, 'ff1e::10:6'],
  ] as const) {
    it(`brings a stream to its subscribers and nobody else: ${kind.toUpperCase()}v${version}`, async () => {
      await force(kind, version)
      try {
        await assertSubscribersOnly(SOCAT, group)
      } finally {
        await force(kind, 0)
      }
    })
  }

  it('brings a source-specific stream from its source alone', async () => {
    const { stations } = fixture()
    const [wanted, , subscriber, other] = stations as [Station, Station, Station, Station]
    const daemon = await smcroute(wanted.address4)(subscriber, '232.10.0.8')
    await pause(REPORT_MS)
    assert.deepEqual(await packetsOf('232.10.0.8'), [0, 0, COUNT, 0, 0])
    assert.deepEqual(await packetsOf('232.10.0.8', stations.indexOf(other) + 1), [0, 0, 0, 0, 0])
    await daemon.stop()
  })

  it('stops a stream to who has left while others go on to get it', async (t) => {
    const { network, stations } = fixture()
    const [sender, , leaver, , stayer] = stations as [Station, Station, Station, Station, Station]
    const group = '239.10.0.9'
    const [leaving, staying] = await Promise.all([SOCAT(leaver, group), SOCAT(stayer, group)])
    await pause(REPORT_MS)
    const filter = `dst host ${group} and udp dst port ${STREAM_PORT}`
    const [atLeaver, atStayer] = await Promise.all([
      network.capture(leaver, filter),
      network.capture(stayer, filter),
    ])
    const stream = sendStream(sender, { group, count: 800, intervalMs: INTERVAL_MS })
    await network.until('the stream', async () => atLeaver.packets > 100)
    const before = atLeaver.packets
    await leaving.stop()
    await stream
    await pause(500)
    const after = (await atLeaver.stop()).packets - before
    tellFigures(t, 'fast leave', { msOfStreamAfterLeaving: after * INTERVAL_MS })
    assert.equal((await atStayer.stop()).packets, 800)
    assert.ok(after * INTERVAL_MS < 2_500, `${after} datagrams came after leaving`)
    await staying.stop()
  })

  it('floods a group of the link-local block to everybody', async () => {
    assert.deepEqual(await packetsOf('224.0.0.77'), [0, COUNT, COUNT, COUNT, COUNT])
    assert.deepEqual(await packetsOf('ff02::1'), [0, COUNT, COUNT, COUNT, COUNT])
  })

  it('brings all groups to a multicast router on a TAP', async () => {
    const { stations } = fixture()
    const router = stations[3]!
    assert.deepEqual(await packetsOf('239.10.0.10'), [0, 0, 0, 0, 0], 'the control: nobody has asked')
    const { address4 } = router
    await sendFrames(router, 'multicast-router', { address: address4, count: 3, rate: 10 })
    await pause(REPORT_MS)
    assert.deepEqual(await packetsOf('239.10.0.10'), [0, 0, 0, COUNT, 0])
  })
})
