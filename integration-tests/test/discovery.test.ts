import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { VlanInfo } from '@wakunet/bus'
import {
  EMBEDDED,
  type Host,
  monotonicMs,
  ping,
  type Station,
  SUBNET_BROADCAST,
  sendDatagram,
  spreadOf,
  type TestNetwork,
  tellFigures,
  useNetwork,
} from '../src/index.ts'

/** 40 nodes with their probes keep two processors busy: `TEST_NODES=40 node --test` where there are more. */
const NODES = Number(process.env.TEST_NODES ?? 12)
const CONNECTION_LIMIT = 6
/** Commands and pings at a time: all nodes share the machine. */
const AT_A_TIME = 4
const FOUND_WITHIN_MS = 300_000

interface Fixture {
  readonly network: TestNetwork
  readonly vlan: VlanInfo
  readonly stations: Station[]
}

/** Each item in its turn, few at a time. */
async function inTurn<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let first = 0; first < items.length; first += AT_A_TIME)
    results.push(...(await Promise.all(items.slice(first, first + AT_A_TIME).map(run))))
  return results
}

/** Joins as a person would who tries again: the few trunks of a new node may all be to nodes that have not joined yet. */
function joinPatiently(network: TestNetwork, host: Host, vlan: VlanInfo): Promise<Station> {
  return network.until(
    `${host.name} to join`,
    async () => {
      try {
        return await network.join(host, vlan)
      } catch (error) {
        const text = error instanceof Error ? error.message : ''
        if (text.includes('ERR_VLAN_NOT_FOUND')) return null
        if (!text.includes('ERR_VLAN_ALREADY_JOINED')) return busy(error)
        // An answer that came too late.
        return network.cli<null>(host, ['vlan', 'leave', vlan.ref]).then(() => null, busy)
      }
    },
    180_000,
  )
}

/** Null for a node that had no time to answer. */
function busy(error: unknown): null {
  if (error instanceof Error && error.message.includes('ERR_BUS_TIMEOUT')) return null
  throw error
}

/** Waits until each of the stations shows all the others as members of the VLAN. @returns milliseconds */
async function allKnown({ network, vlan }: Fixture, stations: readonly Station[]): Promise<number> {
  const startMs = monotonicMs()
  let lacking = [...stations]
  while (lacking.length > 0) {
    const known = await inTurn(lacking, async ({ host }) => {
      const { joined } = await network.showVlan(host, vlan)
      return new Set<string>(joined?.members.map(({ nodeId }) => nodeId))
    })
    lacking = lacking.filter((station, at) =>
      stations.some((other) => other !== station && !known[at]!.has(other.nodeId)),
    )
    assert.ok(
      monotonicMs() - startMs < FOUND_WITHIN_MS,
      `${lacking.map(({ name }) => name).join(' ')} do not know all`,
    )
  }
  return monotonicMs() - startMs
}

/** How many trunks each has. */
async function trunkCounts({ network }: Fixture, stations: readonly Station[]): Promise<number[]> {
  const statuses = await inTurn(stations, ({ host }) => network.status(host))
  return statuses.map(({ node }) => node.peersConnected)
}

/** A broadcast of one arrives once at each of the others, and a ping at the farthest comes back. */
async function assertReached({ network }: Fixture, stations: readonly Station[]): Promise<void> {
  const [from, ...others] = stations as [Station, ...Station[]]
  const captures = await inTurn(others, (station) =>
    network.capture(station, `udp dst port 5101 and ether src ${from.mac}`),
  )
  await sendDatagram(from, SUBNET_BROADCAST, 'hello\n')
  await network.until(
    'the broadcast at all',
    async () => captures.every(({ packets }) => packets >= 1),
    60_000,
  )
  const seen = await Promise.all(captures.map(async (capture) => (await capture.stop()).packets))
  assert.deepEqual(
    seen,
    others.map(() => 1),
  )
  await inTurn(others, async (to) => {
    const { received } = await ping(from, to.address4, { count: 3 })
    assert.ok(received >= 2, `${to.name} answers ${received} of 3`)
  })
}

describe(`${NODES} nodes with ${CONNECTION_LIMIT} trunks each that were told of one node, which dies`, () => {
  const fixture = useNetwork(
    {
      name: 'discover',
      shape: EMBEDDED,
      nodes: NODES,
      discovery: 'first',
      startsAtATime: AT_A_TIME,
      settings: () => ({ trunk: { connectionLimit: CONNECTION_LIMIT } }),
    },
    async (network) => {
      // All have just started on one machine: the first answers when they are done.
      const vlan = await network.until('a VLAN', () => network.createVlan('lan').catch(busy), 180_000)
      const stations = await inTurn(network.hosts, (host) => joinPatiently(network, host, vlan))
      return { vlan, stations }
    },
  )

  it('all find all members of their VLAN, though nobody has more trunks than it may', async (t) => {
    const ms = await allKnown(fixture(), fixture().stations)
    const counts = await trunkCounts(fixture(), fixture().stations)
    assert.ok(Math.max(...counts) <= CONNECTION_LIMIT, `trunks: ${counts.join(' ')}`)
    tellFigures(t, `${NODES} nodes, all known`, { ms, trunks: spreadOf(counts) })
  })

  it('all reach all without the node that they were told of', async (t) => {
    const [first, ...others] = fixture().stations as [Station, ...Station[]]
    await first.host.kill('SIGKILL')
    const ms = await allKnown(fixture(), others)
    await assertReached(fixture(), others)
    const counts = await trunkCounts(fixture(), others)
    assert.ok(Math.max(...counts) <= CONNECTION_LIMIT, `trunks: ${counts.join(' ')}`)
    tellFigures(t, `${NODES - 1} nodes, the first is dead`, { ms, trunks: spreadOf(counts) })
  })

  it('nodes that restart find the others by what they remember', async (t) => {
    const others = fixture().stations.slice(1)
    const restarted = others.slice(0, 3)
    const startMs = monotonicMs()
    for (const { host } of restarted) await host.stop()
    for (const { host } of restarted) await host.start()
    await allKnown(fixture(), others)
    await assertReached(fixture(), [restarted[0]!, ...others.filter((station) => station !== restarted[0])])
    tellFigures(t, `${restarted.length} restarted, their only configured peer is dead`, {
      ms: monotonicMs() - startMs,
    })
  })
})

describe('two hosts on a LAN without internet that know nothing but an address each', () => {
  const fixture = useNetwork(
    { name: 'twoaddr', shape: EMBEDDED, nodes: 2, discovery: 'bootstrap' },
    async (network) => ({ stations: (await network.vlan('lan')).stations }),
  )

  it('have one network', async () => {
    const [one, two] = fixture().stations as [Station, Station]
    const { received } = await ping(one, two.address4, { count: 3 })
    assert.equal(received, 3)
  })
})
