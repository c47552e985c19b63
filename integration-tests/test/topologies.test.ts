import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type HostPair, lineGraph, meshGraph, randomGraph, ringGraph } from '@wakunet/netlab'
import { seededRandom, testSeed } from '@wakunet/testing'
import {
  DatagramTickers,
  EMBEDDED,
  joinedPairs,
  monotonicMs,
  outagesOf,
  pairsOf,
  ping,
  type Spread,
  type Station,
  SUBNET_BROADCAST,
  sendDatagram,
  spreadOf,
  type TestNetwork,
  TICKER_PORT,
  tellFigures,
  useNetwork,
} from '../src/index.ts'

/** Cables that are cut, hosts that are killed, in each graph. */
const EVENTS = Number(process.env.TEST_EVENTS ?? 1)
/** What is measured goes on for as long after an event, so that a second outage is seen. */
const AFTER_EVENT_MS = 2_000
/** Far above what it shall be; the figures tell what it is. */
const OUTAGE_LIMIT_MS = 15_000
/** Frames for somebody else that a host may be shown while ways change. */
const STRAY_FRAMES_LIMIT = 50
const BROADCASTS = 5

interface Graph {
  readonly name: string
  readonly hosts: number
  readonly cables: readonly HostPair[]
}

const random = seededRandom()
const GRAPHS: readonly Graph[] = [
  { name: 'line', hosts: 8, cables: lineGraph(8) },
  { name: 'ring', hosts: 8, cables: ringGraph(8) },
  { name: 'mesh', hosts: 8, cables: meshGraph(8) },
  { name: 'random', hosts: 12, cables: randomGraph(12, { random, maxDegree: 4, cables: 18 }) },
]

for (const graph of GRAPHS) {
  const drawn = graph.name === 'random' ? `, TEST_SEED=${testSeed}` : ''
  describe(`${graph.hosts} hosts whose trunks make a ${graph.name}${drawn}`, () => {
    const fixture = useNetwork(
      { name: graph.name, shape: EMBEDDED, nodes: graph.hosts, edges: graph.cables, programs: ['python3'] },
      setUp,
    )

    it('all reach all, without loss or duplicates', async () => {
      const { stations } = fixture()
      for (const from of stations) {
        const others = stations.filter((to) => to !== from)
        await Promise.all(
          others.map(async (to) => {
            const { received, duplicates, output } = await ping(from, to.address4, { count: 3 })
            assert.deepEqual(
              { received, duplicates },
              { received: 3, duplicates: 0 },
              `${from.name}:\n${output}`,
            )
          }),
        )
      }
    })

    it('brings a broadcast to every host once', async () => {
      const { network, stations } = fixture()
      const captures = await Promise.all(
        stations.map((station) =>
          network.capture(station, `udp dst port 5101 and not ether src ${station.mac}`),
        ),
      )
      for (const station of stations)
        for (let number = 1; number <= BROADCASTS; number++)
          await sendDatagram(station, SUBNET_BROADCAST, `${number}\n`)
      const expected = BROADCASTS * (stations.length - 1)
      await network.until('all broadcasts', async () => captures.every(({ packets }) => packets >= expected))
      // A second copy would come a longer way.
      await pause(500)
      const seen = await Promise.all(captures.map(async (capture) => (await capture.stop()).packets))
      assert.deepEqual(
        seen,
        stations.map(() => expected),
      )
    })

    it('heals when a cable is cut, unseen by the hosts', async (t) => {
      const outages: number[] = []
      const healings: number[] = []
      for (const cable of draw(graph.cables)) {
        const edge = fixture().network.lab.edge(...cable)
        const left = joinedPairs(
          fixture().stations,
          graph.cables.filter((other) => other !== cable),
        )
        outages.push(...(await outagesAfter(t, fixture(), fixture().stations, left, () => edge.cut())))
        await edge.heal()
        healings.push(await allReach(fixture()))
      }
      tell(t, graph, 'cable cut', outages, healings)
    })

    it('heals when a cable is pulled out', async (t) => {
      const [cable] = draw(graph.cables) as [HostPair]
      const edge = fixture().network.lab.edge(...cable)
      const left = joinedPairs(
        fixture().stations,
        graph.cables.filter((other) => other !== cable),
      )
      const outages = await outagesAfter(t, fixture(), fixture().stations, left, () => edge.setLink('down'))
      await edge.setLink('up')
      tell(t, graph, 'cable pulled', outages, [await allReach(fixture())])
    })

    it('heals when a node is killed', async (t) => {
      const { stations } = fixture()
      const outages: number[] = []
      const healings: number[] = []
      for (const killed of draw(stations)) {
        const others = stations.filter((station) => station !== killed)
        const number = stations.indexOf(killed) + 1
        const left = joinedPairs(
          others,
          graph.cables.filter((cable) => !cable.includes(number)),
        )
        const kill = () => killed.host.kill('SIGKILL')
        outages.push(...(await outagesAfter(t, fixture(), others, left, kill)))
        await killed.host.start()
        healings.push(await allReach(fixture()))
      }
      tell(t, graph, 'node killed', outages, healings)
    })
  })
}

