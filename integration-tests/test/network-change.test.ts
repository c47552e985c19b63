/**
 * A host behind a NAT that changes its network while a VLAN is in use. The trunk is to a public host, once with datagrams and once by
 * stream alone.
 *
 * ```text
 *   h1 (public) ─┬─ internet
 *   h2 ─ eth0 ─ r2 (NAT) ─┤
 *    └── eth1 ─ r3 (NAT) ─┘   h3 is there for its router
 * ```
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import {
  DatagramTickers,
  EMBEDDED,
  type Host,
  monotonicMs,
  outagesOf,
  pairsOf,
  type Station,
  TcpTicker,
  type TestNetwork,
  tellFigures,
  useNetwork,
} from '../src/index.ts'

/** What it shall be is 3 s; a machine that is busy with other tests takes longer. */
const LIMIT_MS = 10_000
const AWAY_MS = 2_000
const SETTLED_MS = 4_000

for (const enabled of [true, false])
  describe(`a host that changes its network, ${enabled ? 'with datagrams' : 'by stream alone'}`, () => {
    const fixture = useNetwork(
      {
        name: enabled ? 'netdgram' : 'netstream',
        shape: EMBEDDED,
        nodes: 2,
        bareHosts: 1,
        sites: [{ nat: 'none' }, { nat: 'port-restricted' }, { nat: 'port-restricted' }],
        settings: () => ({ trunk: { datagram: { enabled } } }),
        programs: ['python3'],
      },
      setUp,
    )

    it('goes on with another address', async (t) => {
      const { network, stations } = fixture()
      const lab = network.host(2).lab
      const outageMs = await outage(stations, async () => {
        await lab.ip([
          'addr del 192.168.1.2/24 dev eth0',
          'addr add 192.168.1.77/24 dev eth0',
          'route replace default via 192.168.1.1 dev eth0',
        ])
      })
      tell(t, 'another address', outageMs)
    })

    it('goes on over another interface and router', async (t) => {
      const { network, stations } = fixture()
      const [host, router] = [network.host(2).lab, network.lab.router(3)]
      await network.lab.connect({ host, interface: 'eth1' }, { host: router, interface: 'lan2' })
      await router.ip(['addr add 192.168.2.1/24 dev lan2'])
      await host.ip(['addr add 192.168.2.2/24 dev eth1'])
      await pause(SETTLED_MS)
      const outageMs = await outage(stations, async () => {
        await host.ip(['link set eth0 down', 'route replace default via 192.168.2.1 dev eth1'])
      })
      tell(t, 'another interface and router', outageMs)
    })

    it('is back after its interface was down', async (t) => {
      const { network, stations } = fixture()
      const host = network.host(2).lab
      const outageMs = await outage(stations, async () => {
        await host.ip(['link set eth1 down'])
        await pause(AWAY_MS)
        await host.ip(['link set eth1 up', 'route replace default via 192.168.2.1 dev eth1'])
      })
      tell(t, `an interface that was down for ${AWAY_MS} ms`, outageMs - AWAY_MS)
    })

    it('is back after it was asleep for longer than peers wait', async (t) => {
      const { network, stations } = fixture()
      const asleepMs = 6_000
      const outageMs = await outage(stations, async () => {
        const pids = await nodePids(network.host(2))
        for (const pid of pids) process.kill(pid, 'SIGSTOP')
        await pause(asleepMs)
        for (const pid of pids) process.kill(pid, 'SIGCONT')
      })
      tell(t, `a sleep of ${asleepMs} ms`, outageMs - asleepMs)
    })

    function tell(t: Parameters<typeof tellFigures>[0], what: string, outageMs: number): void {
      tellFigures(t, `${enabled ? 'datagrams' : 'stream'}, ${what}`, { outageMs: Math.round(outageMs) })
      assert.ok(outageMs < LIMIT_MS, `${outageMs} ms`)
    }
  })

/** Processes of a host's node, and of nothing else that runs there. */
async function nodePids({ lab, cliTarget }: Host): Promise<number[]> {
  const { stdout } = await lab.exec('ip', ['netns', 'pids', lab.namespace])
  const socket = cliTarget[1]!
  return stdout
    .trim()
    .split('\n')
    .map(Number)
    .filter((pid) => commandLine(pid).includes(socket))
}

/** Empty for one that has ended, as the one that lists them has. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}

async function setUp(network: TestNetwork): Promise<{ stations: Station[] }> {
  const { stations } = await network.vlan('lan')
  return { stations }
}

/** How long nothing passed, one way or the other, because of what `happens`; a TCP connection lives through it. */
async function outage(stations: readonly Station[], happens: () => Promise<void>): Promise<number> {
  const tickers = await DatagramTickers.start(stations)
  const pairs = pairsOf(stations)
  await tickers.flowing(pairs, monotonicMs())
  const tcp = await TcpTicker.start(stations[0]!, stations[1]!)
  const sinceMs = monotonicMs()
  await happens()
  await tickers.flowing(pairs, monotonicMs(), 60_000)
  await pause(SETTLED_MS)
  const reports = await tickers.stop()
  const flow = await tcp.stop()
  assert.ok(flow.inOrder && flow.received >= flow.sent - 1, JSON.stringify(flow))
  return Math.max(...outagesOf(reports, pairs, { sinceMs, intervalMs: tickers.intervalMs }))
}
