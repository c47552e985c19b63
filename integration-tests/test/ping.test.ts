import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  EMBEDDED,
  forEachShape,
  ping,
  SERVICES,
  SERVICES_NATS_LANE,
  type Station,
  type TestNetwork,
  useNetwork,
} from '../src/index.ts'

const setUp = (network: TestNetwork) => network.vlan('lan')

function pairs(stations: readonly Station[]): [Station, Station][] {
  return stations.flatMap((from) =>
    stations.filter((to) => to !== from).map((to): [Station, Station] => [from, to]),
  )
}

/** An address of the subnet that no station has. */
function freeAddress(stations: readonly Station[]): string {
  const start = stations[0]!.address4.replace(/\d+$/, '')
  const taken = new Set(stations.map(({ address4 }) => address4))
  for (let last = 2; ; last++) if (!taken.has(start + last)) return start + last
}

forEachShape(
  'one VLAN on three hosts that find each other by mDNS',
  (shape) => {
    const fixture = useNetwork({ name: 'ping', shape, discovery: 'mdns' }, setUp)

    it('carries ping between all pairs, IPv4, ULA and link-local, without loss or duplicates', async () => {
      const { stations } = fixture()
      const runs = pairs(stations).flatMap(([from, to]) =>
        from.waysTo(to).map(async ({ kind, address }) => {
          const { sent, received, duplicates, output } = await ping(from, address)
          const what = `${from.name} to ${to.name}, ${kind}:\n${output}`
          assert.deepEqual({ sent, received, duplicates }, { sent: 5, received: 5, duplicates: 0 }, what)
        }),
      )
      await Promise.all(runs)
    })

    it('carries ping larger than the MTU, in fragments', async () => {
      const [from, to] = fixture().stations as [Station, Station]
      for (const { kind, address } of from.waysTo(to)) {
        const { received, output } = await ping(from, address, { count: 3, payloadBytes: 8_000 })
        assert.equal(received, 3, `${kind}:\n${output}`)
      }
    })

    it('brings ARP requests for a station that nobody knows to every other host, as broadcasts', async () => {
      const { network, stations } = fixture()
      const [from, , third] = stations as [Station, Station, Station]
      const capture = await network.capture(third, 'arp')
      const nobody = freeAddress(stations)
      assert.equal((await ping(from, nobody, { count: 1 })).received, 0)
      const asked = new RegExp(
        `${from.mac} > ff:ff:ff:ff:ff:ff, .*Request who-has ${nobody} .*tell ${from.address4}`,
      )
      await network.until(`the ARP request on ${third.name}`, async () =>
        capture.lines.some((line) => asked.test(line)),
      )
      await capture.stop()
    })

    it('answers ARP requests for members at the host that asks: nobody else hears them', async () => {
      const { network, stations } = fixture()
      const [from, to, third] = stations as [Station, Station, Station]
      // Now every switch knows where the address is.
      await ping(to, from.address4, { count: 1 })
      const capture = await network.capture(third, 'arp')
      await from.host.lab.ip([`neigh flush dev ${from.interface}`])
      assert.equal((await ping(from, to.address4, { count: 1 })).received, 1)
      const heard = (await capture.stop()).lines.filter((line) => line.includes(`who-has ${to.address4} `))
      assert.deepEqual(heard, [])
    })

    it('brings neighbour solicitations for a station that nobody knows to every other host, as multicasts', async () => {
      const { network, stations } = fixture()
      const [from, , third] = stations as [Station, Station, Station]
      const capture = await network.capture(third, 'icmp6')
      const nobody = from.address6.replace(/[^:]+$/, 'dead')
      assert.equal((await ping(from, nobody, { count: 1 })).received, 0)
      const asked = new RegExp(`${from.mac} > 33:33:ff:.*neighbor solicitation, who has ${nobody}`)
      await network.until(`the solicitation on ${third.name}`, async () =>
        capture.lines.some((line) => asked.test(line)),
      )
      await capture.stop()
    })
  },
  [EMBEDDED, SERVICES, SERVICES_NATS_LANE],
)