interface Fixture {
  readonly network: TestNetwork
  readonly stations: Station[]
}

async function setUp(network: TestNetwork): Promise<{ stations: Station[] }> {
  const vlan = await network.createVlan('lan')
  const stations = await network.joinAll(vlan)
  await allReach({ network, stations })
  return { stations }
}

/** Some of them, by the seed. */
function draw<T>(all: readonly T[]): T[] {
  const rest = [...all]
  return Array.from({ length: Math.min(EVENTS, rest.length) }, () => {
    return rest.splice(Math.floor(random() * rest.length), 1)[0]!
  })
}

/** Milliseconds until everybody has heard everybody. */
async function allReach({ stations }: Pick<Fixture, 'stations'> & Partial<Fixture>): Promise<number> {
  const startMs = monotonicMs()
  const tickers = await DatagramTickers.start(stations, { intervalMs: 100 })
  try {
    return (await tickers.flowing(pairsOf(stations), startMs, 60_000)) - startMs
  } finally {
    await tickers.stop()
  }
}

/** How long each of the pairs that are `left` was interrupted by what `happens`. */
async function outagesAfter(
  t: TestContext,
  { network }: Fixture,
  stations: readonly Station[],
  left: readonly (readonly [Station, Station])[],
  happens: () => Promise<unknown>,
): Promise<number[]> {
  const strays = await Promise.all(
    stations.map(({ mac }, index) => {
      const filter = `udp port ${TICKER_PORT} and not ether src ${mac} and not ether dst ${mac}`
      return network.capture(stations[index]!, filter)
    }),
  )
  const tickers = await DatagramTickers.start(stations)
  await tickers.flowing(pairsOf(stations), monotonicMs())
  await pause(500)
  const sinceMs = monotonicMs()
  await happens()
  await pause(AFTER_EVENT_MS)
  await tickers.flowing(left, monotonicMs(), OUTAGE_LIMIT_MS)
  const reports = await tickers.stop()
  const shown = await Promise.all(strays.map(async (capture) => (await capture.stop()).packets))
  const duplicates = reports.reduce((sum, report) => sum + report.duplicates, 0)
  assert.equal(duplicates, 0, 'no datagram came twice')
  assert.ok(Math.max(...shown) <= STRAY_FRAMES_LIMIT, `frames for others on the TAPs: ${shown.join(' ')}`)
  const outages = outagesOf(reports, left, { sinceMs, intervalMs: tickers.intervalMs })
  t.diagnostic(`${JSON.stringify(spreadOf(outages))}, strays ${Math.max(...shown)}`)
  assert.ok(Math.max(...outages) < OUTAGE_LIMIT_MS, `an outage of ${Math.max(...outages)} ms`)
  return outages
}

function tell(
  t: TestContext,
  { name, hosts }: Graph,
  what: string,
  outages: number[],
  healings: number[],
): void {
  const touched = outages.filter((ms) => ms > 0)
  const figures: Record<string, Spread | number> = {
    outageMsOfTouchedPairs: spreadOf(touched),
    untouchedPairs: outages.length - touched.length,
    msUntilAllReachAllAgain: spreadOf(healings),
  }
  tellFigures(t, `${name} of ${hosts}, ${what}`, figures)
}
