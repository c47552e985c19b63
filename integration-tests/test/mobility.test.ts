import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { LabHost } from '@wakunet/netlab'
import {
  EMBEDDED,
  type Host,
  prepareFrames,
  type Station,
  spreadOf,
  type TestNetwork,
  tellFigures,
  useNetwork,
} from '../src/index.ts'

const BRIDGE = 'br-lan'
const MAC = '02:00:00:00:77:01'
const MOVES = 3
const PERIOD_MS = 20
const SETTLED_MS = 2_000
/** Far above what it shall be; the figures tell what it is. */
const OUTAGE_LIMIT_MS = 5_000

interface Fixture {
  readonly watcher: Station
  /** Where the guest can be plugged in: the same host as far as anybody can tell. */
  readonly places: readonly [LabHost, LabHost]
  readonly address: string
}

/**
 * ```text
 *   watcher h1 ─ h2 ─ h3          h2 and h3 bridge a LAN each; the guest moves between the two
 *                │     │
 *               h4    h5          one guest, one MAC address, one IP address
 * ```
 */
async function setUp(network: TestNetwork): Promise<Fixture> {
  const vlan = await network.createVlan('lan', ['--subnet', '10.63.0.0/24'])
  const watcher = await network.join(network.host(1), vlan)
  const bridging = [network.host(2), network.host(3)] as [Host, Host]
  for (const [index, { lab }] of bridging.entries()) {
    const guest = network.lab.host(4 + index)
    await lab.ip([`link add ${BRIDGE} type bridge`, `link set ${BRIDGE} up`])
    await network.lab.connect({ host: lab, interface: 'guest' }, { host: guest, interface: 'lan0' })
    await lab.ip([`link set guest master ${BRIDGE}`])
    await guest.ip(['link set lan0 down', `link set lan0 address ${MAC}`])
  }
  for (const host of bridging) await network.joinPort(host, vlan, ['--bridge', BRIDGE])
  return { watcher, places: [network.lab.host(4), network.lab.host(5)], address: '10.63.0.77' }
}

describe('a host that moves from one member to another', () => {
  const fixture = useNetwork(
    {
      name: 'mobility',
      shape: EMBEDDED,
      nodes: 3,
      bareHosts: 2,
      edges: [
        [1, 2],
        [2, 3],
      ],
      programs: ['scapy3'],
    },
    setUp,
  )

  it('is reached at its new place soon', async (t) => {
    const { network, watcher, places, address } = fixture()
    // As a machine that moves does: it says where it is now.
    const arrive = async (guest: LabHost, announce: () => Promise<void>) => {
      await guest.ip(['link set lan0 up', `addr replace ${address}/24 dev lan0`])
      await announce()
    }
    const prepare = (guest: LabHost) => prepareFrames(guest, 'lan0', 'announcements', { address })
    const leave = (guest: LabHost) => guest.ip([`addr del ${address}/24 dev lan0`, 'link set lan0 down'])
    await arrive(places[0], await prepare(places[0]))
    await network.until('the guest at its first place', async () => {
      const { code } = await watcher.host.lab.exec('ping', ['-c', '1', '-W', '1', address], {
        allowFailure: true,
      })
      return code === 0
    })
    const outages: number[] = []
    for (let move = 0; move < MOVES; move++) {
      const [from, to] = move % 2 === 0 ? places : places.toReversed()
      const pings = watcher.host.lab.spawn('ping', ['-n', '-D', '-i', String(PERIOD_MS / 1_000), address])
      await pings.waitForOutput(/icmp_seq=20 /)
      // Who moves to and fro at once is held down for a while.
      await pause(SETTLED_MS)
      const announce = await prepare(to!)
      await leave(from!)
      const answers = () => pings.output().stdout.split('bytes from').length
      const before = answers()
      const arriving = arrive(to!, announce)
      await network.until(`the guest at ${to!.name}, move ${move + 1}`, async () => answers() > before + 1)
      await arriving
      await pause(500)
      await pings.stop({ signal: 'SIGINT' })
      outages.push(longestGapMs(pings.output().stdout))
    }
    tellFigures(t, 'a host that moves', { outageMs: spreadOf(outages), each: outages })
    assert.ok(Math.max(...outages) < OUTAGE_LIMIT_MS, outages.join(' '))
  })
})

/** Between two requests that were answered, by their numbers; the last answer must not be long before the end. */
function longestGapMs(output: string): number {
  const numbers = [...output.matchAll(/bytes from .* icmp_seq=(\d+) /g)].map(([, number]) => Number(number))
  const sent = Number(/(\d+) packets transmitted/.exec(output)?.[1] ?? Number.NaN)
  const gaps = [...numbers, sent].map((number, index) => number - (numbers[index - 1] ?? 0) - 1)
  return Math.max(0, ...gaps) * PERIOD_MS
}
